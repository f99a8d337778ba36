# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, BOOLEAN, NULL, TEXT, either
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import UNSET, Unset

_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)
_EITHER_TEXT_ABSENT = either(TEXT, ABSENT)
_EITHER_BOOLEAN_ABSENT = either(BOOLEAN, ABSENT)


@_attrs_define
class PageLink(OpenRecord[Any]):
    """A link of a row of page numbers, for people."""

    url: str | None | Unset = UNSET
    """Address of the page; null where there is none."""

    label: str | Unset = UNSET
    """The text to show, in HTML."""

    active: bool | Unset = UNSET
    """Whether this is the page that was answered."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"url": self.url, "label": self.label, "active": self.active}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("url", UNSET)
        made.url = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "url", rest)
        )
        value = take("label", UNSET)
        made.label = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "label", rest)
        )
        value = take("active", UNSET)
        made.active = (
            value
            if type(value) in _EITHER_BOOLEAN_ABSENT.kept
            else read_or_keep(cls, _EITHER_BOOLEAN_ABSENT, value, "active", rest)
        )
        made.additional_properties = rest
        return made
