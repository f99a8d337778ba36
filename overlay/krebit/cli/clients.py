"""`krebit clients`, and the walk through all clients."""

import sys
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from krebit.cli.columns import Column
from krebit.cli.options import WholeNumber, output_options
from krebit.cli.output import Output
from krebit.cli.progress import progress
from krebit.cli.session import Session, is_terminal

if TYPE_CHECKING:
    from krebit import Krebit

COLUMNS = [
    Column("id", right=True),
    Column("company_name", is_flexible=True),
    Column("org_number"),
    Column("credit_limit", right=True, currency="currency"),
    Column("rating"),
    Column("updated_at"),
    Column("country"),
    Column("contact_name", is_flexible=True),
    Column("contact_email", is_flexible=True),
    Column("contact_phone"),
]
_DEFAULT = 10
_PAGE = 100
_PAGES_AHEAD = 16


def read_since(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Return the moment that an option names. Raises BadParameter."""
    from krebit.cli.since import parse_since

    if value is None:
        return None
    try:
        return parse_since(value, datetime.now(UTC).astimezone())
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{value!r} is not a time; write 2024-05-01, 2024-05-01T08:00Z, 7d, 24h, today or yesterday"
        ) from None


since_option = click.option(
    "--updated-since",
    metavar="TIME",
    callback=read_since,
    help="Only clients that changed since 2024-05-01, 7d or yesterday.",
)


@click.command("clients")
@click.option(
    "--limit",
    type=WholeNumber(1),
    help=f"Show this number of clients.  [default: {_DEFAULT}, with --updated-since all]",
)
@click.option("--page", type=WholeNumber(1), help="Show this page. --limit is then the number of clients on a page.")
@click.option("--all", "everything", is_flag=True, help="Show all clients.")
@since_option
@output_options
@click.pass_obj
def command(
    session: Session, limit: int | None, page: int | None, everything: bool, updated_since: datetime | None
) -> None:
    """List clients.

    The list may leave out fields, such as the rating: krebit client shows all fields of one client.

    --updated-since reads every page and leaves out older clients. Days and times are in your time zone, unless you
    write an offset. A new act does not count as a change of its client.

    \b
      krebit clients --limit 50
      krebit clients --all --updated-since 7d --csv > changed.csv
      krebit clients --fields id,company_name --json
    """
    if everything and (limit is not None or page is not None):
        raise click.UsageError("--all shows all clients; leave --limit and --page out")
    if page is not None and updated_since is not None:
        raise click.UsageError("--updated-since reads all pages; leave --page out")
    output = Output(session)
    with session.client() as api:
        if page is not None:
            found = api.list_clients(limit=limit or _DEFAULT, page=page)
            output.records((client.to_row() for client in found.data or ()), COLUMNS)
            return
        if everything or updated_since is not None:
            output.records(walk(session, api, limit, updated_since), COLUMNS)
            return
        total = _print_first(api, output, limit or _DEFAULT)
        if output.form == "table" and is_terminal(sys.stdout) and total > (limit or _DEFAULT):
            session.note(f"{limit or _DEFAULT} of {total} clients. Show more: --limit 50, or --all")


def _print_first(api: "Krebit", output: Output, limit: int) -> int:
    """Print the first clients. Return how many there are, or 0 where the server does not tell."""
    from krebit import paginate

    totals = [0]
    walked = paginate(api.list_clients, limit=min(limit, _PAGE)).options(
        max_items=limit, progress=lambda count, total: totals.append(total or 0)
    )
    output.records(walked.rows(), COLUMNS)
    return totals[-1]


def walk(
    session: Session, api: "Krebit", limit: int | None = None, updated_since: datetime | None = None
) -> Generator[dict[str, Any], None, None]:
    """Yield the clients as rows, with their progress on stderr."""
    from krebit import paginate

    with progress(session, "clients") as report:
        walked = paginate(api.list_clients, limit=_PAGE).options(
            prefetch=_PAGES_AHEAD, max_items=limit, updated_since=updated_since, progress=report
        )
        with closing(walked.rows()) as rows:
            yield from rows
