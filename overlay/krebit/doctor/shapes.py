"""The shape of JSON values: types and forms, never the values themselves. No I/O."""

import re
from decimal import Decimal
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ])[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
_TIME = re.compile(rf"{_MOMENT}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?", re.IGNORECASE)
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# A name that a programmer gave. Other keys may be somebody's data: an organisation number, or a name.
_NAME = re.compile("[a-z_][A-Za-z_-]{0,39}[0-9]{0,2}")
HIDDEN_KEY = "<key>"

# The forms of RFC 3339, which is what `format: date-time` means.
RFC_3339 = frozenset(("time-z", "time-micro", "time-offset"))
WORDS = {
    "time-z": "times that end in Z",
    "time-micro": "times with microseconds",
    "time-offset": "times with an offset",
    "time-space": "times with a space and no offset",
    "date": "dates",
    "uuid": "UUID",
    "decimal": "decimal text",
    "other": "another form",
}


def json_type(value: Any) -> str:
    """Return the type of a parsed JSON value, as JSON Schema names it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float | Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def fits(found: str, types: list[str]) -> bool:
    """Return whether a value of the type `found` is of one of these types. An integer is a number too."""
    return found in types or (found == "integer" and "number" in types)


def text_form(text: str, expected_format: str | None = None) -> str | None:
    """Return the form of a text, or None for a text of no special form.

    `expected_format` is the document's; where there is one, a text that is not of it has the form "other".
    """
    form = _time_form(text)
    if form is None and _UUID.fullmatch(text):
        form = "uuid"
    if expected_format == "decimal":
        return "decimal" if _DECIMAL.fullmatch(text) else "other"
    if expected_format in ("date-time", "date", "uuid"):
        return form or "other"
    return form


def has_format(form: str | None, expected_format: str) -> bool:
    """Return whether a text of this form is what `expected_format` means. Formats that nobody checks are."""
    if expected_format == "date-time":
        return form in RFC_3339
    if expected_format in ("date", "uuid", "decimal"):
        return form == expected_format
    return True


def shown_key(key: str) -> str:
    """Return a key of an answer, or a sign in its place where it may be somebody's data."""
    return key if _NAME.fullmatch(key) else HIDDEN_KEY


def _time_form(text: str) -> str | None:
    if _DATE.fullmatch(text):
        return "date"
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    between, fraction, zone = found[1], found[2], found[3]
    if between == " " or zone is None:
        return "time-space" if between == " " and zone is None else "other"
    if zone.upper() == "Z":
        return "time-micro" if fraction else "time-z"
    return "time-offset"
