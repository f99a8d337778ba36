# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import models
from ..kinds import ABSENT, INTEGER, NULL, TEXT, either, identifier, record
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_IDENTIFIER_EITHER_TEXT_INTEGER = identifier(either(TEXT, INTEGER))
_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)
_EITHER_RECORD_ORGANIZATION_NULL_ABSENT = either(record(lambda: models.Organization), NULL, ABSENT)


@_attrs_define
class CurrentUser(OpenRecord[Any]):
    """The user on whose behalf the application acts."""

    id: str | int
    """The user's identifier, a UUID or a number."""

    name: str | None | Unset = UNSET
    """The user's full name."""

    email: str | None | Unset = UNSET
    """The user's email address."""

    organization: models.Organization | None | Unset = UNSET
    """The organisation that the user belongs to."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "email": self.email, "organization": self.organization}

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
            if type(value) in _IDENTIFIER_EITHER_TEXT_INTEGER.kept
            else _IDENTIFIER_EITHER_TEXT_INTEGER.read(value, "id")
        )
        value = take("name", UNSET)
        made.name = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "name", rest)
        )
        value = take("email", UNSET)
        made.email = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "email", rest)
        )
        value = take("organization", UNSET)
        made.organization = (
            value
            if type(value) in _EITHER_RECORD_ORGANIZATION_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_RECORD_ORGANIZATION_NULL_ABSENT, value, "organization", rest)
        )
        made.additional_properties = rest
        return made
