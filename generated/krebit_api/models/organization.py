# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, INTEGER, NULL, TEXT, either, identifier
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_IDENTIFIER_EITHER_TEXT_INTEGER = identifier(either(TEXT, INTEGER))
_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)


@_attrs_define
class Organization(OpenRecord[Any]):
    """An organisation that uses Krebit Finance."""

    id: str | int
    """The organisation's identifier, a UUID or a number."""

    name: str | None | Unset = UNSET
    """The organisation's name."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("id", MISSING)
        made.id = (
            value
            if type(value) in _IDENTIFIER_EITHER_TEXT_INTEGER.kept
            else _IDENTIFIER_EITHER_TEXT_INTEGER.read(value, "id")
        )
        value = take("name", UNSET)
        made.name = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "name", rest)
        )
        made.additional_properties = rest
        return made
