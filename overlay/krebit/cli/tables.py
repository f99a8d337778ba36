"""Tables on a terminal, as wide as it is."""

from collections.abc import Sequence
from typing import Literal, TextIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from krebit.cli.columns import Column
from krebit.cli.session import Session
from krebit.cli.values import Row, cell, clean, value_at

# A flexible column is not made narrower than this before columns are left out.
_NARROW = 24
# Spaces between two columns.
_GAP = 2


def console_for(session: Session, stream: TextIO) -> Console:
    """Return a console that colours as the session says, and takes no text for markup."""
    colored = session.is_colored(stream)
    return Console(
        file=stream,
        force_terminal=colored,
        color_system="auto" if colored else None,
        highlight=False,
        markup=False,
        emoji=False,
    )


def print_table(
    rows: Sequence[Row], columns: Sequence[Column], session: Session, stream: TextIO, *, is_chosen: bool
) -> None:
    """Print rows. Columns that find no room are left out, the last first, unless they were chosen."""
    if not rows:
        session.note("nothing found")
        return
    console = console_for(session, stream)
    texts = {column: [_cell(row, column) for row in rows] for column in columns}
    # A column without any value tells nothing.
    wanted = [column for column in columns if is_chosen or any(texts[column])]
    widths = {column: max([cell_len(_heading(column)), *map(cell_len, texts[column])]) for column in wanted}
    shown = wanted if is_chosen else _fitting(wanted, widths, console.width)
    _narrow(shown, widths, console.width)
    table = Table(box=SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in shown:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(
            Text(_heading(column)), justify=justify, no_wrap=True, overflow="ellipsis", width=widths[column]
        )
    for number in range(len(rows)):
        table.add_row(*(Text(texts[column][number]) for column in shown))
    _print(table, console, stream)
    left_out = [column.name for column in wanted if column not in shown]
    if left_out:
        example = clean(f"--columns {columns[0].name},{left_out[0]}")
        session.note(f"not shown, the terminal is too narrow: {clean(', '.join(left_out))}. Choose columns: {example}")


def print_fields(row: Row, columns: Sequence[Column], session: Session, stream: TextIO) -> None:
    """Print the fields of one record below each other, those without a column behind the others."""
    console = console_for(session, stream)
    known = {column.name for column in columns} | {column.currency for column in columns}
    known |= {column.name.partition(".")[0] for column in columns}
    others = [] if session.fields else [Column(name) for name in row if name not in known]
    shown = [*columns, *others]
    width = max(cell_len(_heading(column)) for column in shown)
    for column in shown:
        heading = _heading(column) + " " * (width - cell_len(_heading(column)))
        # A long value, such as a path, stays in one piece: the terminal wraps it.
        console.print(Text.assemble((heading, "bold"), "  ", _cell(row, column)), soft_wrap=True)


def _print(table: Table, console: Console, stream: TextIO) -> None:
    """Print a table without the spaces that rich puts at the ends of lines."""
    with console.capture() as captured:
        console.print(table)
    stream.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _heading(column: Column) -> str:
    """Return the text at the head of a column, whose name may come from the server."""
    return clean(column.heading)


def _cell(row: Row, column: Column) -> str:
    currency = (value_at(row, column.currency) or "") if column.currency else None
    return cell(value_at(row, column.name), currency)


def _fitting(columns: Sequence[Column], widths: dict[Column, int], width: int) -> list[Column]:
    """Return the columns that fit beside each other, from the first on."""
    shown = list(columns)
    least = {column: min(widths[column], _NARROW) if column.is_flexible else widths[column] for column in columns}
    while len(shown) > 1 and sum(least[column] + _GAP for column in shown) - _GAP > width:
        shown.pop()
    return shown


def _narrow(columns: Sequence[Column], widths: dict[Column, int], width: int) -> None:
    """Narrow the widest flexible columns, or where there are none the widest, until all fit."""
    flexible = [column for column in columns if column.is_flexible] or list(columns)
    while sum(widths[column] + _GAP for column in columns) - _GAP > width:
        widest = max(flexible, key=lambda column: widths[column])
        if widths[widest] <= 1:
            return
        widths[widest] -= 1
