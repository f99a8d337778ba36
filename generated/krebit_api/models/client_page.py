# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import models
from ..kinds import ABSENT, NULL, either, record, records
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_RECORDS_CLIENTRECORD = records(lambda: models.ClientRecord)
_EITHER_RECORD_PAGEMETA_NULL_ABSENT = either(record(lambda: models.PageMeta), NULL, ABSENT)
_EITHER_RECORD_PAGELINKS_RECORDS_PAGELINK_NULL_ABSENT = either(
    record(lambda: models.PageLinks), records(lambda: models.PageLink), NULL, ABSENT
)


@_attrs_define
class ClientPage(OpenRecord[Any]):
    """One page of clients. The metadata stand in `meta` and `links`, or flat beside `data`
    (`current_page`, `per_page`, `last_page`, `total`, `next_page_url` and so on, kept as additional
    properties), or are missing (all three inferred).
    """

    data: list[models.ClientRecord]
    """The records of this page."""

    meta: models.PageMeta | None | Unset = UNSET
    """Where this page stands in the whole."""

    links: models.PageLinks | list[models.PageLink] | None | Unset = UNSET
    """Addresses of other pages; beside flat metadata it is a list of links for people."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"data": self.data, "meta": self.meta, "links": self.links}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("data", MISSING)
        made.data = (
            value if type(value) in _RECORDS_CLIENTRECORD.kept else _RECORDS_CLIENTRECORD.read(value, "data")
        )
        value = take("meta", UNSET)
        made.meta = (
            value
            if type(value) in _EITHER_RECORD_PAGEMETA_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_RECORD_PAGEMETA_NULL_ABSENT, value, "meta", rest)
        )
        value = take("links", UNSET)
        made.links = (
            value
            if type(value) in _EITHER_RECORD_PAGELINKS_RECORDS_PAGELINK_NULL_ABSENT.kept
            else read_or_keep(
                cls, _EITHER_RECORD_PAGELINKS_RECORDS_PAGELINK_NULL_ABSENT, value, "links", rest
            )
        )
        made.additional_properties = rest
        return made
