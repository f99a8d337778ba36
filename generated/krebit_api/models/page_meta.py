# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import models
from ..kinds import ABSENT, INTEGER, NULL, TEXT, either, records
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import UNSET, Unset

_EITHER_INTEGER_NULL_ABSENT = either(INTEGER, NULL, ABSENT)
_EITHER_RECORDS_PAGELINK_NULL_ABSENT = either(records(lambda: models.PageLink), NULL, ABSENT)
_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)
_EITHER_INTEGER_TEXT_NULL_ABSENT = either(INTEGER, TEXT, NULL, ABSENT)


@_attrs_define
class PageMeta(OpenRecord[Any]):
    """The position of a page in the whole list. A simple paginator lacks `last_page` and `total`."""

    current_page: int | None | Unset = UNSET
    """Number of this page, from 1."""

    from_: int | None | Unset = UNSET
    """Number of the first record of this page, from 1; null on an empty page."""

    last_page: int | None | Unset = UNSET
    """Number of the last page."""

    links: list[models.PageLink] | None | Unset = UNSET
    """Links for people, with labels."""

    path: str | None | Unset = UNSET
    """Address of the list without its query."""

    per_page: int | str | None | Unset = UNSET
    """Records per page, the `limit` that was used; as a text where the server repeats the query's own."""

    to: int | None | Unset = UNSET
    """Number of the last record of this page; null on an empty page."""

    total: int | None | Unset = UNSET
    """Records in the whole list."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "current_page": self.current_page,
            "from": self.from_,
            "last_page": self.last_page,
            "links": self.links,
            "path": self.path,
            "per_page": self.per_page,
            "to": self.to,
            "total": self.total,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("current_page", UNSET)
        made.current_page = (
            value
            if type(value) in _EITHER_INTEGER_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_NULL_ABSENT, value, "current_page", rest)
        )
        value = take("from", UNSET)
        made.from_ = (
            value
            if type(value) in _EITHER_INTEGER_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_NULL_ABSENT, value, "from", rest)
        )
        value = take("last_page", UNSET)
        made.last_page = (
            value
            if type(value) in _EITHER_INTEGER_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_NULL_ABSENT, value, "last_page", rest)
        )
        value = take("links", UNSET)
        made.links = (
            value
            if type(value) in _EITHER_RECORDS_PAGELINK_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_RECORDS_PAGELINK_NULL_ABSENT, value, "links", rest)
        )
        value = take("path", UNSET)
        made.path = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "path", rest)
        )
        value = take("per_page", UNSET)
        made.per_page = (
            value
            if type(value) in _EITHER_INTEGER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_TEXT_NULL_ABSENT, value, "per_page", rest)
        )
        value = take("to", UNSET)
        made.to = (
            value
            if type(value) in _EITHER_INTEGER_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_NULL_ABSENT, value, "to", rest)
        )
        value = take("total", UNSET)
        made.total = (
            value
            if type(value) in _EITHER_INTEGER_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_NULL_ABSENT, value, "total", rest)
        )
        made.additional_properties = rest
        return made
