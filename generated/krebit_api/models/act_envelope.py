# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import models
from ..kinds import record
from ..records import OpenRecord, members
from ..scalars import MISSING

_RECORD_ACT = record(lambda: models.Act)


@_attrs_define
class ActEnvelope(OpenRecord[Any]):
    """An act in an envelope."""

    data: models.Act
    """A financial evaluation of a client, made by a template."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"data": self.data}

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("data", MISSING)
        made.data = value if type(value) in _RECORD_ACT.kept else _RECORD_ACT.read(value, "data")
        made.additional_properties = rest
        return made
