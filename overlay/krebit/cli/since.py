"""The moment that a person means by `7d`, `yesterday` or an ISO time."""

import re
from datetime import datetime, timedelta

from krebit import parse_time

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_since(text: str, now: datetime) -> datetime:
    """Return the moment. Days, and times without an offset, are in this machine's time zone, as `now` is.

    Raises ValueError, OverflowError or OSError.
    """
    text = text.strip().lower()
    # Without the offset of now: that of the day may be another one.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if text == "today":
        return midnight.astimezone()
    if text == "yesterday":
        return (midnight - timedelta(days=1)).astimezone()
    if found := re.fullmatch(r"([0-9]{1,5})([hdw])", text):
        return now - int(found[1]) * _UNITS[found[2]]
    moment = parse_time(text.upper())
    return moment if moment.tzinfo is not None else moment.astimezone()
