"""What a document may not hold, all of it in one list: each with its place and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import content_types
import enumerations
import names
import parameters
from contract import Problem, nodes, operations, resolve, traps
from openapi_python_client.schema import OpenAPI
from pydantic import ValidationError


def refused(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that would be generated wrongly or not at all."""
    unreadable = [*_malformed(document), *_broken_references(document)]
    yield from unreadable
    if unreadable:
        # The checks below expect the shapes of OpenAPI, and follow references.
        return
    yield from traps(document)
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
