"""A field of a record, or a parameter of an operation, as the templates print it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from described import Described, is_secret, raw
from openapi_python_client import schema as oai
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from types_of import default_of, optional, type_of


@dataclass
class Field:
    """A field of a record, or a parameter of an operation."""

    key: str
    python_name: str
    annotation: str
    kind: str
    default: str | None
    description: str
    is_required: bool
    is_secret: bool
    is_lenient: bool = False
    # The code that says how a parameter is written, where that is not usual in its place.
    styled: str = ""

    @property
    def declaration(self) -> str:
        """The code behind the annotation: the default, and for a secret that a repr leaves it out."""
        if self.is_secret:
            default = f"default={self.default}, " if self.default else ""
            return f" = _attrs_field({default}repr=False)"
        return f" = {self.default}" if self.default else ""


def field_of(prop: PropertyProtocol, schema: oai.Schema, described: Described, kinds: dict[str, str]) -> Field:
    """Return the view of a field. `kinds` gets what has to be named."""
    found = type_of(prop, schema, described)
    default = default_of(prop, found)
    whole = found if prop.required else optional(found)
    return Field(
        key=repr(raw(prop.name)),
        python_name=prop.python_name,
        annotation=whole.annotation,
        kind=constant(whole.kind, kinds),
        default=default,
        description=raw(prop.description),
        is_required=prop.required,
        is_secret=is_secret(schema),
    )


def constant(code: str, kinds: dict[str, str]) -> str:
    """Return the name of a kind in the module, and note what has to be named."""
    if code.isidentifier():
        return code
    words = re.sub(r"lambda|models|\W+", " ", code).split()
    return kinds.setdefault(code, "_" + "_".join(words).upper())
