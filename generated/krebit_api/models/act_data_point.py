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

_BOOL_OR_NONE_OR_UNSET = kinds("bool", "None", "Unset")
_INT_OR_NONE_OR_STR_OR_UNSET = kinds("int", "None", "str", "Unset")
_INT_OR_NONE_OR_UNSET = kinds("int", "None", "Unset")
_INT_OR_STR = kinds("int", "str")
_NONE_OR_STR_OR_UNSET = kinds("None", "str", "Unset")


@_attrs_define
class ActDataPoint:
    """The value entered for one field of the act's template."""

    id: int | str
    """The data point's identifier."""

    template_field_id: int | None | str | Unset = UNSET
    """Identifier of the template's field that this value belongs to."""

    name: None | str | Unset = UNSET
    """The field's name, as people see it."""

    type_: None | str | Unset = UNSET
    """The kind of the field, which says how to read `value`. Any value may come."""

    required: bool | None | Unset = UNSET
    """Whether the field must be filled in."""

    section_id: int | None | str | Unset = UNSET
    """Identifier of the section that shows the field."""

    tab_id: int | None | str | Unset = UNSET
    """Identifier of the tab that shows the section."""

    order: int | None | Unset = UNSET
    """Position of the field in its section, ascending."""

    value: Any | Unset = UNSET
    """What was entered, any JSON."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        fields_["id"] = self.id
        if self.template_field_id is not UNSET:
            fields_["template_field_id"] = self.template_field_id
        if self.name is not UNSET:
            fields_["name"] = self.name
        if self.type_ is not UNSET:
            fields_["type"] = self.type_
        if self.required is not UNSET:
            fields_["required"] = self.required
        if self.section_id is not UNSET:
            fields_["section_id"] = self.section_id
        if self.tab_id is not UNSET:
            fields_["tab_id"] = self.tab_id
        if self.order is not UNSET:
            fields_["order"] = self.order
        if self.value is not UNSET:
            fields_["value"] = self.value
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "id": self.id,
            "template_field_id": plain(self.template_field_id),
            "name": plain(self.name),
            "type": plain(self.type_),
            "required": plain(self.required),
            "section_id": plain(self.section_id),
            "tab_id": plain(self.tab_id),
            "order": plain(self.order),
            "value": plain(self.value),
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
                value_
                if type(value_ := take_("id")) in _INT_OR_STR
                else refuse("not an integer or a string", "id", value_)
            )
            made_.template_field_id = (
                value_
                if type(value_ := take_("template_field_id", UNSET)) in _INT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not an integer or null or a string", "template_field_id", value_)
            )
            made_.name = (
                value_
                if type(value_ := take_("name", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "name", value_)
            )
            made_.type_ = (
                value_
                if type(value_ := take_("type", UNSET)) in _NONE_OR_STR_OR_UNSET
                else refuse("not null or a string", "type", value_)
            )
            made_.required = (
                value_
                if type(value_ := take_("required", UNSET)) in _BOOL_OR_NONE_OR_UNSET
                else refuse("not a boolean or null", "required", value_)
            )
            made_.section_id = (
                value_
                if type(value_ := take_("section_id", UNSET)) in _INT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not an integer or null or a string", "section_id", value_)
            )
            made_.tab_id = (
                value_
                if type(value_ := take_("tab_id", UNSET)) in _INT_OR_NONE_OR_STR_OR_UNSET
                else refuse("not an integer or null or a string", "tab_id", value_)
            )
            made_.order = (
                value_
                if type(value_ := take_("order", UNSET)) in _INT_OR_NONE_OR_UNSET
                else refuse("not an integer or null", "order", value_)
            )
            made_.value = take_("value", UNSET)
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
