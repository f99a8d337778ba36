# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Mismatch,
    mismatch,
    plain,
    refuse,
)


@_attrs_define
class RefreshTokenGrant:
    """A refresh token to be exchanged. It is spent by the exchange."""

    grant_type: Literal["refresh_token"]
    """Tells the grants apart."""

    client_id: str
    """The application's identifier."""

    client_secret: str = _attrs_field(repr=False)
    """The application's secret, shown once when it was registered."""

    refresh_token: str = _attrs_field(repr=False)
    """The stored refresh token, the newest of its login."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["grant_type"] = self.grant_type
        fields_["client_id"] = self.client_id
        fields_["client_secret"] = self.client_secret
        fields_["refresh_token"] = self.refresh_token
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "grant_type": plain(self.grant_type),
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
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
            grant_type = cast(Literal["refresh_token"], take_("grant_type"))
            if grant_type != "refresh_token":
                raise ValueError(f"grant_type must match const 'refresh_token', got '{grant_type}'")
            made_.grant_type = grant_type
            made_.client_id = (
                value_
                if type(value_ := take_("client_id")) is str
                else refuse("not a string", "client_id", value_)
            )
            made_.client_secret = (
                value_
                if type(value_ := take_("client_secret")) is str
                else refuse("not a string", "client_secret", value_)
            )
            made_.refresh_token = (
                value_
                if type(value_ := take_("refresh_token")) is str
                else refuse("not a string", "refresh_token", value_)
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
