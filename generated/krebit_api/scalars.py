# Copied from templates/runtime by `make regenerate`; edit it there.
"""Single values: the missing one, and how amounts, numbers, times and dates are read from JSON."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, Literal

from .errors import Mismatch


class Unset:
    """The type of UNSET, which stands for a key that is missing (null is None)."""

    __slots__ = ()

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __copy__(self) -> Unset:
        return self

    def __deepcopy__(self, memo: object) -> Unset:
        return self

    def __reduce__(self) -> str:
        # There is one of it, and it stays one through copy and pickle: the code asks `is UNSET`.
        return "UNSET"


UNSET: Unset = Unset()
# Stands for a required key that is missing, until the field's kind refuses it.
MISSING: Final = object()

# Digits before and behind the point of an amount that is written as text.
_MOST_ZEROS = 100

_JSON_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    str: "a string",
    list: "a list",
    object: "nothing",
}


def json_type(value: object) -> str:
    """Return the JSON name of a value's type."""
    return _JSON_TYPES.get(type(value), "an object")


def refused(expected: str, value: object, name: str, *, is_strict: bool = False) -> Mismatch:
    """Return the error for a value that is not what was expected, or for a key that is missing."""
    problem = "missing" if value is MISSING else f"not {expected}"
    return Mismatch(problem, name, json_type(value), is_strict=is_strict)


def read_text(value: Any, name: str) -> str:
    """Return the text of a JSON number that stands where a text belongs. Raises Mismatch for anything else."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError:  # more digits than Python writes
            pass
    raise refused("a string", value, name)


def read_boolean(value: Any, name: str) -> bool:
    """Return the boolean that 0 or 1 stands for. Raises Mismatch for anything else."""
    if type(value) is int and value in (0, 1):
        return bool(value)
    raise refused("a boolean", value, name)


def read_amount(value: Any, name: str) -> Decimal:
    """Return an amount from a JSON number or a decimal text. Raises Mismatch."""
    if type(value) is int:
        return Decimal(value)
    if isinstance(value, float):
        # Only seen where the caller parsed the body: its shortest text is the number that was sent.
        value = repr(value)
    if isinstance(value, str) and value.isascii() and "_" not in value:
        try:
            value = Decimal(value)
        except ArithmeticError:
            raise refused("a decimal number", value, name, is_strict=True) from None
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise refused("a finite decimal number", value, name, is_strict=value is not MISSING)


def amount_text(amount: Decimal) -> str:
    """Return an amount in decimal digits. Raises ValueError for one without an end, and for a hundred zeros."""
    if not amount.is_finite():
        raise ValueError("not a finite number")
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    # A few characters, such as 1e50000000, would become megabytes of text.
    if amount.adjusted() > _MOST_ZEROS or exponent < -_MOST_ZEROS:
        raise ValueError(f"beyond {_MOST_ZEROS} digits")
    return f"{amount:f}"


def read_number(value: Any, name: str) -> float:
    """Return a JSON number as a float. Raises Mismatch."""
    if type(value) not in (int, Decimal):
        raise refused("a number", value, name)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isfinite(number):
        return number
    raise refused("a number that a float can hold", value, name)


_from_iso = datetime.fromisoformat
_ZONE = r" ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)?"
# ISO 8601 with a day and at least hours and minutes; `datetime.fromisoformat` alone takes any run of digits for a time.
_ISO = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{8}}|[0-9]{{4}}-?W[0-9]{{2}}-?[0-9])"
    rf"[T ][0-9]{{2}}(:[0-9]{{2}}(:[0-9]{{2}}([.,][0-9]+)?)?|[0-9]{{2}}([0-9]{{2}}([.,][0-9]+)?)?){_ZONE}"
)
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
# The date of HTTP and of mail (RFC 5322, 3.3): it names the month.
_RFC = re.compile(
    r"([A-Z][a-z]{2}, )?[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}(:[0-9]{2})?( (GMT|UTC|[+-][0-9]{4}))?"
)


def read_time(value: Any, name: str) -> datetime:
    """Return a time from ISO 8601, or from the date of HTTP. Raises Mismatch: nothing is guessed.

    A text without an offset gives a time without one, a day its midnight. A number is no time.
    """
    try:
        moment = _from_iso(value)
    except (TypeError, ValueError):
        return _read_other_time(value, name)
    # The usual form needs no closer look.
    if value[4] == "-" and value[10:11] in ("T", " ") and len(value) >= 16:
        return moment
    if _DAY.fullmatch(value):
        return moment
    return _read_other_time(value, name)


def _read_other_time(value: Any, name: str) -> datetime:
    if not isinstance(value, str) or len(value) > 64:
        raise refused("a time", value, name)
    text = value.strip()
    try:
        if _RFC.fullmatch(text):
            from email.utils import parsedate_to_datetime

            return parsedate_to_datetime(text)
        text = text.upper()
        if _ISO.fullmatch(text):
            return _from_iso(_with_plain_zone(text))
    except ValueError:
        pass
    raise refused("a time", value, name)


def _with_plain_zone(text: str) -> str:
    for name in ("UTC", "GMT"):
        if text.endswith(name):
            return text.removesuffix(name).rstrip() + "Z"
    return re.sub(" (Z|[+-][0-9:]+)$", r"\1", text)


# Naive, as a time without an offset is.
_ONE_DAY = datetime(2000, 1, 1)  # noqa: DTZ001
_ANOTHER_DAY = datetime(2005, 2, 3)  # noqa: DTZ001


def _read_typed_time(text: str) -> datetime:
    from dateutil.parser import parse

    name = repr(text[:40])
    try:
        # `default` fills in a missing part: only a complete date that names day and month reads twice the same.
        once = parse(text, default=_ONE_DAY, dayfirst=False, tzinfos=_zone)
        again = parse(text, default=_ANOTHER_DAY, dayfirst=True, tzinfos=_zone)
    except (ValueError, ArithmeticError):  # dateutil's own arithmetic on long runs of digits included
        raise refused("a time", text, name) from None
    if once != again:
        raise refused("a time that can be read in one way only", text, name)
    return once


def _zone(abbreviation: str | None, seconds: int | None) -> timezone | None:
    if seconds is not None:
        return timezone(timedelta(seconds=seconds))
    if abbreviation is not None:
        raise ValueError(abbreviation)
    return None


def read_date(value: Any, name: str) -> date:
    """Return a date from ISO 8601. Raises Mismatch."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise refused("a date", value, name) from None


def parse_time(value: str | datetime | date) -> datetime:
    """Return the time of a text that the API sends or a person types: `2024-05-01T10:00:00Z`, `1 May 2024 10:00`.

    A date is its midnight. dateutil reads a text that is not ISO 8601, if the text has one meaning only: `02/03/2024`
    has two. The result keeps the time zone of the text, and is naive without one. Raises ValueError.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    text = value.strip()
    name = repr(text[:40])
    try:
        return read_time(text, name)
    except Mismatch:
        if len(text) > 64 or text.isdigit():
            raise
    # A run of digits, or an offset without its sign, would be read as some other moment.
    if re.search("[0-9]{9}|:[0-9.]+ +[0-9]{2}:", text):
        raise refused("a time", text, name)
    return _read_typed_time(text)


def money(value: Decimal | float | str | Unset | None) -> Decimal | None:
    """Return an amount in major units (kronor, not öre), or None for a missing value.

    Use it for numbers and texts from other sources: the amounts of records are `Decimal` already. Raises ValueError for
    a text that is not a finite decimal number.

    >>> money("250000.50")
    Decimal('250000.50')
    """
    if value is None or isinstance(value, Unset):
        return None
    return read_amount(value, "money")
