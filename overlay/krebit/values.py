"""Money and times, read without loss."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from krebit_api.types import Unset, read_time

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

    What `datetime.fromisoformat` refuses is read by dateutil, if it can be read in one way only: `02/03/2024` cannot.
    A time zone is kept when one is given; the result is naive when there is none. Raises ValueError.
    """
    if isinstance(value, datetime):
        return value
    text = value.isoformat() if isinstance(value, date) else value.strip()
    return read_time(text, repr(text[:40]))
