# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import TEXT, constant, identifier
from ..records import OpenRecord, members
from ..scalars import MISSING

_CONSTANT_REFRESH_TOKEN = constant("refresh_token")
_IDENTIFIER_TEXT = identifier(TEXT)


@_attrs_define
class RefreshTokenGrant(OpenRecord[Any]):
    """A refresh token to be exchanged. The exchange ends it."""

    grant_type: Literal["refresh_token"]
    """Tells the grants apart."""

    client_id: str
    """The application's identifier."""

    client_secret: str = _attrs_field(repr=False)
    """The application's secret, shown once when it was registered."""

    refresh_token: str = _attrs_field(repr=False)
    """The stored refresh token, the newest of its login."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "grant_type": self.grant_type,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("grant_type", MISSING)
        made.grant_type = (
            value
            if type(value) in _CONSTANT_REFRESH_TOKEN.kept
            else _CONSTANT_REFRESH_TOKEN.read(value, "grant_type")
        )
        value = take("client_id", MISSING)
        made.client_id = (
            value if type(value) in _IDENTIFIER_TEXT.kept else _IDENTIFIER_TEXT.read(value, "client_id")
        )
        value = take("client_secret", MISSING)
        made.client_secret = value if type(value) in TEXT.kept else TEXT.read(value, "client_secret")
        value = take("refresh_token", MISSING)
        made.refresh_token = value if type(value) in TEXT.kept else TEXT.read(value, "refresh_token")
        made.additional_properties = rest
        return made
