# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Mismatch,
    mismatch,
)


@_attrs_define
class ValidationErrorsErrors:
    """The errors of each field, by its name."""

    additional_properties: dict[str, list[str]] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        for name_, value_ in self.additional_properties.items():
            fields_[name_] = value_

        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            **self.additional_properties,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        try:
            rest_ = {**src_dict}
            # Without __init__, which would take as long as all the rest.
            made_ = cls.__new__(cls)
        except Mismatch:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise mismatch(error, src_dict) from None
        made_.additional_properties = rest_ or {}
        return made_

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties)

    def __getitem__(self, key: str) -> list[str]:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: list[str]) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
