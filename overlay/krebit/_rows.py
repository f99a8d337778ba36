"""Plain rows for pandas, polars or DuckDB, without depending on any."""

import functools
from contextlib import suppress
from decimal import Decimal
from typing import Any

import attrs

from krebit.values import money
from krebit_api.types import Unset


def row(record: Any) -> dict[str, Any]:
    """A record as a dictionary: numbers that may be money as `Decimal`, times as `datetime`, missing values as None."""
    model: Any = type(record)
    columns = _columns(model)
    result = {column: _value(getattr(record, name), amount=amount) for name, column, amount in columns}
    return result | getattr(record, "additional_properties", {})


@functools.cache
def _columns(model: Any) -> tuple[tuple[str, str, bool], ...]:
    """Of each field: its name, its name as a column, and whether it may be money."""
    return tuple(
        (field.name, field.name.rstrip("_"), "float" in str(field.type))
        for field in attrs.fields(model)
        if field.name != "additional_properties"
    )


def _value(value: Any, *, amount: bool) -> Any:
    if value is None or isinstance(value, Unset):
        return None
    if amount and isinstance(value, int | float | str | Decimal):
        with suppress(ValueError):  # a text in a field that may be either
            return money(value)
    if isinstance(value, list):
        return [_value(part, amount=amount) for part in value]
    return row(value) if attrs.has(type(value)) else value
