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
    kinds,
    mismatch,
    plain,
    read_many,
    refuse,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..models.page_link import PageLink


_INT_OR_NONE_OR_STR_OR_UNSET = kinds("int", "None", "str", "Unset")
_INT_OR_NONE_OR_UNSET = kinds("int", "None", "Unset")
_NONE_OR_STR_OR_UNSET = kinds("None", "str", "Unset")


@_attrs_define
class PageMeta:
    """Where a page stands in the whole. A simple paginator lacks `last_page` and `total`."""

    current_page: int | None | Unset = UNSET
    """Number of this page, from 1."""

    from_: int | None | Unset = UNSET
    """Number of the first record of this page, from 1; null on an empty page."""

    last_page: int | None | Unset = UNSET
    """Number of the last page."""

    links: list[PageLink] | None | Unset = UNSET
    """Links for people, with labels."""

    path: None | str | Unset = UNSET
    """Address of the list without its query."""

    per_page: int | None | str | Unset = UNSET
    """Records per page, the `limit` that was used; as a text where the server repeats the query's own."""

    to: int | None | Unset = UNSET
    """Number of the last record of this page; null on an empty page."""

    total: int | None | Unset = UNSET
    """Records in the whole list."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        if self.current_page is not UNSET:
            fields_["current_page"] = self.current_page
        if self.from_ is not UNSET:
            fields_["from"] = self.from_
        if self.last_page is not UNSET:
            fields_["last_page"] = self.last_page
        links: list[dict[str, Any]] | None | Unset
        if isinstance(self.links, Unset):
            links = UNSET
        elif isinstance(self.links, list):
            links = []
            for links_type_0_item_data in self.links:
                links_type_0_item = links_type_0_item_data.to_dict()
                links.append(links_type_0_item)

        else:
            links = self.links
        if links is not UNSET:
            fields_["links"] = links
        if self.path is not UNSET:
            fields_["path"] = self.path
        if self.per_page is not UNSET:
            fields_["per_page"] = self.per_page
        if self.to is not UNSET:
            fields_["to"] = self.to
        if self.total is not UNSET:
            fields_["total"] = self.total
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "current_page": plain(self.current_page),
            "from": plain(self.from_),
            "last_page": plain(self.last_page),
            "links": plain(self.links),
            "path": plain(self.path),
            "per_page": plain(self.per_page),
            "to": plain(self.to),
            "total": plain(self.total),
            **self.additional_properties,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        from ..models.page_link import PageLink

        try:
            rest_ = {**src_dict}
            take_ = rest_.pop
            # Without __init__, which would take as long as all the rest.
            made_ = cls.__new__(cls)
            made_.current_page = (
                value_
                if type(value_ := take_("current_page", UNSET)) in _INT_OR_NONE_OR_UNSET
                else refuse("not an integer or null", "current_page", value_)
            )
            made_.from_ = (
                value_
                if type(value_ := take_("from", UNSET)) in _INT_OR_NONE_OR_UNSET
                else refuse("not an integer or null", "from", value_)
            )
            made_.last_page = (
                value_
                if type(value_ := take_("last_page", UNSET)) in _INT_OR_NONE_OR_UNSET
                else refuse("not an integer or null", "last_page", value_)
            )
            made_.links = (
                value_
                if (value_ := take_("links", UNSET)) is UNSET or value_ is None
                else read_many(PageLink.from_dict, value_, "links")
            )
            made_.path = (
                value_
                if type(value_ := take_("path", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "path", value_)
            )
            made_.per_page = (
                value_
                if type(value_ := take_("per_page", UNSET)) in _INT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not an integer or null or a string", "per_page", value_)
            )
            made_.to = (
                value_
                if type(value_ := take_("to", UNSET)) in _INT_OR_NONE_OR_UNSET
                else refuse("not an integer or null", "to", value_)
            )
            made_.total = (
                value_
                if type(value_ := take_("total", UNSET)) in _INT_OR_NONE_OR_UNSET
                else refuse("not an integer or null", "total", value_)
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
