"""How the success of an operation is read: by which function of templates/runtime/operations.py, and as what type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from described import raw
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.responses import Response


class ResultView(NamedTuple):
    """How the success of an operation is read, and its type."""

    expression: str
    annotation: str


def result_of(successes: Sequence[Response]) -> ResultView:
    """Return how the successes of an operation are read: as they are, where they differ."""
    found = {ResultView("NOTHING", "None") if _is_empty(one) else _result_of(one.prop) for one in successes}
    return found.pop() if len(found) == 1 else ResultView("RAW", "Any")


def _is_empty(response: Response) -> bool:
    """Say whether the document describes no content: whatever comes all the same is not looked at."""
    return first_status(response) == 204 or response.source["attribute"] == "None"


def first_status(response: Response) -> int:
    """Return the first status that an answer stands for, 0 where it stands for all others."""
    return response.status_code.range[0] if response.status_code.range else 0


def _result_of(prop: PropertyProtocol) -> ResultView:
    if isinstance(prop, UnionProperty) and _is_envelope(prop):
        return _result_of(prop.inner_properties[-1])
    if isinstance(prop, ModelProperty):
        return _result_of_object(prop)
    if isinstance(prop, ListProperty) and isinstance(prop.inner_property, ModelProperty):
        name = f"models.{prop.inner_property.class_info.name}"
        return ResultView(f"many({name})", f"list[{name}]")
    return ResultView("RAW", "Any")


def _is_envelope(union: UnionProperty) -> bool:
    """Say whether the first of two is an object with the second as `data`."""
    first, *others = union.inner_properties
    if not isinstance(first, ModelProperty) or len(others) != 1:
        return False
    inner = [prop for prop in first.required_properties or [] if prop.name == "data"]
    return bool(inner) and inner[0].get_type_string() == others[0].get_type_string()


def _result_of_object(model: ModelProperty) -> ResultView:
    name = f"models.{model.class_info.name}"
    required = [repr(raw(prop.name)) for prop in model.required_properties or []]
    others = [repr(raw(prop.name)) for prop in model.optional_properties or []]
    if repr("data") in [*required, *others]:
        return ResultView(f"page_of({name})", name)
    if required or not others:
        return ResultView(f"one({', '.join([name, *required])})", name)
    return ResultView(f"one({name}, optional=({', '.join(others)},))", name)
