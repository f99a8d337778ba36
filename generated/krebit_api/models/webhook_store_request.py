# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import TEXT
from ..records import OpenRecord, members
from ..scalars import MISSING


@_attrs_define
class WebhookStoreRequest(OpenRecord[Any]):
    """A subscription to make."""

    event: str
    """The event to subscribe to. The API reference of a tenant has its list of events."""

    target: str
    """The URL that events are posted to."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"event": self.event, "target": self.target}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("event", MISSING)
        made.event = value if type(value) in TEXT.kept else TEXT.read(value, "event")
        value = take("target", MISSING)
        made.target = value if type(value) in TEXT.kept else TEXT.read(value, "target")
        made.additional_properties = rest
        return made
