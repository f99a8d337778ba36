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
    refuse,
)

_INT_OR_STR = kinds("int", "str")
_NONE_OR_STR_OR_UNSET = kinds("None", "str", "Unset")


@_attrs_define
class Organization:
    """An organisation that uses Krebit Finance."""

    id: int | str
    """The organisation's identifier, a number or a UUID."""

    name: None | str | Unset = UNSET
    """The organisation's name."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["id"] = self.id
        if self.name is not UNSET:
            fields_["name"] = self.name
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "id": self.id,
            "name": plain(self.name),
            **self.additional_properties,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        try:
            rest_ = {**src_dict}
            take_ = rest_.pop
            # Without __init__, which would take as long as all the rest.
            made_ = cls.__new__(cls)
            made_.id = (
                value_
                if type(value_ := take_("id")) in _INT_OR_STR
                else refuse("not an integer or a string", "id", value_)
            )
            made_.name = (
                value_
                if type(value_ := take_("name", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "name", value_)
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
