"""The moment that a person means by `7d`, `yesterday` or an ISO time."""

import re
from datetime import datetime, timedelta

from krebit import parse_time

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_since(text: str, now: datetime) -> datetime:
    """Return the moment. `now` has the person's time zone, in which a day begins. Raises ValueError."""
    text = text.strip().lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "today":
        return midnight
    if text == "yesterday":
        return midnight - timedelta(days=1)
    if found := re.fullmatch(r"([0-9]{1,5})([hdw])", text):
        return now - int(found[1]) * _UNITS[found[2]]
    moment = parse_time(text.upper())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=now.tzinfo)
