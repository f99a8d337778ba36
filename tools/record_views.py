"""Make the views that the template of models prints, from the parsed document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from described import Described, raw
from fields import Field, constant, field_of
from openapi_python_client import schema as oai
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from types_of import ANY, type_of


@dataclass
class RecordView:
    """A record, as the template of models prints it."""

    name: str
    description: str
    fields: list[Field]
    kinds: dict[str, str]
    text_amounts: list[str]
    extra_annotation: str | None
    extra_kind: str | None

    @property
    def declared(self) -> list[Field]:
        """The fields, those without a default first."""
        return sorted(self.fields, key=lambda field: field.default is not None)

    @property
    def is_lenient(self) -> bool:
        return any(field.is_lenient for field in self.fields)

    @property
    def has_secrets(self) -> bool:
        return any(field.is_secret for field in self.fields)


def record_of(model: ModelProperty, described: Described) -> RecordView:
    """Return the view of a model."""
    schemas = described.properties(model.data)
    kinds: dict[str, str] = {}
    properties = [*(model.required_properties or []), *(model.optional_properties or [])]
    fields = [_field_of_record(prop, schemas, described, kinds) for prop in properties]
    _use_other_names(fields)
    extra, extra_kind = None, None
    if model.additional_properties:
        node = model.data.additionalProperties
        schema = described.schema(node if isinstance(node, oai.Schema | oai.Reference) else None)
        extra = type_of(model.additional_properties, schema, described)
        extra_kind = None if extra.kind == "ANYTHING" else constant(extra.kind, kinds)
        for field, prop in zip(fields, properties, strict=True):
            field.is_lenient = not prop.required and not _is_strict(field)
        if extra_kind is not None and any(field.is_lenient for field in fields):
            # Raw values of fields may stand among the further keys.
            extra = ANY
    return RecordView(
        name=model.class_info.name,
        description=raw(model.description) or raw(model.data.title) or model.class_info.name,
        fields=fields,
        kinds={code: name for code, name in kinds.items() if code != name},
        text_amounts=sorted(name for name, schema in schemas.items() if described.is_text_amount(schema)),
        extra_annotation=extra.annotation if extra else None,
        extra_kind=extra_kind,
    )


def _field_of_record(
    prop: PropertyProtocol, schemas: dict[str, oai.Schema], described: Described, kinds: dict[str, str]
) -> Field:
    own: dict[str, str] = {}
    field = field_of(prop, schemas.get(raw(prop.name), oai.Schema()), described, own)
    # The code of the kind, without the name that it has been given.
    code = next((code for code, name in own.items() if name == field.kind), field.kind)
    if is_identifier(raw(prop.name)) and code != "ANYTHING":
        code = f"identifier({code})"
    field.kind = constant(code, kinds)
    return field


def _use_other_names(fields: Sequence[Field]) -> None:
    """Write annotations with the second name of a module where a field has its first: it would hide the module."""
    names = {field.python_name for field in fields}
    for module in {"models", "uuid"} & names:
        for field in fields:
            field.annotation = re.sub(rf"\b{module}\.", f"_{module}.", field.annotation)
            field.default = field.default and re.sub(rf"^{module}\.", f"_{module}.", field.default)


def is_identifier(name: str) -> bool:
    """Say whether a key tells records apart: it is read strictly."""
    return re.fullmatch(r"(.*_)?(id|uuid)|.*(Id|Uuid|ID|UUID)", name) is not None


def _is_strict(field: Field) -> bool:
    """Say whether an optional field is read strictly. One that takes anything cannot fail."""
    return field.kind == "ANYTHING" or field.kind.startswith("_IDENTIFIER") or "Decimal" in field.annotation
