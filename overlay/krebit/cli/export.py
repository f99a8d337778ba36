"""`krebit export`: all records in a file."""

from collections.abc import Callable, Generator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from krebit.cli.act import latest_acts
from krebit.cli.clients import since_option, walk
from krebit.cli.files import FORMATS, new_file
from krebit.cli.groups import Group
from krebit.cli.progress import progress
from krebit.cli.session import Session
from krebit.cli.values import masked
from krebit.models import Act, ActDataPoint, ClientRecord

if TYPE_CHECKING:
    from krebit import Krebit

C = TypeVar("C", bound=Callable[..., Any])
Rows = Generator[dict[str, Any], None, None]


@click.group("export", cls=Group)
def command() -> None:
    """Write clients, acts or their values into a file.

    The ending of the name chooses the format: .csv, .jsonl or .xlsx. For Excel choose .xlsx. The command replaces an
    existing file, but only when the new one is complete. Amounts keep all their digits. Times have their offset; in
    .xlsx they are in UTC.

    \b
      krebit export clients --to clients.csv
    """


def _file_options(function: C) -> C:
    to = click.option(
        "--to",
        "path",
        type=click.Path(dir_okay=False, path_type=Path),
        required=True,
        metavar="FILE",
        help="The file to write.",
    )
    kind = click.option(
        "--format", "kind", type=click.Choice(FORMATS), help="The format, for a name with another ending."
    )
    return to(kind(function))


@command.command("clients")
@_file_options
@since_option
@click.pass_obj
def clients(session: Session, path: Path, kind: str | None, updated_since: datetime | None) -> None:
    """Write all clients into a file.

    A field that the list of clients leaves out, such as the rating, is empty.

    \b
      krebit export clients --to clients.xlsx
      krebit export clients --to changed.jsonl --updated-since yesterday
    """
    with session.client() as api:
        _export(session, path, kind, ClientRecord, walk(session, api, None, updated_since), "clients")


@command.command("acts")
@_file_options
@click.pass_obj
def acts(session: Session, path: Path, kind: str | None) -> None:
    """Write the latest act of each client into a file.

    A client without an act has no line.

    \b
      krebit export acts --to acts.csv
    """
    with session.client() as api:
        _export(session, path, kind, Act, _acts(session, api), "acts")


@command.command("data")
@_file_options
@click.pass_obj
def data(session: Session, path: Path, kind: str | None) -> None:
    """Write the values of the latest acts into a file.

    Each value has a line, with the client's id and the act's uuid.

    \b
      krebit export data --to data.csv
    """
    with session.client() as api:
        _export(session, path, kind, ActDataPoint, _data(session, api), "values", ("client_id", "act_uuid"))


def _acts(session: Session, api: "Krebit") -> Rows:
    # The whole list first: the acts take much longer, and the list must not change while it is walked.
    numbers = [client["id"] for client in walk(session, api)]
    yield from latest_acts(session, api, numbers, None)


def _data(session: Session, api: "Krebit") -> Rows:
    from krebit import NotFound, each

    acts = list(_acts(session, api))
    with progress(session, "values") as report:
        found = each(api.get_act_data, [act["uuid"] for act in acts], progress=report)
        for act, outcome in zip(acts, found, strict=True):
            if isinstance(outcome.error, NotFound):
                session.note(f"act {act['uuid']} has no values, or was removed; the server says: {outcome.error}")
                continue
            for point in outcome.value:
                yield {"client_id": act["client_id"], "act_uuid": act["uuid"], **point.to_row()}


def _export(
    session: Session,
    path: Path,
    kind: str | None,
    record: type[attrs.AttrsInstance],
    rows: Rows,
    things: str,
    before: tuple[str, ...] = (),
) -> None:
    """Write rows into a file, and say how many. `before` are columns in front of the record's own."""
    own = [field.name.rstrip("_") for field in attrs.fields(record) if field.name != "additional_properties"]
    with closing(rows), new_file(path, kind, [*before, *own]) as writer:
        for row in rows:
            writer.add(masked(row) if session.masked else row)
    session.note(f"{_counted(writer.count, things)} in {path}")
    if writer.left_out:
        session.note(
            f"left out, because the first record does not have them: {', '.join(sorted(writer.left_out))}. Export to "
            ".jsonl for all fields"
        )
    if writer.formulas:
        session.note(
            f"a spreadsheet may run {_counted(writer.formulas, 'cells')} as a formula: import as text, or export to "
            ".xlsx"
        )


def _counted(count: int, things: str) -> str:
    return f"1 {things.removesuffix('s')}" if count == 1 else f"{count} {things}"
