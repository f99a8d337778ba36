"""Money and times, read without loss."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from krebit_api.types import Unset

__all__ = ["money", "parse_time"]


def money(value: "Decimal | float | int | str | Unset | None") -> Decimal | None:
    """An amount in the record's currency, in major units (kronor, not öre), or None where there is none.

    The API sends amounts as numbers or as decimal strings; both come out as the same `Decimal`. Raises ValueError for
    a text that is no finite decimal number.

    >>> money("250000.50")
    Decimal('250000.50')
    """
    if value is None or isinstance(value, Unset):
        return None
    if isinstance(value, bool):
        raise ValueError("money: a boolean is no amount")
    try:
        # A float is only seen where somebody parsed the body themselves: its shortest text is what was meant.
        amount = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("money: not a decimal number") from None
    if not amount.is_finite():
        raise ValueError("money: not a finite number")
    return amount


def parse_time(value: "str | datetime | date") -> datetime:
    """A point in time from what the API sends or a person types: `2024-05-01`, `2024-05-01T10:00:00Z`, `1 May 2024
    10:00`.

    What `datetime.fromisoformat` refuses is read by dateutil, day before month where it could be either. A time zone
    is kept when one is given; the result is naive when there is none. Raises ValueError.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a date has no zone
    text = value.strip()
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    year_first = text[:4].isdigit()  # dateutil would read 2024/05/01 as the fifth of January
    # dateutil reads much into little ("1", "may") by filling in from today: two different days tell what was really
    # written.
    from dateutil import parser

    try:
        found = [
            parser.parse(text, dayfirst=not year_first, default=datetime(year, month, day))  # noqa: DTZ001 - a zone is only kept
            for year, month, day in ((2000, 1, 1), (2001, 2, 2))
        ]
    except (ValueError, OverflowError, TypeError, AttributeError):
        raise ValueError(f"not a date or time: {text[:40]!r}") from None
    if found[0] != found[1]:
        raise ValueError(f"not a full date: {text[:40]!r}")
    return found[0]
