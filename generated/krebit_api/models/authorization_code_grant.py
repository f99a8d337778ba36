# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, cast

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

_STR_OR_UNSET = kinds("str", "Unset")


@_attrs_define
class AuthorizationCodeGrant:
    """An authorization code to be exchanged. Codes are used once and live ten minutes (inferred)."""

    grant_type: Literal["authorization_code"]
    """Tells the grants apart."""

    client_id: str
    """The application's identifier."""

    client_secret: str = _attrs_field(repr=False)
    """The application's secret, shown once when it was registered."""

    redirect_uri: str
    """The same bytes as in the authorization URL."""

    code: str = _attrs_field(repr=False)
    """The code that came to the callback."""

    code_verifier: str | Unset = _attrs_field(default=UNSET, repr=False)
    """The PKCE verifier, only if a challenge was sent; a verifier without a challenge is refused."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["grant_type"] = self.grant_type
        fields_["client_id"] = self.client_id
        fields_["client_secret"] = self.client_secret
        fields_["redirect_uri"] = self.redirect_uri
        fields_["code"] = self.code
        if self.code_verifier is not UNSET:
            fields_["code_verifier"] = self.code_verifier
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "grant_type": plain(self.grant_type),
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uri": self.redirect_uri,
            "code": self.code,
            "code_verifier": plain(self.code_verifier),
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
            grant_type = cast(Literal["authorization_code"], take_("grant_type"))
            if grant_type != "authorization_code":
                raise ValueError(f"grant_type must match const 'authorization_code', got '{grant_type}'")
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
            made_.redirect_uri = (
                value_
                if type(value_ := take_("redirect_uri")) is str
                else refuse("not a string", "redirect_uri", value_)
            )
            made_.code = (
                value_ if type(value_ := take_("code")) is str else refuse("not a string", "code", value_)
            )
            made_.code_verifier = (
                value_
                if type(value_ := take_("code_verifier", UNSET)) in _STR_OR_UNSET
                else refuse("not a string", "code_verifier", value_)
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
