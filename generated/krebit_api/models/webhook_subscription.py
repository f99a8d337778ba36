# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

import datetime
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
    other_times,
    plain,
    read_iso,
    refuse,
)

_INT_OR_STR_OR_UNSET = kinds("int", "str", "Unset")
_STR_OR_UNSET = kinds("str", "Unset")


@_attrs_define
class WebhookSubscription:
    """A subscription to an event."""

    secret: str = _attrs_field(repr=False)
    """The key that signs deliveries. Shown once, when the subscription is made."""

    id: int | str | Unset = UNSET
    """The subscription's identifier."""

    event: str | Unset = UNSET
    """The event subscribed to. Any value may come."""

    target: str | Unset = UNSET
    """The URL that events are posted to."""

    created_at: datetime.datetime | None | Unset = UNSET
    """When the subscription was made. Read like `created_at` of an act."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["secret"] = self.secret
        if self.id is not UNSET:
            fields_["id"] = self.id
        if self.event is not UNSET:
            fields_["event"] = self.event
        if self.target is not UNSET:
            fields_["target"] = self.target
        created_at: None | str | Unset
        if isinstance(self.created_at, Unset):
            created_at = UNSET
        elif isinstance(self.created_at, datetime.datetime):
            created_at = self.created_at.isoformat()
        else:
            created_at = self.created_at
        if created_at is not UNSET:
            fields_["created_at"] = created_at
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "secret": self.secret,
            "id": plain(self.id),
            "event": plain(self.event),
            "target": plain(self.target),
            "created_at": plain(self.created_at),
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
            made_.secret = (
                value_ if type(value_ := take_("secret")) is str else refuse("not a string", "secret", value_)
            )
            made_.id = (
                value_
                if type(value_ := take_("id", UNSET)) in _INT_OR_STR_OR_UNSET
                else refuse("not an integer or a string", "id", value_)
            )
            made_.event = (
                value_
                if type(value_ := take_("event", UNSET)) in _STR_OR_UNSET
                else refuse("not a string", "event", value_)
            )
            made_.target = (
                value_
                if type(value_ := take_("target", UNSET)) in _STR_OR_UNSET
                else refuse("not a string", "target", value_)
            )
            made_.created_at = (
                value_
                if (value_ := take_("created_at", UNSET)) is UNSET or value_ is None
                else read_iso(value_)
            )
        except Mismatch:
            raise
        except (KeyError, TypeError, ValueError) as error:
            rewritten_ = other_times(src_dict, "created_at")
            if rewritten_ is not None:
                return cls.from_dict(rewritten_)
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
