"""Work out the Python type of a schema: its annotation, its kind for reading, its default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from contract import Problem
from described import Described
from openapi_python_client import schema as oai
from openapi_python_client.parser.properties import AnyProperty, EnumProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty

# The annotation of each, and the name of its kind in templates/runtime/kinds.py.
SCALARS: dict[type[PropertyProtocol], tuple[str, str]] = {
    AnyProperty: ("Any", "ANYTHING"),
    BooleanProperty: ("bool", "BOOLEAN"),
    DateProperty: ("datetime.date", "DATE"),
    DateTimeProperty: ("datetime.datetime", "TIME"),
    FileProperty: ("File", "FILE"),
    FloatProperty: ("float", "NUMBER"),
    IntProperty: ("int", "INTEGER"),
    NoneProperty: ("None", "NULL"),
    StringProperty: ("str", "TEXT"),
    UuidProperty: ("uuid.UUID", "UUID"),
}
AMOUNT = ("Decimal", "AMOUNT")
# The names in kinds.py that make a kind of others.
CONSTRUCTORS = ("choice", "constant", "either", "list_of", "open_choice", "record", "records")
OPEN_ENUM = "x-open-enum"


class Type(NamedTuple):
    """A type as a union: annotations and kinds side by side, `None` last."""

    annotations: Sequence[str]
    kinds: Sequence[str]

    @property
    def annotation(self) -> str:
        return " | ".join(self.annotations)

    @property
    def kind(self) -> str:
        return self.kinds[0] if len(self.kinds) == 1 else f"either({', '.join(self.kinds)})"


def type_of(prop: PropertyProtocol, schema: oai.Schema, described: Described) -> Type:
    """Return the type of a property, whose schema tells amounts from other numbers and texts."""
    match prop:
        case UnionProperty():
            return _union([type_of(inner, schema, described) for inner in prop.inner_properties])
        case ListProperty():
            element = type_of(prop.inner_property, described.elements(schema), described)
            kind = f"list_of({element.kind})"
            if isinstance(prop.inner_property, ModelProperty):
                kind = _named(prop.inner_property.class_info.name, "records").kind
            return Type([f"list[{element.annotation}]"], [kind])
        case ModelProperty():
            return _named(prop.class_info.name, "record")
        case EnumProperty():
            return _enumeration(prop, schema, described)
        case ConstProperty():
            code = prop.value.python_code.as_unembedded_code()
            return Type([f"Literal[{code}]"], [f"constant({code})"])
        case FloatProperty() | IntProperty() | StringProperty() if described.is_amount(schema):
            return Type([AMOUNT[0]], [AMOUNT[1]])
    if type(prop) not in SCALARS:
        raise Problem(f"{prop.python_name}: {type(prop).__name__} is of no type that the templates know")
    annotation, kind = SCALARS[type(prop)]
    return Type([annotation], [kind])


ANY = Type(["Any"], ["ANYTHING"])


def _enumeration(prop: EnumProperty, schema: oai.Schema, described: Described) -> Type:
    closed = _named(prop.class_info.name, "choice")
    marked = [found for found in described.alternatives(schema) if (found.model_extra or {}).get(OPEN_ENUM)]
    if not marked:
        return closed
    annotation, kind = ("int", "INTEGER") if prop.value_type is int else ("str", "TEXT")
    choice = f"lambda: models.{prop.class_info.name}"
    return Type([*closed.annotations, annotation], [f"open_choice({choice}, {kind})"])


def _named(name: str, kind: str) -> Type:
    return Type([f"models.{name}"], [f"{kind}(lambda: models.{name})"])


def _union(parts: Sequence[Type]) -> Type:
    annotations = list(dict.fromkeys(name for part in parts for name in part.annotations))
    kinds = list(dict.fromkeys(kind for part in parts for kind in part.kinds))
    if "Any" in annotations:
        return Type(["Any"], ["ANYTHING"])
    return Type(_last(annotations, "None"), _last(kinds, "NULL"))


def _last(names: list[str], name: str) -> list[str]:
    """Return the names with one of them moved to the end."""
    return sorted(names, key=lambda one: one == name)


def optional(found: Type) -> Type:
    """Return a type whose key may be missing."""
    if found.kinds == ["ANYTHING"]:
        return Type(["Any", "Unset"], found.kinds)
    return Type([*found.annotations, "Unset"], [*found.kinds, "ABSENT"])


def default_of(prop: PropertyProtocol, found: Type) -> str | None:
    """Return the code of a property's default, UNSET where it may be missing, None where it is required."""
    if prop.default is None:
        return None if prop.required else "UNSET"
    if isinstance(prop, UnionProperty):
        code = prop.default.python_code
        for inner in prop.inner_properties:
            converted = inner.convert_value(prop.default.raw_value)
            if getattr(converted, "python_code", None) == code:
                return _default(inner, prop.default.raw_value, code.as_unembedded_code(), found)
    return _default(prop, prop.default.raw_value, prop.default.python_code.as_unembedded_code(), found)


def _default(prop: PropertyProtocol, raw: object, code: str, found: Type) -> str:
    if "AMOUNT" in found.kinds:
        return f"Decimal({str(raw)!r})"
    return f"models.{code}" if isinstance(prop, EnumProperty) else code


def is_flat(prop: PropertyProtocol) -> bool:
    """Say whether a value can be a keyword beside others: a scalar, or a list of scalars."""
    if isinstance(prop, ListProperty):
        return not isinstance(prop.inner_property, ListProperty) and is_flat(prop.inner_property)
    if isinstance(prop, UnionProperty):
        return all(is_flat(inner) for inner in prop.inner_properties)
    return not isinstance(prop, ModelProperty | AnyProperty | FileProperty)


def is_single(prop: PropertyProtocol) -> bool:
    """Say whether the document allows neither a list nor an object."""
    if isinstance(prop, UnionProperty):
        return all(is_single(inner) for inner in prop.inner_properties)
    return not isinstance(prop, ListProperty | ModelProperty | AnyProperty)


def instance_of(prop: PropertyProtocol) -> str:
    """Return the class that `isinstance` knows a body by. Raises Problem where there is none."""
    match prop:
        case ModelProperty() | EnumProperty():
            return f"models.{prop.class_info.name}"
        case ListProperty():
            return "list"
        case StringProperty() | FileProperty() | BooleanProperty() | IntProperty() | FloatProperty():
            return SCALARS[type(prop)][0]
    raise Problem(f"a body of {type(prop).__name__} beside others cannot be told apart: describe one only")
