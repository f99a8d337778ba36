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
    read_one,
    refuse,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..models.validation_errors_errors import ValidationErrorsErrors


_STR_OR_UNSET = kinds("str", "Unset")


@_attrs_define
class ValidationErrors:
    """What was refused, field by field."""

    message: str | Unset = UNSET
    """The first error in words."""

    errors: ValidationErrorsErrors | Unset = UNSET
    """The errors of each field, by its name."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """What the server sent beside."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the keys that are UNSET."""
        fields_: dict[str, Any] = {}
        fields_.update(self.additional_properties)
        if self.message is not UNSET:
            fields_["message"] = self.message
        errors: dict[str, Any] | Unset = UNSET
        if not isinstance(self.errors, Unset):
            errors = self.errors.to_dict()
        if errors is not UNSET:
            fields_["errors"] = errors
        return fields_

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: numbers that may be money as `Decimal`, times as `datetime`, None for what is missing."""
        return {
            "message": plain(self.message),
            "errors": plain(self.errors),
            **self.additional_properties,
        }

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises Mismatch, a ValueError, that names the field which has another shape."""
        from ..models.validation_errors_errors import ValidationErrorsErrors

        try:
            rest_ = {**src_dict}
            take_ = rest_.pop
            # Without __init__, which would take as long as all the rest.
            made_ = cls.__new__(cls)
            made_.message = (
                value_
                if type(value_ := take_("message", UNSET)) in _STR_OR_UNSET
                else refuse("not a string", "message", value_)
            )
            made_.errors = (
                value_
                if (value_ := take_("errors", UNSET)) is UNSET
                else read_one(ValidationErrorsErrors.from_dict, value_, "errors")
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
