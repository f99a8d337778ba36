"""Read `openapi.yaml`: its operations, schemas and references, and the way to each of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Problem(Exception):
    """Something that is wrong with the document, the configuration or the tools, in words."""


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    tags: list[str]
    body: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.method.upper()} {self.path}"


def load(path: Path) -> dict[str, Any]:
    """Return the document. Raises Problem where it cannot be read, with the line."""
    try:
        document = YAML(typ="safe").load(path)
    except FileNotFoundError:
        raise Problem(f"{path}: no such file") from None
    except YAMLError as error:
        raise Problem(f"{path}: not YAML: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise Problem(f"{path}: not an OpenAPI document: no `paths`")
    return document


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Yield every operation under `paths`, in the order of the document. Webhooks are no operations of ours."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if isinstance(body := (item or {}).get(method), dict):
                yield Operation(body.get("operationId", ""), method, path, body.get("tags") or [], body)


def resolve(document: dict[str, Any], node: Any) -> Any:
    """Return the target of a local `$ref`, or the node itself. Raises Problem."""
    seen: set[str] = set()
    while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
        if reference in seen:
            raise Problem(f"$ref {reference}: points at itself")
        seen.add(reference)
        if not reference.startswith("#/"):
            raise Problem(f"$ref {reference}: only references within the document are read")
        target: Any = document
        for part in reference[2:].split("/"):
            try:
                target = target[part.replace("~1", "/").replace("~0", "~")]
            except (KeyError, TypeError):
                raise Problem(f"$ref {reference}: points at nothing") from None
        node = target
    return node


def nodes(node: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of a document with the way to it, but none within examples and default values."""
    if isinstance(node, dict):
        yield where.lstrip("."), node
        for key, part in node.items():
            if key not in ("default", "example", "examples"):
                yield from nodes(part, f"{where}.{key}")
    elif isinstance(node, list):
        for index, part in enumerate(node):
            yield from nodes(part, f"{where}[{index}]")


def schemas(node: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a schema and all schemas inside it, with the way to each."""
    if not isinstance(node, dict):
        return
    yield where, node
    for name, inner in (node.get("properties") or {}).items():
        yield from schemas(inner, f"{where}.{name}")
    for keyword in ("items", "additionalProperties"):
        yield from schemas(node.get(keyword), f"{where}.{keyword}")
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for index, inner in enumerate(node.get(keyword, [])):
            yield from schemas(inner, f"{where}.{keyword}[{index}]")


def component_schemas(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schemas that have a name."""
    named: dict[str, dict[str, Any]] = document.get("components", {}).get("schemas", {})
    return named


def carriers(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield kind, way and node of operations, parameters, headers, bodies and answers, but no references."""
    for kind, where, node in [*_in_operations(document), *_in_components(document)]:
        if "$ref" in node:
            continue
        yield kind, where, node
        if kind == "answer":
            for name, header in node.get("headers", {}).items():
                if "$ref" not in header:
                    yield "header", f"{where} header {name}", header


def _in_operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in [*document["paths"].items(), *document.get("webhooks", {}).items()]:
        for method in METHODS:
            if not isinstance(operation := item.get(method), dict):
                continue
            where = f"{method.upper()} {path}"
            yield "operation", where, operation
            for parameter in operation.get("parameters", []):
                yield "parameter", f"{where} parameter {parameter.get('name')}", parameter
            if "requestBody" in operation:
                yield "body", f"{where} body", operation["requestBody"]
            for status, answer in operation.get("responses", {}).items():
                yield "answer", f"{where} {status}", answer


def _in_components(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    sections = {"parameters": "parameter", "headers": "header", "responses": "answer", "securitySchemes": "scheme"}
    for section, kind in sections.items():
        for name, node in document.get("components", {}).get(section, {}).items():
            yield kind, f"components.{section}.{name}", node
