# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, AMOUNT, INTEGER, NULL, TEXT, TIME, either, identifier
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_IDENTIFIER_TEXT = identifier(TEXT)
_IDENTIFIER_EITHER_INTEGER_NULL_ABSENT = identifier(either(INTEGER, NULL, ABSENT))
_IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT = identifier(either(INTEGER, TEXT, NULL, ABSENT))
_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)
_EITHER_AMOUNT_NULL_ABSENT = either(AMOUNT, NULL, ABSENT)
_EITHER_TIME_NULL_ABSENT = either(TIME, NULL, ABSENT)


@_attrs_define
class Act(OpenRecord[Any]):
    """A financial evaluation of a client, made by a template."""

    _TEXT_AMOUNTS: ClassVar[frozenset[str]] = frozenset(["amount"])

    uuid: str
    """The act's UUID."""

    client_id: int | None | Unset = UNSET
    """Number of the client that was evaluated."""

    template_id: int | str | None | Unset = UNSET
    """Identifier of the template that the act was made by."""

    template_name: str | None | Unset = UNSET
    """Name of that template."""

    amount: Decimal | None | Unset = UNSET
    """The amount evaluated, in major units of `currency`; a number, a decimal text, or null."""

    currency: str | None | Unset = UNSET
    """The currency of `amount`, three letters (ISO 4217)."""

    language: str | None | Unset = UNSET
    """The language of the act. Any value may come."""

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
            "uuid": self.uuid,
            "client_id": self.client_id,
            "template_id": self.template_id,
            "template_name": self.template_name,
            "amount": self.amount,
            "currency": self.currency,
            "language": self.language,
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
        value = take("uuid", MISSING)
        made.uuid = value if type(value) in _IDENTIFIER_TEXT.kept else _IDENTIFIER_TEXT.read(value, "uuid")
        value = take("client_id", UNSET)
        made.client_id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_NULL_ABSENT.kept
            else _IDENTIFIER_EITHER_INTEGER_NULL_ABSENT.read(value, "client_id")
        )
        value = take("template_id", UNSET)
        made.template_id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.kept
            else _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.read(value, "template_id")
        )
        value = take("template_name", UNSET)
        made.template_name = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "template_name", rest)
        )
        value = take("amount", UNSET)
        made.amount = (
            value
            if type(value) in _EITHER_AMOUNT_NULL_ABSENT.kept
            else _EITHER_AMOUNT_NULL_ABSENT.read(value, "amount")
        )
        value = take("currency", UNSET)
        made.currency = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "currency", rest)
        )
        value = take("language", UNSET)
        made.language = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "language", rest)
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
