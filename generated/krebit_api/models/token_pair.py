# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

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
    plain,
    refuse,
)

_INT_OR_UNSET = kinds("int", "Unset")
_STR_OR_UNSET = kinds("str", "Unset")


@_attrs_define
class TokenPair:
    """An access token, and the refresh token that renews it."""

    access_token: str = _attrs_field(repr=False)
    """Goes into `Authorization: Bearer …`."""

    refresh_token: str | Unset = _attrs_field(default=UNSET, repr=False)
    """Renews the access token. Where none comes, the old one stays valid (inferred)."""

    token_type: str | Unset = UNSET
    """How the access token is to be sent, `Bearer`."""

    expires_in: int | Unset = UNSET
    """Seconds until the access token expires."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["access_token"] = self.access_token
        if self.refresh_token is not UNSET:
            fields_["refresh_token"] = self.refresh_token
        if self.token_type is not UNSET:
            fields_["token_type"] = self.token_type
        if self.expires_in is not UNSET:
            fields_["expires_in"] = self.expires_in
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "access_token": self.access_token,
            "refresh_token": plain(self.refresh_token),
            "token_type": plain(self.token_type),
            "expires_in": plain(self.expires_in),
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
            made_.access_token = (
                value_
                if type(value_ := take_("access_token")) is str
                else refuse("not a string", "access_token", value_)
            )
            made_.refresh_token = (
                value_
                if type(value_ := take_("refresh_token", UNSET)) in _STR_OR_UNSET
                else refuse("not a string", "refresh_token", value_)
            )
            made_.token_type = (
                value_
                if type(value_ := take_("token_type", UNSET)) in _STR_OR_UNSET
                else refuse("not a string", "token_type", value_)
            )
            made_.expires_in = (
                value_
                if type(value_ := take_("expires_in", UNSET)) in _INT_OR_UNSET
                else refuse("not an integer", "expires_in", value_)
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
