# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, INTEGER, TEXT, either
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_EITHER_TEXT_ABSENT = either(TEXT, ABSENT)
_EITHER_INTEGER_ABSENT = either(INTEGER, ABSENT)


@_attrs_define
class TokenPair(OpenRecord[Any]):
    """An access token, and the refresh token that renews it."""

    access_token: str = _attrs_field(repr=False)
    """Goes into `Authorization: Bearer …`: a b64token (RFC 6750, section 2.1)."""

    refresh_token: str | Unset = _attrs_field(default=UNSET, repr=False)
    """Renews the access token. Where none comes, the old one stays valid (inferred). Visible characters of
    ASCII (RFC 6749, appendix A.17, without the space).
    """

    token_type: str | Unset = UNSET
    """How the access token is to be sent, `Bearer`."""

    expires_in: int | Unset = UNSET
    """Seconds until the access token expires."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("access_token", MISSING)
        made.access_token = value if type(value) in TEXT.kept else TEXT.read(value, "access_token")
        value = take("refresh_token", UNSET)
        made.refresh_token = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "refresh_token", rest)
        )
        value = take("token_type", UNSET)
        made.token_type = (
            value
            if type(value) in _EITHER_TEXT_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_ABSENT, value, "token_type", rest)
        )
        value = take("expires_in", UNSET)
        made.expires_in = (
            value
            if type(value) in _EITHER_INTEGER_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_ABSENT, value, "expires_in", rest)
        )
        made.additional_properties = rest
        return made
