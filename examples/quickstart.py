"""The vendor's quickstart, step by step: on the sandbox, or on a real tenant.

Without KREBIT_DOMAIN in the environment it starts a sandbox of its own and walks through that. With it, and the
quickstart's other variables, the same program walks through your tenant, reading only; `--webhook URL` also creates a
webhook there, and `--secret-file FILE` keeps its secret, which is shown once.
"""

import argparse
import io
import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from krebit import ConfigurationError, FileTokenStore, Krebit, KrebitError, LoginRequired, NotFound, money, paginate
from krebit_api.models import WebhookStoreRequest, WebhookSubscription

console = Console(soft_wrap=True, highlight=False)


class Heard(logging.Handler):
    """What the library tells of its requests, so that each step shows what really came back."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.token_requests: list[str] = []
        self.answer = ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            print(f"warning: {text}", file=sys.stderr)
        elif facts := getattr(record, "krebit", None):
            self.answer = f"{facts['status']}, {facts['milliseconds']} ms"
        elif text.startswith("POST /api/oauth/token "):
            self.token_requests.append(text.removeprefix("POST /api/oauth/token "))


heard = Heard()


def main(arguments: list[str] | None = None) -> int:
    """Walk; 0 when every step went well, 1 with one line on stderr when one did not."""
    options = _options(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names of companies, on whatever terminal
    log = logging.getLogger("krebit")
    log.addHandler(heard)
    log.setLevel(logging.DEBUG)
    try:
        with ExitStack() as stack:
            walk(_client(options, stack), options)
    except LoginRequired as error:
        print(f"error: {error}; this program does it with --login", file=sys.stderr)
        return 1
    except (KrebitError, OSError) as error:
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
    parser.add_argument("--secret-file", type=Path, metavar="FILE", help="write its secret into this new file")
    parser.add_argument("--login", action="store_true", help="sign in with a browser first")
    return parser.parse_args(arguments)


def _client(options: argparse.Namespace, stack: ExitStack) -> Krebit:
    if os.environ.get("KREBIT_DOMAIN"):
        if options.secret_file and not options.webhook:
            raise ConfigurationError("--secret-file: is for the secret of a webhook; add --webhook URL")
        # As a sandbox without TLS says it; anywhere else it is refused.
        plain_http = os.environ.get("KREBIT_API", "").startswith("http:")
        api = stack.enter_context(Krebit.from_env(plain_http=plain_http))
        if options.login:
            api.login()
        return api
    if options.login:
        raise ConfigurationError("--login: set KREBIT_DOMAIN and KREBIT_CLIENT_ID; the sandbox is signed in already")
    from krebit_sandbox import Sandbox

    sandbox = stack.enter_context(Sandbox(seed=1))
    console.print(
        f"[yellow]No KREBIT_DOMAIN is set: a sandbox plays the tenant, at {sandbox.domain}. Its data are invented.[/]"
    )
    os.environ["no_proxy"] = "localhost"  # it is on this machine, whatever proxy leads out of it
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    environment = {name: value for name, value in sandbox.environment.items() if name != "KREBIT_REFRESH_TOKEN"}
    options.client = 12345 if options.client is None else options.client
    options.webhook = options.webhook or "https://example.com/webhooks/krebit"
    return stack.enter_context(
        Krebit.from_env(environment, store=FileTokenStore(f"{folder}/logins"), ca_file=sandbox.ca_file)
    )


def walk(api: Krebit, options: argparse.Namespace) -> None:
    """The five steps, the webhook, and all pages of the client list."""
    step(
        "Step 1 · Obtain an access token",
        "POST /api/oauth/token",
        "for the code or the stored refresh token, when there is no access token that is good",
    )
    user = api.with_raw_response(api.get_current_user)
    for grant in heard.token_requests:
        console.print(f"[green]←[/] {escape(grant)}; the tokens (***) are stored")
    if not heard.token_requests:
        console.print("[green]←[/] nothing was asked: the stored login is good")

    step("Step 2 · Verify identity", "GET /api/1.0/me")
    show(user.content)

    step("Step 3 · List clients", f"GET /api/1.0/clients?limit={options.limit}&page=1")
    page = api.list_clients(limit=options.limit, page=1)
    console.print(f"[green]←[/] [dim]{heard.answer}[/]")
    for client in page.data:
        console.print(f"  {client.id:>7}  {escape(str(client.company_name)):34.34}  {masked(client.org_number)}")
    chosen = page.data[0].id if page.data and options.client is None else options.client
    if chosen is None:
        console.print("  (this tenant has no clients yet: nothing to show of one)")
    else:
        show_client(api, chosen)
        show_act(api, chosen)
    if options.webhook:
        step(
            "Optional · Create a webhook", "POST /api/1.0/webhooks", f"event {options.event}, target {options.webhook}"
        )
        body = WebhookStoreRequest(event=options.event, target=options.webhook)
        hook, kept = create_webhook(api, body, options.secret_file)
        show({"id": hook.id, "event": hook.event, "target": hook.target, "secret": f"*** ({kept})"})

    walk_all(api, options.page)


def show_client(api: Krebit, chosen: int) -> None:
    """What is known of one client."""
    step("Step 4 · Fetch client details", f"GET /api/1.0/clients/{chosen}")
    client = api.get_client(chosen)
    show(
        {
            "company_name": client.company_name,
            "org_number": masked(client.org_number),
            "credit_limit": f"{amount(client.credit_limit)} {client.currency or ''}".strip(),
        }
    )


def show_act(api: Krebit, chosen: int) -> None:
    """A client's latest act and the values in it, where it has one."""
    step("Step 5 · Pull the latest act", f"GET /api/1.0/clients/{chosen}/acts/latest")
    try:
        act = api.get_latest_act(chosen)
    except NotFound:
        console.print(f"[green]←[/] [dim]{heard.answer}[/]\n  (this client has no act yet; --client ID takes another)")
        return
    show(
        {
            "uuid": str(act.uuid),
            "template_name": act.template_name,
            "amount": amount(act.amount),
            "currency": act.currency,
        }
    )
    step(None, f"GET /api/1.0/acts/{act.uuid}/data")
    points = api.get_act_data(act.uuid)
    console.print(f"[green]←[/] [dim]{heard.answer}[/]")
    for point in points:
        value = "-" if point.value is None else str(point.value)
        console.print(f"  {escape(str(point.name)):34.34}  {escape(value)}")


def create_webhook(api: Krebit, body: WebhookStoreRequest, file: Path | None) -> tuple[WebhookSubscription, str]:
    """The subscription, and where its secret is now. The file is made first: afterwards it would be too late."""
    if file is None:
        return api.create_webhook(body=body), "shown once and not kept; --secret-file FILE keeps it"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(f"--secret-file {file}: cannot be made ({error.strerror})") from None
    with os.fdopen(descriptor, "w") as secret:
        try:
            hook = api.create_webhook(body=body)
        except KrebitError:
            file.unlink()
            raise
        secret.write(hook.secret)
    return hook, f"in {file}"


def walk_all(api: Krebit, start: int) -> None:
    """Every page of the client list, with a progress bar."""
    step(
        "And all of them",
        f"GET /api/1.0/clients?limit=100&page={start}, {start + 1}, …",
        "pages are fetched ahead, four at the same time",
    )
    columns = (SpinnerColumn(), TextColumn("  clients"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("clients", total=None)
        clients = paginate(api.list_clients, limit=100, page=start).options(
            prefetch=4, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
        limits = [(client.currency or "", amount(client.credit_limit)) for client in clients]
    sums: dict[str, Decimal] = {}
    for currency, limit in limits:
        if isinstance(limit, Decimal):
            sums[currency] = sums.get(currency, Decimal()) + limit
    text = ", ".join(f"{sums[currency]:,} {currency}".strip() for currency in sorted(sums))
    console.print(f"  {len(limits)} clients, credit limits in sum: {escape(text) or '-'}")


def step(title: str | None, request: str, remark: str = "") -> None:
    """Say what is asked."""
    if title:
        console.print(f"\n[bold]{title}[/]")
    console.print(f"[cyan]→ {escape(request)}[/]" + (f"  [dim]{escape(remark)}[/]" if remark else ""))


def show(answer: Mapping[str, Any]) -> None:
    """Say what came back."""
    console.print(f"[green]←[/] [dim]{heard.answer}[/]")
    console.print_json(data=_plain(answer), indent=2)


def _plain(value: Any, key: str = "") -> Any:
    """What JSON can say, without addresses, telephone and organisation numbers."""
    if isinstance(value, Mapping):
        return {key: _plain(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, key) for part in value]
    if value and any(word in key for word in ("mail", "phone", "org_number")) and not str(value).endswith("****-****"):
        return "***"
    return value if isinstance(value, str | int | float | None) else str(value)


def amount(value: Any) -> Any:
    """As the exact Decimal; what is no number as it came."""
    try:
        return money(value)
    except ValueError:
        return value


def masked(org_number: object) -> str:
    """An organisation number as the guides ask for it to be shown."""
    return f"{org_number[:2]}****-****" if isinstance(org_number, str) else "-"


if __name__ == "__main__":
    raise SystemExit(main())
