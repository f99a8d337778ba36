"""List all that a document may not hold, each with its place and what to write instead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import content_types
import enumerations
import names
import parameters
from contract import Operation, Problem, nodes, operations, resolve
from openapi_python_client.schema import OpenAPI
from pydantic import ValidationError

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LOWER_CASE = re.compile(r"[a-z][a-z0-9_]*")
# An operation of one of these names would be hidden by the method that `krebit.Krebit` has under it.
TAKEN_OPERATIONS = {
    "close",
    "finish_login",
    "from_env",
    "is_signed_in",
    "login",
    "logout",
    "request",
    "start_login",
    "with_hooks",
    "with_options",
    "with_profile",
    "with_raw_response",
    "with_sink",
}


def refused(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that would be generated wrongly or not at all."""
    unreadable = [*_malformed(document), *_broken_references(document)]
    yield from unreadable
    if unreadable:
        # The checks below expect the shapes of OpenAPI, and follow references.
        return
    yield from _lost_without_a_warning(document)
    yield from names.refused(document)
    yield from enumerations.refused(document)
    yield from content_types.refused(document)
    for operation in operations(document):
        yield from parameters.refused(document, operation)


def _malformed(document: dict[str, Any]) -> Iterator[str]:
    try:
        OpenAPI.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
            yield f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _broken_references(document: dict[str, Any]) -> Iterator[str]:
    for where, node in nodes(document):
        try:
            resolve(document, node)
        except Problem as problem:
            yield f"{where}: {problem}; name a part of the document"


def _lost_without_a_warning(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that openapi-python-client drops, renames or breaks without a warning."""
    for path, item in document["paths"].items():
        if "$ref" in (item or {}):
            yield f"{path}: a path item with $ref: the generator drops its operations; write them here"
    known = list(operations(document))
    for identifier, times in Counter(operation.id for operation in known).items():
        if times > 1:
            places = ", ".join(operation.where for operation in known if operation.id == identifier)
            yield f"operationId {identifier or '(none)'} is used {times} times: {places}; each needs one of its own"
    for operation in known:
        yield from _operation_problems(operation)
    if "jsonSchemaDialect" in document:
        yield "jsonSchemaDialect: makes some servers skip the validation of bodies; leave it out"


def _operation_problems(operation: Operation) -> Iterator[str]:
    if not SNAKE_CASE.fullmatch(operation.id):
        yield f"{operation.where}: operationId {operation.id!r} is not in snake_case; write it so, such as list_acts"
    if operation.id in TAKEN_OPERATIONS:
        yield (
            f"{operation.where}: operationId {operation.id!r} is a method of Krebit already; "
            "write another: it is never sent"
        )
    if len(operation.tags) != 1 or not LOWER_CASE.fullmatch(str(operation.tags[0])):
        yield f"{operation.where}: needs exactly one tag, in lower case"
    if "security" not in operation.body:
        yield f"{operation.where}: needs its own `security`, or it is generated as open to anybody; write [] if it is"
