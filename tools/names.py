"""Names that cannot all be had in Python: two that become one, and those that the generated code needs itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from content_types import contents
from contract import component_schemas, operations, resolve, schemas
from openapi_python_client.strings import ClassName, PythonIdentifier
from parameters import parameters

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
PREFIX = "field_"
# Classes that users import beside the records.
OTHER_CLASSES = {"AuthenticatedClient", "Client", "HTTPStatus", "Response"}
# A property of one of these names would hide the method that every model has under it, or be hidden by it.
TAKEN_PROPERTIES = {"additional_keys", "additional_properties", "from_dict", "to_dict", "to_multipart", "to_row"}


def refused(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each name that cannot be served, with its place and what to write instead."""
    yield from _operations(document)
    yield from _schemas(document)
    yield from _properties(document)


def _operations(document: dict[str, Any]) -> Iterator[str]:
    taken = imported_names("api_init.py.jinja")
    for operation in operations(document):
        for kind, name in [("operationId", operation.id), *(("tag", tag) for tag in operation.tags)]:
            python_name = str(PythonIdentifier(name, prefix=PREFIX)) if name else ""
            if python_name != name or name in taken:
                yield (
                    f"{operation.where}: {kind} {name!r} is a word of Python, or a name that the generated code needs; "
                    f"write another, such as {_other(python_name, kind)}: it is never sent"
                )


def _other(python_name: str, kind: str) -> str:
    return python_name.rstrip("_") + ("_operations" if kind == "tag" else "_now")


def _schemas(document: dict[str, Any]) -> Iterator[str]:
    taken = imported_names("model.py.jinja") | OTHER_CLASSES
    by_module: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, schema in component_schemas(document).items():
        title = schema.get("title")
        class_name = ClassName(str(title or name), PREFIX)
        where = f"schema {name}" if not title else f"schema {name}, title {title!r}"
        by_module[PythonIdentifier(class_name, PREFIX).casefold()].append((where, class_name))
        if class_name in taken:
            yield f"{where}: shadows the generated class of that name; rename the schema: its name is never sent"
    for named in by_module.values():
        if len(named) > 1:
            places = " and ".join(f"{where} ({class_name})" for where, class_name in named)
            yield f"{places}: differ in case or signs only, so they would share a module; rename one: it is never sent"


def _properties(document: dict[str, Any]) -> Iterator[str]:
    remedy = "leave it out: it comes as a key of `additional_properties`"
    for where, schema in _described(document):
        names = list(dict.fromkeys(_property_names(document, schema)))
        for first, second, python_name in collisions(names):
            yield f"{where}: properties {first!r} and {second!r} would both be {python_name!r} in Python; {remedy}"
        for name in schema.get("properties") or {}:
            if PythonIdentifier(str(name), prefix=PREFIX) in TAKEN_PROPERTIES:
                yield f"{where}: property {name!r} is a method of every model already; {remedy}"


def _described(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of the document with its place, those without a name included."""
    roots: list[tuple[str, Any]] = [(f"schema {name}", schema) for name, schema in component_schemas(document).items()]
    for _, where, node in contents(document):
        roots += [
            (f"{where} {kind}", (media or {}).get("schema")) for kind, media in (node.get("content") or {}).items()
        ]
    for operation in operations(document):
        roots += [(parameter.where, parameter.schema) for parameter in parameters(document, operation)]
    for where, root in roots:
        yield from schemas(root, where)


def _property_names(document: dict[str, Any], node: Any, seen: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the properties of a schema and of the parts of its `allOf`, which become one record."""
    schema = resolve(document, node)
    if not isinstance(schema, dict) or id(schema) in seen:
        return
    yield from schema.get("properties") or {}
    for part in schema.get("allOf", []):
        yield from _property_names(document, part, (*seen, id(schema)))


def collisions(names: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield each two names that become one in Python, and that one."""
    known: dict[str, str] = {}
    for name in names:
        python_name = str(PythonIdentifier(str(name), prefix=PREFIX))
        if python_name in known:
            yield known[python_name], name, python_name
        known.setdefault(python_name, name)


def imported_names(template: str) -> set[str]:
    """Return the names that a template imports: a class or a function of that name would hide one."""
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    lines = re.findall(r"^(?:from \S+ )?import (.+)$", text, re.MULTILINE)
    return {name.split(" as ")[-1].strip() for line in lines for name in line.split(",")}
