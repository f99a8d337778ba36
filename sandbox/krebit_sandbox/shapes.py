"""Values in the form that the switches choose: envelopes, money, times, and JSON as PHP writes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from krebit_sandbox.switches import Switches

_STOCKHOLM_WINTER: Final = timezone(timedelta(hours=1))


def php_json(value: Any) -> bytes:
    """Return JSON as PHP's `json_encode` writes it: no spaces, `\\/` for a slash, `\\u00e9` for what is not ASCII."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def shaped(value: Any, switches: Switches) -> Any:
    """Return a record, or a list of them, with money and times in the form that the switches choose."""
    if isinstance(value, dict):
        record = {name: shaped(item, switches) for name, item in value.items()}
        if switches.unknown_keys:
            record["added_later"] = {"since": "2031-01-01", "values": [1, None, "x"]}
            if "language" in record:
                record["language"] = "tlh"
            if "template_field_id" in record and record["order"] == 1:
                record["type"] = "hologram"
        return record
    if isinstance(value, list):
        return [shaped(item, switches) for item in value]
    if isinstance(value, Decimal):
        return money(value, switches)
    if isinstance(value, datetime):
        return moment(value, switches)
    return value


def money(amount: Decimal, switches: Switches) -> float | str | None:
    """Return an amount in major units (kronor and öre)."""
    match switches.money:
        case "number":
            return float(amount)
        case "text":
            return f"{amount:.2f}"
        case "null":
            return None


def moment(when: datetime, switches: Switches) -> str | None:
    """Return a time; all forms name the same instant, the one with a space in UTC."""
    when = when.astimezone(UTC)
    match switches.times:
        case "z":
            return f"{when:%Y-%m-%dT%H:%M:%S}Z"
        case "offset":
            return when.astimezone(_STOCKHOLM_WINTER).isoformat(timespec="seconds")
        case "micro":
            return f"{when:%Y-%m-%dT%H:%M:%S.%f}Z"
        case "space":
            return f"{when:%Y-%m-%d %H:%M:%S}"
        case "null":
            return None


def enveloped(value: Any, switches: Switches) -> Any:
    """Return one object, or a list without pages, wrapped or bare."""
    content = shaped(value, switches)
    return {"data": content} if switches.envelope == "data" else content
