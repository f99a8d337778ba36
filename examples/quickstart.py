"""The vendor's quickstart, step by step: on the sandbox, or on a real tenant.

Without KREBIT_DOMAIN in the environment it starts a sandbox of its own and walks through that. With it, and the
quickstart's other variables, the same program walks through your tenant, reading only; `--webhook URL` also creates a
webhook there.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from krebit import FileTokenStore, Krebit, KrebitError, money, paginate
from krebit_api.models import WebhookStoreRequest

console = Console(soft_wrap=True, highlight=False)


def main(arguments: list[str] | None = None) -> int:
    """Walk; 0 when every step went well, 1 with one line on stderr when one did not."""
    options = _options(arguments)
    try:
        with ExitStack() as stack:
            walk(_client(options, stack), options)
    except KrebitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The Krebit quickstart, step by step.")
    parser.add_argument(
        "--client", type=int, metavar="ID", help="the client to look at (default: 12345 in the sandbox, else the first)"
    )
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="records a page in step 3 (default: 10)")
    parser.add_argument(
        "--page", type=int, default=1, metavar="N", help="where the walk over all pages starts (default: 1)"
    )
    parser.add_argument(
        "--webhook", metavar="URL", help="create a webhook with this target (the sandbox always gets one)"
    )
    parser.add_argument("--event", default="act.created", help="its event (default: act.created)")
    parser.add_argument("--login", action="store_true", help="sign in with a browser first")
    return parser.parse_args(arguments)


def _client(options: argparse.Namespace, stack: ExitStack) -> Krebit:
    if os.environ.get("KREBIT_DOMAIN"):
        krebit = stack.enter_context(Krebit.from_env())
        if options.login:
            krebit.login()
        return krebit
    from krebit_sandbox import Sandbox

    sandbox = stack.enter_context(Sandbox(seed=1))
    console.print(
        f"[yellow]No KREBIT_DOMAIN is set: a sandbox plays the tenant, at {sandbox.domain}. Its data are invented.[/]"
    )
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    environment = {name: value for name, value in sandbox.environment.items() if name != "KREBIT_REFRESH_TOKEN"}
    options.client = options.client or 12345
    options.webhook = options.webhook or "https://example.com/webhooks/krebit"
    return stack.enter_context(
        Krebit.from_env(environment, store=FileTokenStore(f"{folder}/logins"), ca_file=sandbox.ca_file)
    )


def walk(krebit: Krebit, options: argparse.Namespace) -> None:
    """The five steps, the webhook, and all pages of the client list."""
    step(
        "Step 1 · Obtain an access token",
        "POST /api/oauth/token",
        "the code or the stored refresh token, once; the answer is kept",
    )
    fresh = krebit.with_raw_response(krebit.get_current_user)
    show({"access_token": "***", "refresh_token": "***, stored for the next run"})

    step("Step 2 · Verify identity", "GET /api/1.0/me")
    show(fresh.content)

    step("Step 3 · List clients", f"GET /api/1.0/clients?limit={options.limit}&page=1")
    page = krebit.list_clients(limit=options.limit, page=1)
    for client in page.data:
        console.print(f"  {client.id:>7}  {escape(str(client.company_name)):34.34}  {masked(client.org_number)}")
    if not page.data:
        console.print("  (this tenant has no clients yet: nothing more to show)")
        return
    chosen = options.client or page.data[0].id

    step("Step 4 · Fetch client details", f"GET /api/1.0/clients/{chosen}")
    client = krebit.get_client(chosen)
    show(
        {
            "company_name": client.company_name,
            "org_number": masked(client.org_number),
            "credit_limit": f"{money(client.credit_limit)} {client.currency or ''}".strip(),
        }
    )

    step("Step 5 · Pull the latest act", f"GET /api/1.0/clients/{chosen}/acts/latest")
    act = krebit.get_latest_act(chosen)
    show(
        {
            "uuid": str(act.uuid),
            "template_name": act.template_name,
            "amount": money(act.amount),
            "currency": act.currency,
        }
    )
    step(None, f"GET /api/1.0/acts/{act.uuid}/data")
    for point in krebit.get_act_data(act.uuid):
        console.print(f"  {escape(str(point.name)):34.34}  {escape(str(point.value))}")

    if options.webhook:
        step(
            "Optional · Create a webhook", "POST /api/1.0/webhooks", f"event {options.event}, target {options.webhook}"
        )
        hook = krebit.create_webhook(body=WebhookStoreRequest(event=options.event, target=options.webhook))
        show({"id": hook.id, "event": hook.event, "target": hook.target, "secret": "*** (store it: it is shown once)"})

    walk_all(krebit, options.page)


def walk_all(krebit: Krebit, start: int) -> None:
    """Every page of the client list, with a progress bar."""
    step("And all of them", "GET /api/1.0/clients?limit=100&page=1, 2, 3 …", "pages are fetched ahead, four at once")
    columns = (SpinnerColumn(), TextColumn("  clients"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("clients", total=None)
        clients = paginate(krebit.list_clients, limit=100, page=start).options(
            prefetch=4, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
        limits = [money(client.credit_limit) for client in clients]
    console.print(f"  {len(limits)} clients, credit limits of {sum(filter(None, limits)):,} in sum")


def step(title: str | None, request: str, remark: str = "") -> None:
    """Say what is asked."""
    if title:
        console.print(f"\n[bold]{title}[/]")
    console.print(f"[cyan]→ {escape(request)}[/]" + (f"  [dim]{escape(remark)}[/]" if remark else ""))


def show(answer: Mapping[str, Any]) -> None:
    """Say what came back."""
    console.print("[green]←[/] ", end="")
    console.print_json(data=_plain(answer), indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return value if isinstance(value, str | int | float | list | None) else str(value)


def masked(org_number: object) -> str:
    """An organisation number as the guides ask for it to be shown."""
    return f"{org_number[:2]}****-****" if isinstance(org_number, str) else "-"


if __name__ == "__main__":
    raise SystemExit(main())
