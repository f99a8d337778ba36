# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, TEXT, either
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import UNSET, Unset

_EITHER_TEXT_ABSENT = either(TEXT, ABSENT)


@_attrs_define
class ErrorMessage(OpenRecord[Any]):
    """An error in words. A server in debug mode adds the exception, its file and its trace."""

    message: str | Unset = UNSET
    """The error in words."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"message": self.message}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("message", UNSET)
        made.message = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "message", rest)
        )
        made.additional_properties = rest
        return made
