# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Mismatch,
    mismatch,
    refuse,
)


@_attrs_define
class WebhookStoreRequest:
    """A subscription to make."""

    event: str
    """What to be told of. The list for a tenant is in its own API reference."""

    target: str
    """The URL that events are posted to."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["event"] = self.event
        fields_["target"] = self.target
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "event": self.event,
            "target": self.target,
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
            made_.event = (
                value_ if type(value_ := take_("event")) is str else refuse("not a string", "event", value_)
            )
            made_.target = (
                value_ if type(value_ := take_("target")) is str else refuse("not a string", "target", value_)
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
