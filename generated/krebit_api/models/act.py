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
_INT_OR_NONE_OR_STR_OR_UNSET = kinds("int", "None", "str", "Unset")
_INT_OR_NONE_OR_UNSET = kinds("int", "None", "Unset")
_NONE_OR_STR_OR_UNSET = kinds("None", "str", "Unset")


@_attrs_define
class Act:
    """A financial evaluation of a client, made by a template."""

    uuid: str
    """The act's UUID."""

    client_id: int | None | Unset = UNSET
    """Number of the client that was evaluated."""

    template_id: int | None | str | Unset = UNSET
    """Identifier of the template that the act was made by."""

    template_name: None | str | Unset = UNSET
    """Name of that template."""

    amount: float | None | str | Unset = UNSET
    """The amount evaluated, in major units of `currency`; a number, a decimal text, or null."""

    currency: None | str | Unset = UNSET
    """The currency of `amount`, three letters (ISO 4217)."""

    language: None | str | Unset = UNSET
    """The language of the act. Any value may come."""

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
        fields_["uuid"] = self.uuid
        if self.client_id is not UNSET:
            fields_["client_id"] = self.client_id
        if self.template_id is not UNSET:
            fields_["template_id"] = self.template_id
        if self.template_name is not UNSET:
            fields_["template_name"] = self.template_name
        if self.amount is not UNSET:
            fields_["amount"] = self.amount
        if self.currency is not UNSET:
            fields_["currency"] = self.currency
        if self.language is not UNSET:
            fields_["language"] = self.language
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
            "uuid": self.uuid,
            "client_id": plain(self.client_id),
            "template_id": plain(self.template_id),
            "template_name": plain(self.template_name),
            "amount": plain_number(self.amount),
            "currency": plain(self.currency),
            "language": plain(self.language),
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
            made_.uuid = (
                value_ if type(value_ := take_("uuid")) is str else refuse("not a string", "uuid", value_)
            )
            made_.client_id = (
                value_
                if type(value_ := take_("client_id", UNSET)) in _INT_OR_NONE_OR_UNSET
                else refuse("not an integer or null", "client_id", value_)
            )
            made_.template_id = (
                value_
                if type(value_ := take_("template_id", UNSET)) in _INT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not an integer or null or a string", "template_id", value_)
            )
            made_.template_name = (
                value_
                if type(value_ := take_("template_name", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "template_name", value_)
            )
            made_.amount = (
                value_
                if type(value_ := take_("amount", UNSET)) in _FLOAT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not a number or null or a string", "amount", value_)
            )
            made_.currency = (
                value_
                if type(value_ := take_("currency", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "currency", value_)
            )
            made_.language = (
                value_
                if type(value_ := take_("language", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "language", value_)
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
