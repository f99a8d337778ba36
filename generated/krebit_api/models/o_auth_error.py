# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, NULL, TEXT, either
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_EITHER_TEXT_ABSENT = either(TEXT, ABSENT)
_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)


@_attrs_define
class OAuthError(OpenRecord[Any]):
    """The reason why the token endpoint refused (RFC 6749, section 5.2)."""

    error: str
    """The kind of error."""

    error_description: str | Unset = UNSET
    """The error in words."""

    hint: str | None | Unset = UNSET
    """The exact fault."""

    message: str | Unset = UNSET
    """The error in words, once more."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "error": self.error,
            "error_description": self.error_description,
            "hint": self.hint,
            "message": self.message,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("error", MISSING)
        made.error = value if type(value) in TEXT.kept else TEXT.read(value, "error")
        value = take("error_description", UNSET)
        made.error_description = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "error_description", rest)
        )
        value = take("hint", UNSET)
        made.hint = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "hint", rest)
        )
        value = take("message", UNSET)
        made.message = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "message", rest)
        )
        made.additional_properties = rest
        return made
