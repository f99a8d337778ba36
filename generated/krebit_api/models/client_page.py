# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    UNSET,
    Mismatch,
    Unset,
    mismatch,
    plain,
    read_many,
    read_one,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..models.client_record import ClientRecord
    from ..models.page_link import PageLink
    from ..models.page_links import PageLinks
    from ..models.page_meta import PageMeta


@_attrs_define
class ClientPage:
    """One page of clients. The metadata stand in `meta` and `links`, or flat beside `data`
    (`current_page`, `per_page`, `last_page`, `total`, `next_page_url` and so on, kept as additional
    properties), or are missing (all three inferred)."""

    data: list[ClientRecord]
    """The records of this page."""

    meta: None | PageMeta | Unset = UNSET
    """Where this page stands in the whole."""

    links: list[PageLink] | None | PageLinks | Unset = UNSET
    """Addresses of other pages; beside flat metadata it is a list of links for people."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        from ..models.page_links import PageLinks
        from ..models.page_meta import PageMeta

        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        data = []
        for data_item_data in self.data:
            data_item = data_item_data.to_dict()
            data.append(data_item)

        fields_["data"] = data
        meta: dict[str, Any] | None | Unset
        if isinstance(self.meta, Unset):
            meta = UNSET
        elif isinstance(self.meta, PageMeta):
            meta = self.meta.to_dict()
        else:
            meta = self.meta
        if meta is not UNSET:
            fields_["meta"] = meta
        links: dict[str, Any] | list[dict[str, Any]] | None | Unset
        if isinstance(self.links, Unset):
            links = UNSET
        elif isinstance(self.links, PageLinks):
            links = self.links.to_dict()
        elif isinstance(self.links, list):
            links = []
            for links_type_1_item_data in self.links:
                links_type_1_item = links_type_1_item_data.to_dict()
                links.append(links_type_1_item)

        else:
            links = self.links
        if links is not UNSET:
            fields_["links"] = links
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "data": plain(self.data),
            "meta": plain(self.meta),
            "links": plain(self.links),
            **self.additional_properties,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        from ..models.client_record import ClientRecord
        from ..models.page_link import PageLink
        from ..models.page_links import PageLinks
        from ..models.page_meta import PageMeta

        try:
            rest_ = {**src_dict}
            take_ = rest_.pop
            # Without __init__, which would take as long as all the rest.
            made_ = cls.__new__(cls)
            made_.data = read_many(ClientRecord.from_dict, take_("data"), "data")
            made_.meta = (
                value_
                if (value_ := take_("meta", UNSET)) is UNSET or value_ is None
                else read_one(PageMeta.from_dict, value_, "meta")
            )
            made_.links = (
                value_
                if (value_ := take_("links", UNSET)) is UNSET or value_ is None
                else read_one(PageLinks.from_dict, value_, "links")
                if isinstance(value_, dict)
                else read_many(PageLink.from_dict, value_, "links")
            )
        except Mismatch:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise mismatch(error, src_dict) from None
        made_.additional_properties = rest_ or {}
        return made_

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties)

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
