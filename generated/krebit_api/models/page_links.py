# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, NULL, TEXT, either
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import UNSET, Unset

_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)


@_attrs_define
class PageLinks(OpenRecord[Any]):
    """Addresses of other pages."""

    first: str | None | Unset = UNSET
    """Address of the first page."""

    last: str | None | Unset = UNSET
    """Address of the last page; null where it is not known."""

    prev: str | None | Unset = UNSET
    """Address of the page before; null on the first."""

    next_: str | None | Unset = UNSET
    """Address of the page after; null on the last."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"first": self.first, "last": self.last, "prev": self.prev, "next": self.next_}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("first", UNSET)
        made.first = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "first", rest)
        )
        value = take("last", UNSET)
        made.last = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "last", rest)
        )
        value = take("prev", UNSET)
        made.prev = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "prev", rest)
        )
        value = take("next", UNSET)
        made.next_ = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "next", rest)
        )
        made.additional_properties = rest
        return made
