"""Look up the document's own words for parsed parts: schemas behind references, secrets, amounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract import Operation, operations, resolve
from openapi_python_client import schema as oai
from openapi_python_client.schema.untrusted_string import UntrustedString
from parameters import Parameter, parameters, python_names

Node = oai.Schema | oai.Reference


class Described:
    """A document whose schemas are looked up."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def schema(self, node: Node | None) -> oai.Schema:
        """Return the schema behind a reference, the schema itself, or an empty one for nothing."""
        if isinstance(node, oai.Reference):
            found = resolve(self.document, {"$ref": node.ref.get_untrusted_value()})
            return oai.Schema.model_validate(found)
        return node or oai.Schema()

    def properties(self, schema: oai.Schema) -> dict[str, oai.Schema]:
        """Return the properties of an object by name, those of the parts of `allOf` included."""
        found: dict[str, oai.Schema] = {}
        for part in schema.allOf:
            found |= self.properties(self.schema(part))
        for name, node in (schema.properties or {}).items():
            found[name.get_untrusted_value()] = self.schema(node)
        return found

    def body(self, operation_id: str, media_type: str) -> oai.Schema:
        """Return the schema of an operation's body of a media type, empty where there is none."""
        body = resolve(self.document, self.operation(operation_id).body.get("requestBody", {}))
        media = body.get("content", {}).get(media_type, {})
        return oai.Schema.model_validate(resolve(self.document, media.get("schema", {})))

    def operation(self, operation_id: str) -> Operation:
        """Return an operation by its name."""
        return next(known for known in operations(self.document) if known.id == operation_id)

    def parameters(self, operation_id: str) -> dict[str, tuple[Parameter, oai.Schema]]:
        """Return an operation's parameters, and the schema of each, by their names in Python."""
        known = parameters(self.document, self.operation(operation_id))
        names = python_names(known)
        return {
            names[one.place, one.name]: (one, oai.Schema.model_validate(resolve(self.document, one.schema)))
            for one in known
        }

    def alternatives(self, schema: oai.Schema) -> Iterator[oai.Schema]:
        """Yield a schema and every schema that a value may follow in its place."""
        yield schema
        for part in [*schema.anyOf, *schema.oneOf, *schema.allOf]:
            yield from self.alternatives(self.schema(part))

    def elements(self, schema: oai.Schema) -> oai.Schema:
        """Return the schema of a list's elements, empty where there is none."""
        for found in self.alternatives(schema):
            if found.items is not None:
                return self.schema(found.items)
        return oai.Schema()

    def is_amount(self, schema: oai.Schema) -> bool:
        """Say whether a value may be an amount: marked with `format: decimal`."""
        return any(found.schema_format == "decimal" for found in self.alternatives(schema))

    def is_text_amount(self, schema: oai.Schema) -> bool:
        """Say whether amounts in this place, or in a list there, may be sent as text."""
        elements = self.elements(schema)
        if self.is_amount(elements):
            return self.is_text_amount(elements)
        types = {name for found in self.alternatives(schema) for name in _types(found)}
        return self.is_amount(schema) and oai.DataType.STRING in types


def _types(schema: oai.Schema) -> list[oai.DataType]:
    if isinstance(schema.type, list):
        return schema.type
    return [schema.type] if schema.type else []


def is_secret(schema: oai.Schema) -> bool:
    """Say whether a value must not be shown: a password, or marked with `x-secret`."""
    return schema.schema_format == "password" or bool((schema.model_extra or {}).get("x-secret"))


def raw(text: UntrustedString | str | None) -> str:
    """Return a text of the document as a str, empty where there is none."""
    return text.get_untrusted_value() if isinstance(text, UntrustedString) else text or ""
