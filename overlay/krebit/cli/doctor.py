"""`krebit doctor`: what is wrong between this machine and the tenant, and where answers differ from the document."""

import json
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from krebit.cli.problems import FAILED, LOGIN_REQUIRED
from krebit.cli.session import Session, is_terminal
from krebit.cli.whole_files import whole_file

if TYPE_CHECKING:
    from krebit.doctor import Report


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Check only settings, store and token; open no connection.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.option(
    "--report",
    "report_file",
    type=Path,
    metavar="FILE",
    help="Write the shapes of all answers into FILE, without their values.",
)
@click.option("--patch", "patch_file", type=Path, metavar="FILE", help="Write into FILE how to change openapi.yaml.")
@click.pass_obj
def command(
    session: Session, *, offline: bool, as_json: bool, report_file: Path | None, patch_file: Path | None
) -> None:
    """Check settings, connection, login and the API, and say what to do.

    The doctor changes nothing in the tenant. It renews an expired access token, as any command does. The report holds
    no value of a person or a company: you can attach it to a public issue.

    \b
      krebit doctor
      krebit doctor --offline
      krebit doctor --report report.json --patch openapi.patch
    """
    from krebit.doctor import examine

    def show_progress(name: str) -> None:
        if is_terminal(sys.stderr):
            click.echo(f"\r\x1b[Kkrebit: {name}", nl=False, err=True)

    try:
        report = examine(
            profile=session.profile,
            domain=session.domain,
            plain_http=session.plain_http,
            offline=offline,
            progress=show_progress,
        )
    finally:
        if is_terminal(sys.stderr):
            click.echo("\r\x1b[K", nl=False, err=True)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        _print(report, session)
    if report_file is not None:
        _write(report_file, "--report", json.dumps(report.shapes(), indent=2) + "\n", session)
    if patch_file is not None:
        _write_patch(patch_file, report, session)
    if report.needs_sign_in:
        sys.exit(LOGIN_REQUIRED)
    if report.has_failed:
        sys.exit(FAILED)


def _print(report: "Report", session: Session) -> None:
    from krebit.doctor.screen import print_report

    if isinstance(sys.stdout, TextIOWrapper):
        # A message of the system may hold what the terminal's encoding has no sign for.
        sys.stdout.reconfigure(errors="replace")
    print_report(report, sys.stdout, colored=session.is_colored(sys.stdout))


def _write_patch(path: Path, report: "Report", session: Session) -> None:
    from krebit.doctor import make_patch
    from krebit.doctor.document import document_text

    patch = make_patch(report, document_text())
    if patch:
        _write(path, "--patch", patch, session)
    else:
        session.note(f"krebit: openapi.yaml needs no change; {path} is not written")


def _write(path: Path, option: str, text: str, session: Session) -> None:
    """Write a file whole or not at all. Raises ClickException or UsageError that names it."""
    with whole_file(path, option, "name another file") as file:
        file.write(text.encode())
    session.note(f"krebit: wrote {path}")
