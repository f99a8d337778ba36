"""Money and times, read without loss."""

from datetime import date, datetime

from krebit_api.types import money, read_time

__all__ = ["money", "parse_time"]


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
