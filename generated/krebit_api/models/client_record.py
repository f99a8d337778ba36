# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, AMOUNT, INTEGER, NULL, NUMBER, TEXT, TIME, either, identifier
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_IDENTIFIER_INTEGER = identifier(INTEGER)
_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)
_EITHER_AMOUNT_NULL_ABSENT = either(AMOUNT, NULL, ABSENT)
_EITHER_TEXT_NUMBER_NULL_ABSENT = either(TEXT, NUMBER, NULL, ABSENT)
_EITHER_TIME_NULL_ABSENT = either(TIME, NULL, ABSENT)


@_attrs_define
class ClientRecord(OpenRecord[Any]):
    """A company that the tenant evaluates. A list holds the essential fields, and a single client has all
    fields.
    """

    _TEXT_AMOUNTS: ClassVar[frozenset[str]] = frozenset(["credit_limit"])

    id: int
    """The client's number in this tenant."""

    company_name: str | None | Unset = UNSET
    """The company's registered name."""

    org_number: str | None | Unset = UNSET
    """The company's organisation number, the durable key across systems. Sensitive (a sole trader's is a
    personal number): mask or hash it in logs.
    """

    country: str | None | Unset = UNSET
    """The company's country, usually two letters (ISO 3166-1)."""

    currency: str | None | Unset = UNSET
    """The currency of `credit_limit`, three letters (ISO 4217)."""

    credit_limit: Decimal | None | Unset = UNSET
    """How much credit the company is given, in major units of `currency` (kronor, not öre); a number, a
    decimal text, or null where none is set.
    """

    rating: str | float | None | Unset = UNSET
    """The company's credit rating, where one is available."""

    contact_name: str | None | Unset = UNSET
    """The primary contact's name."""

    contact_email: str | None | Unset = UNSET
    """The primary contact's email address."""

    contact_phone: str | None | Unset = UNSET
    """The primary contact's telephone number."""

    created_at: datetime.datetime | None | Unset = UNSET
    """When the record was made, ISO 8601. A tenant may also answer `2024-01-15 08:30:00`, which has no
    offset and is read as it stands: the server's zone, UTC unless it was configured otherwise
    (inferred).
    """

    updated_at: datetime.datetime | None | Unset = UNSET
    """When the record last changed; use it to find changes. Read like `created_at`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "company_name": self.company_name,
            "org_number": self.org_number,
            "country": self.country,
            "currency": self.currency,
            "credit_limit": self.credit_limit,
            "rating": self.rating,
            "contact_name": self.contact_name,
            "contact_email": self.contact_email,
            "contact_phone": self.contact_phone,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("id", MISSING)
        made.id = value if type(value) in _IDENTIFIER_INTEGER.kept else _IDENTIFIER_INTEGER.read(value, "id")
        value = take("company_name", UNSET)
        made.company_name = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "company_name", rest)
        )
        value = take("org_number", UNSET)
        made.org_number = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "org_number", rest)
        )
        value = take("country", UNSET)
        made.country = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "country", rest)
        )
        value = take("currency", UNSET)
        made.currency = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "currency", rest)
        )
        value = take("credit_limit", UNSET)
        made.credit_limit = (
            value
            if type(value) in _EITHER_AMOUNT_NULL_ABSENT.kept
            else _EITHER_AMOUNT_NULL_ABSENT.read(value, "credit_limit")
        )
        value = take("rating", UNSET)
        made.rating = (
            value
            if type(value) in _EITHER_TEXT_NUMBER_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NUMBER_NULL_ABSENT, value, "rating", rest)
        )
        value = take("contact_name", UNSET)
        made.contact_name = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "contact_name", rest)
        )
        value = take("contact_email", UNSET)
        made.contact_email = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "contact_email", rest)
        )
        value = take("contact_phone", UNSET)
        made.contact_phone = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "contact_phone", rest)
        )
        value = take("created_at", UNSET)
        made.created_at = (
            value
            if type(value) in _EITHER_TIME_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TIME_NULL_ABSENT, value, "created_at", rest)
        )
        value = take("updated_at", UNSET)
        made.updated_at = (
            value
            if type(value) in _EITHER_TIME_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TIME_NULL_ABSENT, value, "updated_at", rest)
        )
        made.additional_properties = rest
        return made
