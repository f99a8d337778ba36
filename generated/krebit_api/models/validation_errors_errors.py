# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import TEXT, list_of
from ..records import OpenRecord, members

_LIST_OF_TEXT = list_of(TEXT)


@_attrs_define
class ValidationErrorsErrors(OpenRecord[list[str]]):
    """The errors of each field, by its name."""

    additional_properties: dict[str, list[str]] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        for name, value in rest.items():
            if type(value) not in _LIST_OF_TEXT.kept:
                rest[name] = _LIST_OF_TEXT.read(value, name)
        made.additional_properties = rest
        return made
