"""`krebit webhook`: subscribe, receive on this machine, verify."""

import sys
from pathlib import Path

import click

from krebit.cli.columns import Column
from krebit.cli.groups import Group
from krebit.cli.options import WholeNumber, output_options
from krebit.cli.output import Output
from krebit.cli.session import Session

_COLUMNS = [Column("id"), Column("event"), Column("target"), Column("secret_file"), Column("created_at")]
_EVENT_COLUMNS = [Column("event"), Column("id"), Column("payload")]

_secret_option = click.option(
    "--secret-file",
    "secret_files",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    multiple=True,
    help="The file with the subscription's secret, mode 0600. Repeat the option for two secrets.",
)


@click.group("webhook", cls=Group)
def command() -> None:
    """Subscribe to events, and receive or verify deliveries.

    \b
      krebit webhook create act.created https://example.com/hook --secret-file hook.secret
    """


@command.command("create")
@click.argument("event")
@click.argument("target")
@click.option(
    "--secret-file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="A new file for the secret. Only you can read it.",
)
@output_options
@click.pass_obj
def create(session: Session, event: str, target: str, path: Path) -> None:
    """Subscribe to an event.

    TARGET is the URL that receives the deliveries. The tenant sends the secret once: the command puts it into the
    file, and does not show it.

    \b
      krebit webhook create act.created https://example.com/hook --secret-file hook.secret
    """
    from krebit.cli.secrets import new_secret_file

    output = Output(session)
    with session.client() as api, new_secret_file(path) as keep:
        made = api.create_webhook(event=event, target=target)
        try:
            keep(made.secret)
        except OSError as error:
            raise click.ClickException(
                f"subscription {made.id} exists, but its secret is lost ({path}: {error.strerror}); "
                "remove it in the tenant, and subscribe again"
            ) from None
        row = {name: value for name, value in made.to_row().items() if name != "secret"}
    output.record({**row, "secret_file": str(path)}, _COLUMNS)


@command.command("listen")
@_secret_option
@click.option(
    "--port", type=WholeNumber(0, 65535), default=8000, show_default=True, help="The port; 0 chooses a free one."
)
@click.option("--forward", metavar="URL", help="Send each delivery to this address too.")
@output_options
@click.pass_obj
def listen(session: Session, secret_files: tuple[Path, ...], port: int, forward: str | None) -> None:
    """Receive, verify and show deliveries.

    The command listens on 127.0.0.1 until Ctrl-C. A tenant cannot reach this machine: you need a tunnel from the
    subscription's target to the port.

    \b
      krebit webhook listen --secret-file hook.secret --forward http://localhost:3000/hook
    """
    from krebit.cli.listening import serve
    from krebit.cli.secrets import read_secrets

    serve(session, Output(session), read_secrets(secret_files), port, forward)


@command.command("verify")
@click.argument("body", metavar="BODY_FILE")
@click.option("--signature", required=True, metavar="HEX", help="The value of the header X-Signature.")
@_secret_option
@output_options
@click.pass_obj
def verify(session: Session, body: str, signature: str, secret_files: tuple[Path, ...]) -> None:
    """Verify a saved delivery.

    BODY_FILE has the body exactly as it was received; `-` is standard input. The exit code is 1 when the signature
    does not match.

    \b
      krebit webhook verify body.json --signature 5d41402abc4b… --secret-file hook.secret
    """
    from krebit.cli.secrets import read_secrets
    from krebit.webhooks import verify as verified

    content = sys.stdin.buffer.read() if body == "-" else Path(body).read_bytes()
    event = verified(content, {"X-Signature": signature}, read_secrets(secret_files))
    Output(session).record({"event": event.event, "id": event.id, "payload": event.payload}, _EVENT_COLUMNS)
