# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..kinds import ABSENT, ANYTHING, BOOLEAN, INTEGER, NULL, TEXT, either, identifier
from ..leniency import read_or_keep
from ..records import OpenRecord, members
from ..scalars import MISSING, UNSET, Unset

_IDENTIFIER_EITHER_INTEGER_TEXT = identifier(either(INTEGER, TEXT))
_IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT = identifier(either(INTEGER, TEXT, NULL, ABSENT))
_EITHER_TEXT_NULL_ABSENT = either(TEXT, NULL, ABSENT)
_EITHER_BOOLEAN_NULL_ABSENT = either(BOOLEAN, NULL, ABSENT)
_EITHER_INTEGER_NULL_ABSENT = either(INTEGER, NULL, ABSENT)


@_attrs_define
class ActDataPoint(OpenRecord[Any]):
    """The value entered for one field of the act's template."""

    id: int | str
    """The data point's identifier."""

    template_field_id: int | str | None | Unset = UNSET
    """Identifier of the template's field that this value belongs to."""

    name: str | None | Unset = UNSET
    """The field's name, as people see it."""

    type_: str | None | Unset = UNSET
    """The kind of the field, which says how to read `value`. Any value may come."""

    required: bool | None | Unset = UNSET
    """Whether the field must be filled in."""

    section_id: int | str | None | Unset = UNSET
    """Identifier of the section that shows the field."""

    tab_id: int | str | None | Unset = UNSET
    """Identifier of the tab that shows the section."""

    order: int | None | Unset = UNSET
    """Position of the field in its section, ascending."""

    value: Any | Unset = UNSET
    """The value that was entered, any JSON."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Keys that the document does not name, and raw values of optional fields that could not be read."""

    def _fields(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "template_field_id": self.template_field_id,
            "name": self.name,
            "type": self.type_,
            "required": self.required,
            "section_id": self.section_id,
            "tab_id": self.tab_id,
            "order": self.order,
            "value": self.value,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        rest = src_dict.copy() if type(src_dict) is dict else members(src_dict)
        take = rest.pop
        # Without __init__, which would take as long as all the rest.
        made = cls.__new__(cls)
        value = take("id", MISSING)
        made.id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_TEXT.kept
            else _IDENTIFIER_EITHER_INTEGER_TEXT.read(value, "id")
        )
        value = take("template_field_id", UNSET)
        made.template_field_id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.kept
            else _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.read(value, "template_field_id")
        )
        value = take("name", UNSET)
        made.name = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "name", rest)
        )
        value = take("type", UNSET)
        made.type_ = (
            value
            if type(value) in _EITHER_TEXT_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_TEXT_NULL_ABSENT, value, "type", rest)
        )
        value = take("required", UNSET)
        made.required = (
            value
            if type(value) in _EITHER_BOOLEAN_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_BOOLEAN_NULL_ABSENT, value, "required", rest)
        )
        value = take("section_id", UNSET)
        made.section_id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.kept
            else _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.read(value, "section_id")
        )
        value = take("tab_id", UNSET)
        made.tab_id = (
            value
            if type(value) in _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.kept
            else _IDENTIFIER_EITHER_INTEGER_TEXT_NULL_ABSENT.read(value, "tab_id")
        )
        value = take("order", UNSET)
        made.order = (
            value
            if type(value) in _EITHER_INTEGER_NULL_ABSENT.kept
            else read_or_keep(cls, _EITHER_INTEGER_NULL_ABSENT, value, "order", rest)
        )
        value = take("value", UNSET)
        made.value = value if type(value) in ANYTHING.kept else ANYTHING.read(value, "value")
        made.additional_properties = rest
        return made
