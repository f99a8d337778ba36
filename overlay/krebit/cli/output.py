"""Write records to stdout: a table on a terminal, JSON lines in a pipe, or the form that was asked for."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TextIO

import click

from krebit.cli.columns import Column
from krebit.cli.session import Session, is_terminal
from krebit.cli.values import Row, clean, json_text, masked, plain_text, value_at


class Output:
    """Writes records to stdout, in the session's form."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stream = _prepared(sys.stdout)
        self._form = session.form
        if session.form == "auto":
            self._form = "table" if is_terminal(self._stream) else "lines"

    @property
    def form(self) -> str:
        """The form: table, lines, json or csv."""
        return self._form

    def records(self, rows: Iterable[Row], columns: Sequence[Column]) -> None:
        """Write many records.

        `columns` are those of a table where no fields were asked for; where there are none, they are the records'
        fields. The columns of CSV are the first record's fields: a note names the others. Raises UsageError for a field
        that the records do not have.
        """
        # Records without known columns are as the server sent them: the first may lack an optional field.
        rows = self._checked(self._masked(rows, columns), are_alike=bool(columns))
        if self._form == "table":
            from krebit.cli.tables import print_table

            found = list(rows)
            columns = self._columns(columns or [Column(name) for name in dict.fromkeys(chain(*found))])
            print_table(found, columns, self._session, self._stream, is_chosen=bool(self._session.fields))
        elif self._form == "csv":
            self._csv(rows, columns)
        elif self._form == "json":
            self._json(map(self._selected, rows))
        else:
            for row in rows:
                self._stream.write(json_text(self._selected(row)) + "\n")

    def record(self, row: Row, columns: Sequence[Column]) -> None:
        """Write one record: its fields below each other in a table."""
        (row,) = self._checked(self._masked([row], columns), are_alike=True)
        if self._form == "table":
            from krebit.cli.tables import print_fields

            print_fields(row, self._columns(columns), self._session, self._stream)
        elif self._form == "csv":
            self._csv(iter([row]), columns)
        else:
            self.document(self._selected(row), is_masked=True)

    def document(self, value: Any, *, is_masked: bool = False) -> None:
        """Write one JSON value, on one line in a pipe."""
        if self._session.masked and not is_masked:
            value = masked(value)
        indent = None if self._form == "lines" else 2
        self._stream.write(json_text(value, indent) + "\n")

    def line(self, value: Row, text: str) -> None:
        """Write one of many values that come over time, at once: as JSON, or on a terminal as `text`."""
        if self._session.masked:
            value = masked(value)
            text = json_text(value)
        content = clean(text) if self._form == "table" else json_text(self._selected(value))
        self._stream.write(content + "\n")
        self._stream.flush()

    def _columns(self, columns: Sequence[Column]) -> Sequence[Column]:
        if not self._session.fields:
            return columns
        known = {column.name: column for column in columns}
        return [known.get(name, Column(name)) for name in self._session.fields]

    def _masked(self, rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[Row]:
        if not self._session.masked:
            yield from rows
            return
        personal = [column.name for column in columns if column.is_personal]
        for row in rows:
            yield masked(row, names=personal)

    def _checked(self, rows: Iterator[Row], *, are_alike: bool) -> Iterator[Row]:
        """Yield the rows. Raises UsageError for a field that was asked for and that no row has.

        Where rows are alike, the first one tells.
        """
        missing = list(self._session.fields)
        found: dict[str, None] = {}
        for row in rows:
            if missing:
                missing = [name for name in missing if name not in row and name.partition(".")[0] not in row]
                found.update(dict.fromkeys(row))
                if are_alike and missing:
                    break
            yield row
        if missing and found:
            raise click.UsageError(
                f"there is no field {', '.join(missing)}; the fields are {clean(', '.join(found))}",
                click.get_current_context(silent=True),
            )

    def _selected(self, row: Row) -> Row:
        if not self._session.fields:
            return row
        return {name: value_at(row, name) for name in self._session.fields}

    def _csv(self, rows: Iterator[Row], columns: Sequence[Column]) -> None:
        first = next(rows, None)
        names = list(self._session.fields) or [column.name for column in columns]
        if first is not None and not self._session.fields:
            names = list(first)
        shown = clean if is_terminal(self._stream) else str
        writer = csv.writer(_Lines(self._stream))
        writer.writerow([shown(name) for name in names])
        left_out: set[str] = set()
        for row in chain([] if first is None else [first], rows):
            writer.writerow([shown(plain_text(value_at(row, name))) for name in names])
            left_out.update(row)
        left_out.difference_update(names)
        if left_out and not self._session.fields:
            self._session.note(
                f"left out, because the first record does not have them: {', '.join(sorted(left_out))}. --lines has "
                "all fields"
            )

    def _json(self, rows: Iterator[Row]) -> None:
        before = "[\n"
        for row in rows:
            self._stream.write(f"{before}  {json_text(row, 2, 1)}")
            before = ",\n"
        self._stream.write("[]\n" if before == "[\n" else "\n]\n")


class _Lines:
    """Takes rows of CSV that end in CRLF, and writes them as lines.

    Older Pythons quote a carriage return only where lines end in one, and readers of CSV take one that is not quoted
    for the end of a row: https://github.com/python/cpython/issues/67044
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        """Write one row."""
        self._stream.write(row.removesuffix("\r\n") + "\n")


def _prepared(stream: TextIO | None) -> TextIO:
    """Return stdout, so that each character can be written. Raises ClickException where there is none."""
    if stream is None:
        raise click.ClickException("standard output is closed; send it to a file or to /dev/null")
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return stream
    if is_terminal(stream):
        reconfigure(errors="replace")
    else:
        # Files and pipes hold UTF-8, whatever the terminal's encoding; a lone surrogate is written as JSON writes it.
        reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return stream
