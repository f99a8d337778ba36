"""Write records into a file, whole or not at all: CSV, JSON lines, or a spreadsheet."""

import csv
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import click

from krebit.cli.values import Row, json_text, plain_text
from krebit.cli.whole_files import whole_file

FORMATS = ("csv", "jsonl", "xlsx")
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}
# The limits of a sheet: rows with the header, and characters of a cell.
_MOST_ROWS = 1_048_576
_LONGEST_CELL = 32_767
# Widths of a column, in characters: a time needs the least.
_LEAST_WIDTH, _MOST_WIDTH = 18, 60
# A spreadsheet keeps so many digits of a number.
_DIGITS = 15
# Rows that are written at once.
_BATCH = 500
# The types that the csv module writes as `plain_text` does.
_WRITTEN_AS_IS = frozenset([str, int, type(None)])
# The beginning of a text that a spreadsheet takes for a formula, in wide characters too, unless a sign begins a number.
_FORMULA = re.compile(r"[=@\t\r\n\uff1d\uff20]|[-+\uff0b\uff0d](?![\d\s.,()/-]*\Z)")
# The times that a sheet can hold: its days count from 1900, and the first two months of it are a day off.
_FIRST_TIME, _LAST_TIME = datetime(1900, 3, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
# A number as large as that is kept by every spreadsheet.
_LARGEST = 300


def _format_of(path: Path, chosen: str | None) -> str:
    """Return the format of a file. Raises UsageError where its name does not tell."""
    found = chosen or _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise click.UsageError(
            f"--to {path}: the format is not clear; end it in .csv, .jsonl or .xlsx, or add --format",
            click.get_current_context(silent=True),
        )
    return found


class Writer(ABC):
    """Writes rows.

    `names` are the columns, `count` the rows so far, `left_out` fields without a column, and `formulas` the cells that
    a spreadsheet would take for formulas.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.count = 0
        self.left_out: set[str] = set()
        self.formulas = 0

    def add(self, row: Row) -> None:
        """Write one row."""
        self.count += 1
        self._add(row)

    @abstractmethod
    def _add(self, row: Row) -> None:
        """Write one row."""

    @abstractmethod
    def close(self) -> None:
        """Write what is left."""


class _LinesWriter(Writer):
    def __init__(self, file: IO[bytes], names: Sequence[str]) -> None:
        super().__init__(names)
        self._file = file

    def _add(self, row: Row) -> None:
        # A lone surrogate is written as JSON writes it.
        self._file.write(json_text(row).encode("utf-8", "backslashreplace") + b"\n")

    def close(self) -> None:
        pass


class _TableWriter(Writer):
    """Has a header: the document's fields, and those that the first row has beside them."""

    def _begin(self, row: Row | None) -> None:
        if row is not None:
            self.names += [name for name in row if name not in self.names]
        self._header()

    def add(self, row: Row) -> None:
        """Write one row, after the first of them the header."""
        if self.count == 0:
            self._begin(row)
        elif len(row) != len(self.names):
            self.left_out |= {name for name in row if name not in self.names}
        super().add(row)

    def close(self) -> None:
        """Write the header where there was no row."""
        if self.count == 0:
            self._begin(None)

    @abstractmethod
    def _header(self) -> None:
        """Write the header."""


class _CsvWriter(_TableWriter):
    def __init__(self, file: IO[bytes], names: Sequence[str]) -> None:
        super().__init__(names)
        self._text = open(file.fileno(), "w", encoding="utf-8", errors="replace", newline="", closefd=False)  # noqa: SIM115
        self._rows: list[list[object]] = []
        self._writer = csv.writer(self._text, lineterminator="\r\n")

    def _header(self) -> None:
        self.formulas += sum(map(_is_formula, self.names))
        self._writer.writerow(self.names)

    def _add(self, row: Row) -> None:
        cells: list[object] = [
            value if type(value) in _WRITTEN_AS_IS else plain_text(value) for value in map(row.get, self.names)
        ]
        for cell in cells:
            if type(cell) is str and _is_formula(cell):
                self.formulas += 1
        self._rows.append(cells)
        if len(self._rows) == _BATCH:
            self._write_rows()

    def _write_rows(self) -> None:
        self._writer.writerows(self._rows)
        self._rows.clear()

    def close(self) -> None:
        super().close()
        self._write_rows()
        self._text.close()


class _Memory(BytesIO):
    """Takes an archive, in memory, where there is always room, and stays open.

    A ZipFile that was not ended writes its end when it is collected, and complains on stderr where it cannot.
    The garbage collector may close the file of such an archive first.
    """

    def close(self) -> None:
        """Keep the memory open."""


class _SheetWriter(_TableWriter):
    """Writes a spreadsheet. Until it is closed its rows are in files in the folder `scratch`."""

    def __init__(self, file: IO[bytes], names: Sequence[str], scratch: str) -> None:
        super().__init__(names)
        try:
            import xlsxwriter
        except ImportError:
            raise click.ClickException("a spreadsheet needs xlsxwriter; call: pip install 'krebit[excel]'") from None
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "tmpdir": scratch,
        }
        self._file = file
        self._content = _Memory()
        self._book = xlsxwriter.Workbook(self._content, options)
        self._sheet = self._book.add_worksheet()
        self._bold = self._book.add_format({"bold": True})
        self._amount = self._book.add_format({"num_format": "#,##0.00##"})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet.freeze_panes(1, 0)

    def _header(self) -> None:
        self._widths = [_LEAST_WIDTH] * len(self.names)
        for column, name in enumerate(self.names):
            title = f"{name} (UTC)" if name.endswith("_at") else name
            self._sheet.write_string(0, column, _storable(title), self._bold)

    def _add(self, row: Row) -> None:
        if self.count >= _MOST_ROWS:
            raise click.ClickException(f"a sheet has {_MOST_ROWS} rows at most; export to .csv or .jsonl")
        for column, name in enumerate(self.names):
            self._write(column, name, row.get(name))

    def _write(self, column: int, name: str, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            self._sheet.write_boolean(self.count, column, value)
        elif isinstance(value, datetime) and (moment := _sheet_time(value)) is not None:
            self._sheet.write_datetime(self.count, column, moment, self._time)
        elif isinstance(value, Decimal | int) and _is_exact(value):
            style = self._amount if isinstance(value, Decimal) else None
            self._sheet.write_number(self.count, column, float(value), style)
        else:
            # Always as a text: one that begins with = would be a formula.
            text = _storable(plain_text(value))
            if len(text) > _LONGEST_CELL:
                raise click.ClickException(
                    f"row {self.count}, {name}: a cell has {_LONGEST_CELL} characters at most; export to .csv or .jsonl"
                )
            self._sheet.write_string(self.count, column, text)
            self._widths[column] = max(self._widths[column], min(len(text) + 1, _MOST_WIDTH))

    def close(self) -> None:
        from xlsxwriter.exceptions import FileCreateError

        super().close()
        for column, width in enumerate(self._widths):
            self._sheet.set_column(column, column, width)
        try:
            self._book.close()
        except FileCreateError as error:
            (reason,) = error.args
            raise reason from None
        self._file.write(self._content.getbuffer())


@contextmanager
def _writer(kind: str, file: IO[bytes], names: Sequence[str]) -> Iterator[Writer]:
    if kind == "csv":
        yield _CsvWriter(file, names)
    elif kind == "xlsx":
        # A folder of our own: after a failure no row stays in the folder for temporary files.
        with TemporaryDirectory(prefix="krebit-", ignore_cleanup_errors=True) as scratch:
            yield _SheetWriter(file, names, scratch)
    else:
        yield _LinesWriter(file, names)


def _is_exact(value: Decimal | int) -> bool:
    """Return whether a spreadsheet keeps every digit of the number."""
    number = Decimal(value)
    return len(number.as_tuple().digits) <= _DIGITS and abs(number.adjusted()) < _LARGEST


def _is_formula(cell: str) -> bool:
    return _FORMULA.match(cell) is not None


def _sheet_time(value: datetime) -> datetime | None:
    """Return the time in UTC as a sheet keeps it, or None for one that no sheet can hold."""
    try:
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None
    return moment.replace(tzinfo=None) if _FIRST_TIME <= moment < _LAST_TIME else None


def _storable(text: str) -> str:
    """Return a text without lone surrogates, which no file takes."""
    return text.encode("utf-8", "replace").decode()


@contextmanager
def new_file(path: Path, kind: str | None, names: Sequence[str]) -> Iterator[Writer]:
    """Write records into a file that is put in its place when the block has ended well. See `whole_file`.

    Where `kind` is None, the name's ending says the format.
    """
    with (
        whole_file(path, "--to", "for a pipe call: krebit clients --all --csv") as file,
        _writer(_format_of(path, kind), file, names) as writer,
    ):
        yield writer
        writer.close()
