"""A value as a cell of a table, as JSON, and masked (no I/O)."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from krebit.redaction import mask

Row = Mapping[str, Any]

# A terminal obeys some of them, and the direction of writing can hide a text.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_JSON_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# Keys of organisation numbers and contacts, in whatever record they stand.
_PERSONAL = re.compile(r"(?i)contact|e_?mail|phone|mobile|org(ani[sz]ation)?_?(no|nr|number)|personal")
_LONG = 100_000


def value_at(row: Row, name: str) -> Any:
    """Return the field of that name; `organization.name` is a field of a field. None where there is none."""
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def cell(value: Any, currency: Any = None) -> str:
    """Return a value on one line, exact. An amount has its currency behind it."""
    if value is None:
        return ""
    if currency is not None and isinstance(value, Decimal | int) and not isinstance(value, bool):
        return clean(f"{amount(Decimal(value))} {currency}".rstrip())
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(plain_text(value))


def plain_text(value: Any) -> str:
    """Return a value as CSV has it: exact, nothing for None, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}" if -20 < value.adjusted() < 40 else str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return json_text(value)


def amount(value: Decimal) -> str:
    """Return an amount with all its digits: two decimals at least, and whole digits in groups of three."""
    if not value.is_finite() or not -20 < value.adjusted() < 40:
        return plain_text(value)
    whole, _, decimals = f"{value:,f}".replace(",", " ").partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def clean(text: str) -> str:
    """Return a text without line breaks and without characters that a terminal obeys."""
    return _CONTROLS.sub(" ", text)


def _time(value: datetime) -> str:
    zone = value.strftime("%z")
    if value.utcoffset() == timedelta(0):
        zone = "Z"
    return f"{value:%Y-%m-%d %H:%M}{zone}"


def json_text(value: Any, indent: int | None = None, level: int = 0) -> str:
    """Return JSON. A `Decimal` is a number with all its digits, which `json` itself cannot write."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return _JSON_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    if isinstance(value, Mapping):
        parts = [f"{json_text(str(key))}: {json_text(part, indent, level + 1)}" for key, part in value.items()]
        return _enclosed("{", parts, "}", indent, level)
    if isinstance(value, list | tuple):
        return _enclosed("[", [json_text(part, indent, level + 1) for part in value], "]", indent, level)
    return json.dumps(value, default=str)


def _enclosed(begin: str, parts: list[str], end: str, indent: int | None, level: int) -> str:
    if not parts:
        return begin + end
    if indent is None:
        return begin + ", ".join(parts) + end
    margin = "\n" + " " * indent * (level + 1)
    return begin + margin + f",{margin}".join(parts) + "\n" + " " * indent * level + end


def read_json(text: str) -> Any:
    """Return the value of a JSON text, fractions as `Decimal`. Raises ValueError, also for NaN and Infinity."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError:
        problem = "it nests too deeply"
    raise ValueError(problem)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def masked(value: Any, *, names: Iterable[str] = (), key: str = "") -> Any:
    """Return a value without organisation numbers and contacts. `names` are further keys that hold personal data."""
    if isinstance(value, Mapping):
        return {name: masked(part, names=names, key=str(name)) for name, part in value.items()}
    if isinstance(value, list):
        return [masked(part, names=names, key=key) for part in value]
    if value not in (None, "") and (_PERSONAL.search(key) or key in names):
        return "***"
    return mask(value, _LONG) if isinstance(value, str) else value
