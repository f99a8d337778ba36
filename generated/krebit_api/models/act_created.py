# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import models
from ..kinds import ABSENT, INTEGER, NULL, TEXT, TIME, either, identifier, record
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_IDENTIFIER_EITHER_INTEGER_TEXT = identifier(either(INTEGER, TEXT))
_EITHER_TEXT_ABSENT = either(TEXT, ABSENT)
_EITHER_TIME_NULL_ABSENT = either(TIME, NULL, ABSENT)
_EITHER_RECORD_ACT_ABSENT = either(record(lambda: models.Act), ABSENT)


@_attrs_define
class ActCreated(OpenRecord[Any]):
    """The delivery of `act.created`."""

    id: int | str
    """Identifier of the delivery's event, the same when it is sent again. Store it to drop repetitions."""

    event: str | Unset = UNSET
    """The name of the event. Any value may come."""

    created_at: datetime.datetime | None | Unset = UNSET
    """When it happened. Read like `created_at` of an act."""

    data: models.Act | Unset = UNSET
    """A financial evaluation of a client, made by a template."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"id": self.id, "event": self.event, "created_at": self.created_at, "data": self.data}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("id", MISSING)
        made.id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_TEXT.kept
            else _IDENTIFIER_EITHER_INTEGER_TEXT.read(value, "id")
        )
        value = take("event", UNSET)
        made.event = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "event", rest)
        )
        value = take("created_at", UNSET)
        made.created_at = (
            value
            if type(value) in _EITHER_TIME_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TIME_NULL_ABSENT, value, "created_at", rest)
        )
        value = take("data", UNSET)
        made.data = (
            value
            if type(value) in _EITHER_RECORD_ACT_ABSENT.kept
            else read_or_keep(cls, _EITHER_RECORD_ACT_ABSENT, value, "data", rest)
        )
        made.additional_properties = rest
        return made
