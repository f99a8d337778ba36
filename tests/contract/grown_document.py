"""A document that has grown: the parts in tests/contract/grown, one operation for each feature, each with its calls.

A part is a YAML file with `schemas`, which go to the components, and `operations` by name. An operation has its method
with a path below /api/1.0/grown, `parameters`, `requestBody` and `responses` as in OpenAPI (without responses it
answers what it was asked), and `calls`:

    arguments  the code between the brackets of the call
    target     the path with its query, as the server must see it, below /api/1.0/grown
    headers    headers that it must see; null for one that must not be there
    body       the text that it must see as the body
    refused    the text of the ConfigurationError, in place of a request
    answer     what the server answers instead: `json`, or `text` and `type`; `status`
    value      an expression that must hold, in which `value` is the result
    error      an expression that must hold, in which `error` is the KrebitError
    type       the result's type in Python, for type checkers
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PARTS = Path(__file__).with_name("grown")
PREFIX = "/api/1.0/grown"
METHODS = ("get", "put", "post", "delete", "patch")
ECHO = {
    "type": "object",
    "required": ["method", "target", "headers", "body"],
    "properties": {
        "method": {"type": "string"},
        "target": {"type": "string"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "body": {"type": "string"},
    },
}


def parts() -> list[dict[str, Any]]:
    """Return every part."""
    return [YAML(typ="safe").load(path) for path in sorted(PARTS.glob("*.yaml"))]


def operations() -> dict[str, dict[str, Any]]:
    """Return every operation of every part by name."""
    return {name: node for part in parts() for name, node in part["operations"].items()}


def described(name: str, node: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and the operation as OpenAPI has it."""
    method = next(method for method in METHODS if method in node)
    echo = {"200": {"description": "An echo.", "content": json_of({"$ref": "#/components/schemas/Echo"})}}
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": f"Call {name}.",
        "tags": ["grown"],
        "security": [{"oauth2": []}],
        "responses": node.get("responses", echo),
        **{key: node[key] for key in ("parameters", "requestBody") if key in node},
    }
    return method, PREFIX + node[method], operation


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def grow(document: dict[str, Any]) -> None:
    """Add all parts to a document."""
    schemas = document["components"]["schemas"]
    schemas["Echo"] = copy.deepcopy(ECHO)
    for part in parts():
        schemas.update(part.get("schemas", {}))
    for name, node in operations().items():
        method, path, operation = described(name, node)
        document["paths"].setdefault(path, {})[method] = operation


def calls() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each call with the name of its operation."""
    for name, node in operations().items():
        for call in node["calls"]:
            yield name, call


PROGRAM = """
import datetime
import uuid
from decimal import Decimal
from io import BytesIO
from typing import Any, assert_type

from krebit_api import models
from krebit_api.api import AsyncOperations, Operations
from krebit_api.models import *
from krebit_api.types import UNSET, File


def use(api: Operations) -> None:
{blocking}


async def use_async(api: AsyncOperations) -> None:
{awaited}
"""


def program() -> str:
    """Return a program that makes every call, for type checkers."""
    lines: dict[str, list[str]] = {"": [], "await ": []}
    for awaited, found in lines.items():
        for name, call in calls():
            made = f"{awaited}api.{name}({call.get('arguments', '')})"
            if "type" in call:
                found.append(f"assert_type({made}, {call['type']})")
            elif "refused" not in call:
                found.append(made)
    return PROGRAM.format(
        blocking="\n".join(f"    {line}" for line in lines[""]),
        awaited="\n".join(f"    {line}" for line in lines["await "]),
    )
