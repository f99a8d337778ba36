"""`krebit act latest` and `krebit act data`."""

import sys
from collections.abc import Generator, Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from krebit.cli.columns import Column
from krebit.cli.groups import Group
from krebit.cli.options import output_options
from krebit.cli.output import Output
from krebit.cli.progress import progress
from krebit.cli.session import Session
from krebit.cli.values import Row, amount, plain_text, read_json

if TYPE_CHECKING:
    from krebit import Krebit

LATEST_COLUMNS = [
    Column("client_id", "client", right=True),
    Column("amount", right=True, currency="currency"),
    Column("uuid"),
    Column("template_name", "template", is_flexible=True),
    Column("created_at"),
    Column("updated_at"),
    Column("language"),
]
DATA_COLUMNS = [
    Column("tab_id", "tab"),
    Column("section_id", "section"),
    Column("name", is_flexible=True),
    Column("value", is_flexible=True),
    Column("type"),
    Column("required"),
    Column("id", right=True),
]
_CONCURRENCY = 16


@click.group("act", cls=Group)
def command() -> None:
    """Show acts, the evaluations of clients.

    \b
      krebit act latest 12345
    """


@command.command("latest")
@click.argument("clients", metavar="CLIENT_ID...", nargs=-1, required=True)
@output_options
@click.pass_context
def latest(context: click.Context, clients: tuple[str, ...]) -> None:
    """Show the latest act of each client.

    With `-` the command reads from standard input: the id of a client on each line, or the lines that
    `krebit clients` writes into a pipe. The command names each client without an act, and its exit code is then 1.

    \b
      krebit act latest 12345
      krebit clients --all | krebit act latest - --csv > acts.csv
    """
    session: Session = context.obj
    numbers = list(_numbers(clients))
    output = Output(session)
    with session.client() as api:
        if len(numbers) == 1 and "-" not in clients:  # a list stays one, however short
            output.record(_latest_act(api, numbers[0]), LATEST_COLUMNS)
            return
        failures: list[int] = []
        output.records(latest_acts(session, api, numbers, failures), LATEST_COLUMNS)
    if failures:
        context.exit(1)


@command.command("data")
@click.argument("uuid")
@output_options
@click.pass_obj
def data(session: Session, uuid: str) -> None:
    """Show the values of an act, by tab and section.

    UUID is the uuid of an act. krebit act latest shows the uuid. The API gives no currency for these values.

    \b
      krebit act data 123e4567-e89b-12d3-a456-426614174000
    """
    from krebit import NotFound

    output = Output(session)
    with session.client() as api:
        try:
            found = api.get_act_data(uuid)
        except NotFound as error:
            text = (
                f"there is no act {uuid}; krebit act latest CLIENT_ID shows the uuid of one; the server says: {error}"
            )
            raise click.ClickException(text) from error
    points: list[Row] = sorted((point.to_row() for point in found), key=_place)
    if output.form == "table":
        points = [_readable(point) for point in _without_repeats(points)]
    output.records(points, DATA_COLUMNS)


def latest_acts(
    session: Session, api: "Krebit", numbers: Iterable[int], failures: list[int] | None
) -> Generator[dict[str, Any], None, None]:
    """Yield the latest act of each client as a row.

    A client whose act cannot be had is noted on stderr and in `failures`. Where that is None, a client without an act
    is passed over, and another error becomes a ClickException that names the client.
    """
    from krebit import NotFound, each

    with progress(session, "acts") as report:
        for found in each(api.get_latest_act, numbers, concurrency=_CONCURRENCY, progress=report):
            if found.error is None:
                yield _row(found.argument, found.value)
            elif failures is not None:
                failures.append(found.argument)
                session.note(_problem(found.argument, found.error))
            elif not isinstance(found.error, NotFound):
                raise click.ClickException(_problem(found.argument, found.error)) from found.error


def _latest_act(api: "Krebit", number: int) -> dict[str, Any]:
    from krebit import NotFound

    try:
        return _row(number, api.get_latest_act(number))
    except NotFound as error:
        raise click.ClickException(_no_act(number, error)) from error


def _problem(number: int, error: Exception) -> str:
    """Return why there is no act of a client."""
    from krebit import NotFound

    return _no_act(number, error) if isinstance(error, NotFound) else f"client {number}: {error}"


def _no_act(number: int, error: Exception) -> str:
    return f"client {number} has no act, or there is no such client; the server says: {error}"


def _readable(point: Row) -> Row:
    """Return a data point for a table: an amount in groups of digits, a list without brackets."""
    value = point.get("value")
    if isinstance(value, list):
        return {**point, "value": ", ".join(plain_text(part) for part in value)}
    if point.get("type") == "money" and isinstance(value, Decimal | int) and not isinstance(value, bool):
        return {**point, "value": amount(Decimal(value))}
    return point


def _row(number: int, act: Any) -> dict[str, Any]:
    row: dict[str, Any] = act.to_row()
    return row if row.get("client_id") is not None else {**row, "client_id": number}


def _numbers(given: tuple[str, ...]) -> Iterator[int]:
    for text in given:
        if text == "-":
            for line in sys.stdin or ():
                content = line.removeprefix("\ufeff").strip()  # Excel begins a file in UTF-8 with this mark
                if content:
                    yield _number(content)
        else:
            yield _number(text)


def _number(text: str) -> int:
    """Return the id of a client: alone, or the `id` of a JSON object. Raises UsageError."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        found = read_json(text)
    except ValueError:
        found = None
    number = found.get("id") if isinstance(found, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        problem = f"{text[:40]!r} is not the id of a client; krebit clients shows the ids"
        raise click.UsageError(problem, click.get_current_context())
    return number


def _place(point: Row) -> tuple[Any, ...]:
    """Return the place of a data point among the others: by tab, section and order."""
    return tuple(
        (value is None, isinstance(value, str), value if value is not None else 0)
        for value in (point.get("tab_id"), point.get("section_id"), point.get("order"))
    )


def _without_repeats(points: list[Row]) -> Iterator[Row]:
    """Yield the points; one in the same tab and section as the one before does not repeat them."""
    before: tuple[Any, Any] | None = None
    for point in points:
        here = point.get("tab_id"), point.get("section_id")
        yield {**point, "tab_id": None, "section_id": None} if here == before else point
        before = here
