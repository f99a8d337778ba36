# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, INTEGER, NULL, TEXT, TIME, either, identifier
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_IDENTIFIER_EITHER_INTEGER_TEXT_ABSENT = identifier(either(INTEGER, TEXT, ABSENT))
_EITHER_TEXT_ABSENT = either(TEXT, ABSENT)
_EITHER_TIME_NULL_ABSENT = either(TIME, NULL, ABSENT)


@_attrs_define
class WebhookSubscription(OpenRecord[Any]):
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
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "secret": self.secret,
            "id": self.id,
            "event": self.event,
            "target": self.target,
            "created_at": self.created_at,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("secret", MISSING)
        made.secret = value if type(value) in TEXT.kept else TEXT.read(value, "secret")
        value = take("id", UNSET)
        made.id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_TEXT_ABSENT.kept
            else _IDENTIFIER_EITHER_INTEGER_TEXT_ABSENT.read(value, "id")
        )
        value = take("event", UNSET)
        made.event = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "event", rest)
        )
        value = take("target", UNSET)
        made.target = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "target", rest)
        )
        value = take("created_at", UNSET)
        made.created_at = (
            value
            if type(value) in _EITHER_TIME_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TIME_NULL_ABSENT, value, "created_at", rest)
        )
        made.additional_properties = rest
        return made
