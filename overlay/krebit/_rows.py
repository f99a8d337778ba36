"""Plain rows for pandas, polars or DuckDB, without depending on any."""

from decimal import Decimal
from typing import Any

import attrs
from krebit_api.types import Unset

from krebit.values import money


def row(record: Any) -> dict[str, Any]:
    """A record as a dictionary: numbers that may be money as `Decimal`, times as `datetime`, missing values as None."""
    result = {
        field.name.rstrip("_"): _value(getattr(record, field.name), str(field.type))
        for field in attrs.fields(type(record))
        if field.name != "additional_properties"
    }
    return result | getattr(record, "additional_properties", {})


def _value(value: Any, annotation: str) -> Any:
    if value is None or isinstance(value, Unset):
        return None
    if "float" in annotation and isinstance(value, int | float | str | Decimal):
        try:
            return money(value)
        except ValueError:
            return value  # a text in a field that may be either
    if isinstance(value, list):
        return [_value(part, "") for part in value]
    return row(value) if attrs.has(type(value)) else value
