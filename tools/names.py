"""Names that cannot all be had in Python: two that become one, and those that the generated code needs itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from contract import component_schemas, operations, schemas
from openapi_python_client.strings import ClassName, PythonIdentifier

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
PREFIX = "field_"
# Classes that users import beside the records.
OTHER_CLASSES = {"AuthenticatedClient", "Client", "HTTPStatus", "Response"}


def refused(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each name that cannot be served, with its place and what to write instead."""
    yield from _operations(document)
    yield from _schemas(document)
    yield from _properties(document)


def _operations(document: dict[str, Any]) -> Iterator[str]:
    taken = imported_names("api_init.py.jinja")
    for operation in operations(document):
        for kind, name in [("operationId", operation.id), *(("tag", tag) for tag in operation.tags)]:
            if name in taken or (name and PythonIdentifier(name, prefix=PREFIX).rstrip("_") != name):
                yield (
                    f"{operation.where}: {kind} {name!r} is a word of Python, or a name that the generated code needs; "
                    f"write another, such as {name}_{'operations' if kind == 'tag' else 'now'}: it is never sent"
                )


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
    for name, schema in component_schemas(document).items():
        for where, inner in schemas(schema, name):
            for first, second, python_name in collisions(inner.get("properties") or {}):
                yield (
                    f"schema {where}: properties {first!r} and {second!r} would both be {python_name!r} in Python; "
                    "leave one out: it comes as a key of `additional_properties`"
                )


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
