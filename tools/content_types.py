"""Media types of the document, and what the generator is given in their place.

The generator knows JSON, forms, text and octet-stream, and reads the first of an answer's media types that it knows.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from contract import METHODS, resolve

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_BINARY = "application/octet-stream"


def bare(media_type: str) -> str:
    """Return a media type in lower case without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def source_of(media_type: str) -> str:
    """Return the form in which a body is read, as `source_of` of templates/runtime/results.py does."""
    name = bare(media_type)
    if name == JSON or name.endswith("+json"):
        return "json"
    return "text" if name.startswith("text/") else "bytes"


def is_raw(media_type: str) -> bool:
    """Say whether a body of this media type is sent as the user gives it."""
    return source_of(media_type) != "json" and bare(media_type) not in (FORM, MULTIPART)


def contents(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield "body" or "answer", the place and the node of each body and answer that has content."""
    components = document.get("components", {})
    for name, node in components.get("requestBodies", {}).items():
        yield "body", f"components.requestBodies.{name}", node
    for name, node in components.get("responses", {}).items():
        yield "answer", f"components.responses.{name}", node
    for path, item in document["paths"].items():
        for method in METHODS:
            operation = (item or {}).get(method)
            if not isinstance(operation, dict):
                continue
            where = f"{method.upper()} {path}"
            if isinstance(operation.get("requestBody"), dict):
                yield "body", f"{where} body", operation["requestBody"]
            for status, node in operation.get("responses", {}).items():
                yield "answer", f"{where} {status}", node


def overrides(document: dict[str, Any]) -> dict[str, str]:
    """Return `content_type_overrides` for the generator: bytes for each media type that is neither JSON nor a form."""
    found = {name for _, _, node in contents(document) for name in node.get("content") or {}}
    return {name: _BINARY for name in sorted(found) if is_raw(name)}


def prepared(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy for the generator: JSON first in each answer, and a schema for each media type."""
    made = copy.deepcopy(document)
    for kind, _, node in contents(made):
        given = node.get("content")
        if not given:
            continue
        for media_type, described in given.items():
            given[media_type] = {**(described or {}), "schema": _schema(media_type, described or {})}
        if kind == "answer":
            node["content"] = dict(sorted(given.items(), key=lambda one: source_of(one[0]) != "json"))
    return made


def _schema(media_type: str, described: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = described.get("schema", {})
    if not is_raw(media_type):
        return schema
    binary = {"type": "string", "format": "binary"}
    return binary | {key: schema[key] for key in ("description",) if key in schema}


def refused(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each body and answer that cannot be told apart or written, with what to write instead."""
    for kind, where, node in contents(document):
        given = node.get("content") or {}
        if kind == "answer":
            schemas = [media.get("schema") for name, media in given.items() if source_of(name) == "json"]
            if any(schema != schemas[0] for schema in schemas):
                yield f"{where}: several kinds of JSON with different schemas; describe one"
            continue
        if len([name for name in given if is_raw(name)]) > 1:
            yield f"{where}: {', '.join(given)} cannot be told apart by what is given; describe one"
        for name, media in given.items():
            yield from _refused_body(document, f"{where} {name}", name, media or {})


def _refused_body(document: dict[str, Any], where: str, name: str, media: dict[str, Any]) -> Iterator[str]:
    if "*" in name:
        yield f"{where}: a range of types cannot be sent; name one, such as application/octet-stream"
    if bare(name) not in (FORM, MULTIPART):
        return
    if "encoding" in media:
        yield f"{where}: `encoding` is not obeyed; leave it out"
    schema = resolve(document, media.get("schema", {}))
    properties = schema.get("properties") or {}
    if not properties and "allOf" not in schema:
        yield f"{where}: a form has named fields; write a schema with properties"
    for key, property_node in properties.items():
        if bare(name) == FORM and _holds_objects(document, property_node):
            yield f"{where}: {key} is an object, which a form of this type cannot hold; describe it as JSON"


def _holds_objects(document: dict[str, Any], node: Any) -> bool:
    schema = resolve(document, node)
    if not isinstance(schema, dict):
        return False
    parts = [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", []), schema.get("items")]
    types = schema.get("type")
    is_object = "object" in types if isinstance(types, list) else types == "object"
    return is_object or "properties" in schema or any(_holds_objects(document, part) for part in parts)
