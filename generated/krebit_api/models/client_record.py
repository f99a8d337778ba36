# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

import datetime
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
    other_times,
    plain,
    plain_number,
    read_iso,
    refuse,
)

_FLOAT_OR_NONE_OR_STR_OR_UNSET = kinds("float", "None", "str", "Unset")
_NONE_OR_STR_OR_UNSET = kinds("None", "str", "Unset")


@_attrs_define
class ClientRecord:
    """A company that the tenant evaluates. A list holds the essential fields, a single client all."""

    id: int
    """The client's number in this tenant."""

    company_name: None | str | Unset = UNSET
    """The company's registered name."""

    org_number: None | str | Unset = UNSET
    """The company's organisation number, the durable key across systems. Sensitive (a sole trader's is a
    personal number): mask or hash it in logs."""

    country: None | str | Unset = UNSET
    """The company's country, usually two letters (ISO 3166-1)."""

    currency: None | str | Unset = UNSET
    """The currency of `credit_limit`, three letters (ISO 4217)."""

    credit_limit: float | None | str | Unset = UNSET
    """How much credit the company is given, in major units of `currency` (kronor, not öre); a number, a
    decimal text, or null where none is set."""

    rating: float | None | str | Unset = UNSET
    """The company's credit rating, where one is available."""

    contact_name: None | str | Unset = UNSET
    """The primary contact's name."""

    contact_email: None | str | Unset = UNSET
    """The primary contact's email address."""

    contact_phone: None | str | Unset = UNSET
    """The primary contact's telephone number."""

    created_at: datetime.datetime | None | Unset = UNSET
    """When the record was made, ISO 8601. A tenant may also answer `2024-01-15 08:30:00`, which has no
    offset and is read as it stands: the server's zone, UTC unless it was configured otherwise
    (inferred)."""

    updated_at: datetime.datetime | None | Unset = UNSET
    """When the record last changed; use it to find changes. Read like `created_at`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["id"] = self.id
        if self.company_name is not UNSET:
            fields_["company_name"] = self.company_name
        if self.org_number is not UNSET:
            fields_["org_number"] = self.org_number
        if self.country is not UNSET:
            fields_["country"] = self.country
        if self.currency is not UNSET:
            fields_["currency"] = self.currency
        if self.credit_limit is not UNSET:
            fields_["credit_limit"] = self.credit_limit
        if self.rating is not UNSET:
            fields_["rating"] = self.rating
        if self.contact_name is not UNSET:
            fields_["contact_name"] = self.contact_name
        if self.contact_email is not UNSET:
            fields_["contact_email"] = self.contact_email
        if self.contact_phone is not UNSET:
            fields_["contact_phone"] = self.contact_phone
        created_at: None | str | Unset
        if isinstance(self.created_at, Unset):
            created_at = UNSET
        elif isinstance(self.created_at, datetime.datetime):
            created_at = self.created_at.isoformat()
        else:
            created_at = self.created_at
        if created_at is not UNSET:
            fields_["created_at"] = created_at
        updated_at: None | str | Unset
        if isinstance(self.updated_at, Unset):
            updated_at = UNSET
        elif isinstance(self.updated_at, datetime.datetime):
            updated_at = self.updated_at.isoformat()
        else:
            updated_at = self.updated_at
        if updated_at is not UNSET:
            fields_["updated_at"] = updated_at
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "id": self.id,
            "company_name": plain(self.company_name),
            "org_number": plain(self.org_number),
            "country": plain(self.country),
            "currency": plain(self.currency),
            "credit_limit": plain_number(self.credit_limit),
            "rating": plain_number(self.rating),
            "contact_name": plain(self.contact_name),
            "contact_email": plain(self.contact_email),
            "contact_phone": plain(self.contact_phone),
            "created_at": plain(self.created_at),
            "updated_at": plain(self.updated_at),
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
            made_.id = (
                value_ if type(value_ := take_("id")) is int else refuse("not an integer", "id", value_)
            )
            made_.company_name = (
                value_
                if type(value_ := take_("company_name", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "company_name", value_)
            )
            made_.org_number = (
                value_
                if type(value_ := take_("org_number", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "org_number", value_)
            )
            made_.country = (
                value_
                if type(value_ := take_("country", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "country", value_)
            )
            made_.currency = (
                value_
                if type(value_ := take_("currency", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "currency", value_)
            )
            made_.credit_limit = (
                value_
                if type(value_ := take_("credit_limit", UNSET)) in _FLOAT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not a number or null or a string", "credit_limit", value_)
            )
            made_.rating = (
                value_
                if type(value_ := take_("rating", UNSET)) in _FLOAT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not a number or null or a string", "rating", value_)
            )
            made_.contact_name = (
                value_
                if type(value_ := take_("contact_name", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "contact_name", value_)
            )
            made_.contact_email = (
                value_
                if type(value_ := take_("contact_email", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "contact_email", value_)
            )
            made_.contact_phone = (
                value_
                if type(value_ := take_("contact_phone", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "contact_phone", value_)
            )
            made_.created_at = (
                value_
                if (value_ := take_("created_at", UNSET)) is UNSET or value_ is None
                else read_iso(value_)
            )
            made_.updated_at = (
                value_
                if (value_ := take_("updated_at", UNSET)) is UNSET or value_ is None
                else read_iso(value_)
            )
        except Mismatch:
            raise
        except (KeyError, TypeError, ValueError) as error:
            rewritten_ = other_times(src_dict, "created_at", "updated_at")
            if rewritten_ is not None:
                return cls.from_dict(rewritten_)
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
