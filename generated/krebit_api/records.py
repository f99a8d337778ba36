# Copied from templates/runtime by `make regenerate`; edit it there.
"""The base classes of every record, and the writing of its values as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from .errors import NotWritable
from .scalars import UNSET, amount_text, refused
from .types import File, RequestFiles, plain

V = TypeVar("V")
# An integer with more digits is written in full only where somebody sent it so: 1E+999999 would be a megabyte.
_DIGITS = 40


class Record:
    """The base of every generated record."""

    __slots__ = ()
    # Keys whose amounts are written as text, since the document allows a string there.
    _TEXT_AMOUNTS: ClassVar[frozenset[str]] = frozenset()

    def _fields(self) -> dict[str, Any]:
        """Return the values of the document's own fields by JSON key, UNSET included."""
        raise NotImplementedError

    def _everything(self) -> dict[str, Any]:
        """Return every value by its JSON key, UNSET included."""
        return self._fields()

    def _present(self) -> dict[str, Any]:
        """Return the values that are not UNSET by their JSON keys."""
        return {name: value for name, value in self._fields().items() if value is not UNSET}

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object that `json.dumps` takes, without the keys that are UNSET.

        Times, dates and UUIDs are texts. A `Decimal` is a text where the document allows one, else a number of the same
        value, also in values that the document leaves open. Raises NotWritable, a ValueError, with the field's name.
        """
        return {
            name: write(value, name, amounts_as_text=name in self._TEXT_AMOUNTS)
            for name, value in self._present().items()
        }

    def to_row(self) -> dict[str, Any]:
        """Return plain values for a table: amounts as `Decimal`, times as `datetime`, None for what is missing.

        None also for a value that could not be read as the document has it: a column holds one type.
        """
        return {name: plain(value) for name, value in self._everything().items()}

    def to_multipart(self) -> RequestFiles:
        """Return the parts of a form. Raises NotWritable."""
        files: RequestFiles = []
        for name, value in self._present().items():
            files += _parts(name, value)
        return files


class OpenRecord(Record, Generic[V]):
    """A record with further keys, which the document does not name: `additional_properties`, or `record[key]`.

    The raw value of an optional field that could not be read is there too, under the field's key.
    """

    __slots__ = ()
    # Without this, Python would loop over a record by record[0], and raise KeyError: 0.
    __iter__ = None
    additional_properties: dict[str, V]

    def _everything(self) -> dict[str, Any]:
        return {**self.additional_properties, **self._fields()}

    def _present(self) -> dict[str, Any]:
        present = super()._present()
        # A field that somebody has set since then goes before the raw value.
        return present | {name: value for name, value in self.additional_properties.items() if name not in present}

    @property
    def additional_keys(self) -> list[str]:
        """The keys that the document does not name."""
        return list(self.additional_properties)

    def __getitem__(self, key: str) -> V:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: V) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties


def members(source: object) -> dict[str, Any]:
    """Return a copy of a mapping, to be taken apart. Raises Mismatch for anything else."""
    if isinstance(source, Mapping):
        return dict(source)
    raise refused("an object", source, "")


def write(value: Any, name: str, *, amounts_as_text: bool = False) -> Any:
    """Return the JSON of a value. Raises NotWritable with the name."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Decimal):
        return write_amount(value, name, as_text=amounts_as_text)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Record):
        try:
            return value.to_dict()
        except NotWritable as error:
            raise error.within(name) from None
    if isinstance(value, Mapping):
        return {
            key: write(part, f"{name}.{key}", amounts_as_text=amounts_as_text)
            for key, part in value.items()
            if part is not UNSET
        }
    if isinstance(value, list | tuple) and not isinstance(value, File):
        return [write(part, f"{name}[{index}]", amounts_as_text=amounts_as_text) for index, part in enumerate(value)]
    if isinstance(value, date | time):
        return value.isoformat()
    from uuid import UUID

    if isinstance(value, UUID):
        return str(value)
    problem = "not a finite number" if isinstance(value, float) else f"{type(value).__name__} has no JSON form"
    raise NotWritable(problem, name)


def write_amount(amount: Decimal, name: str, *, as_text: bool) -> str | int | float:
    """Return a `Decimal` as text or as a JSON number. Raises NotWritable where the number would be another."""
    if not amount.is_finite():
        raise NotWritable("not a finite number", name)
    if as_text:
        try:
            return amount_text(amount)
        except ValueError as error:
            raise NotWritable(str(error), name) from None
    if amount.adjusted() < _DIGITS and amount == amount.to_integral_value():
        return int(amount)
    number = float(amount)
    # json.dumps writes the shortest text that gives the float back.
    if not math.isfinite(number) or Decimal(repr(number)) != amount:
        raise NotWritable("too many digits for a JSON number; round it to 15 significant ones", name)
    return number


def _parts(name: str, value: Any) -> RequestFiles:
    """Return the parts of a form that hold one field."""
    if isinstance(value, list):
        return [part for element in value for part in _parts(name, element)]
    if isinstance(value, File):
        return [(name, value.to_tuple())]
    content = write(value, name, amounts_as_text=True)
    if isinstance(content, str):
        return [(name, (None, content.encode(), "text/plain"))]
    import json

    kind = "application/json" if isinstance(content, dict) else "text/plain"
    return [(name, (None, json.dumps(content).encode(), kind))]
