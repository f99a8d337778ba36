# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, TEXT, constant, either, identifier
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_CONSTANT_AUTHORIZATION_CODE = constant("authorization_code")
_IDENTIFIER_TEXT = identifier(TEXT)
_EITHER_TEXT_ABSENT = either(TEXT, ABSENT)


@_attrs_define
class AuthorizationCodeGrant(OpenRecord[Any]):
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
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "grant_type": self.grant_type,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uri": self.redirect_uri,
            "code": self.code,
            "code_verifier": self.code_verifier,
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
            if type(value) in _CONSTANT_AUTHORIZATION_CODE.kept
            else _CONSTANT_AUTHORIZATION_CODE.read(value, "grant_type")
        )
        value = take("client_id", MISSING)
        made.client_id = (
            value if type(value) in _IDENTIFIER_TEXT.kept else _IDENTIFIER_TEXT.read(value, "client_id")
        )
        value = take("client_secret", MISSING)
        made.client_secret = value if type(value) in TEXT.kept else TEXT.read(value, "client_secret")
        value = take("redirect_uri", MISSING)
        made.redirect_uri = value if type(value) in TEXT.kept else TEXT.read(value, "redirect_uri")
        value = take("code", MISSING)
        made.code = value if type(value) in TEXT.kept else TEXT.read(value, "code")
        value = take("code_verifier", UNSET)
        made.code_verifier = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "code_verifier", rest)
        )
        made.additional_properties = rest
        return made
