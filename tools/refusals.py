"""What a document may not hold, all of it in one list: each with its place and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import content_types
import enumerations
import names
import parameters
from contract import operations, traps
from openapi_python_client.schema import OpenAPI
from pydantic import ValidationError


def refused(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that would be generated wrongly or not at all."""
    malformed = list(_malformed(document))
    yield from malformed
    if malformed:
        # The checks below expect the shapes of OpenAPI.
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
