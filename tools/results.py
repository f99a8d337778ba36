"""Find how the successes of an operation are read: the function of templates/runtime/results.py, and the type."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from content_types import JSON, bare, source_of
from described import Described, raw
from openapi_python_client import schema as oai
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.responses import Response, Responses
from types_of import AMOUNT, CONSTRUCTORS, SCALARS, Type, type_of

# Names that the code of a result may use: of kinds.py, and of results.py beside those that are always imported.
KINDS = {name for _, name in SCALARS.values()} | {AMOUNT[1], *CONSTRUCTORS}
READERS = {"Choice", "as_media_type", "binary", "text"}
# Those that a parameter could hide: they are imported under a name that no parameter has.
HIDDEN = {name for name in KINDS | READERS if name.islower()}


class ResultView(NamedTuple):
    """How the success of an operation is read, its type, and the value of `Accept` where it is not plain JSON."""

    expression: str
    annotation: str
    accept: str = ""


class _Renamed(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(imported_as(node.id), node.ctx)


def imported_as(name: str) -> str:
    """Return the name under which the two classes of operations import one of KINDS or READERS."""
    return f"_{name}" if name in HIDDEN else name


def names_in(expression: str) -> set[str]:
    """Return the names that the code of a result uses."""
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


class Content(NamedTuple):
    """A body that an answer may have: its media type, the form in which it is read, its type, and its reader."""

    media_type: str
    source: str
    type: Type
    result: ResultView


NOTHING = Content("", "nothing", Type(["None"], ["NULL"]), ResultView("NOTHING", "None"))


def contents_of(response: Response, described: Described) -> list[Content]:
    """Return the bodies that an answer may have: nothing where none is described, whatever comes all the same."""
    given = response.data.content if isinstance(response.data, oai.Response) else None
    if not given or first_status(response) in (204, 205):
        return [NOTHING]
    return [
        _content(name.get_untrusted_value(), response.prop, described.schema(media.media_type_schema), described)
        for name, media in given.items()
    ]


def _content(media_type: str, prop: PropertyProtocol, schema: oai.Schema, described: Described) -> Content:
    name = repr(media_type)
    match source_of(media_type):
        case "text":
            return Content(media_type, "text", Type(["str"], ["ANYTHING"]), ResultView(f"text({name})", "str"))
        case "bytes":
            return Content(media_type, "bytes", Type(["bytes"], ["ANYTHING"]), ResultView(f"binary({name})", "bytes"))
    result = _result_of(prop, type_of(prop, schema, described))
    if bare(media_type) != JSON:
        result = result._replace(expression=f"as_media_type({name}, {result.expression})")
    return Content(media_type, "json", type_of(prop, schema, described), result)


def first_status(response: Response) -> int:
    """Return the first status that an answer stands for, 0 where it stands for all others."""
    return response.status_code.range[0] if response.status_code.range else 0


def statuses(response: Response) -> tuple[int, int]:
    """Return the first and the last status that an answer stands for."""
    return response.status_code.range or (0, 999)


def successes_of(responses: Responses) -> list[Response]:
    """Return the described successes: the default answer is one where no other is."""
    found = [one for one in responses.patterns if first_status(one) // 100 == 2]
    return found or [one for one in [responses.default] if one is not None]


def result_of(responses: Responses, described: Described) -> ResultView:
    """Return how the successes of an operation are read: by status and media type, where they differ."""
    found = _result_by_status(responses, described)
    return found._replace(expression=ast.unparse(_Renamed().visit(ast.parse(found.expression, mode="eval"))))


def _result_by_status(responses: Responses, described: Described) -> ResultView:
    found = [(statuses(one), content) for one in successes_of(responses) for content in contents_of(one, described)]
    views = list(dict.fromkeys(content.result for _, content in found)) or [NOTHING.result]
    accept = _accept([content.media_type for _, content in found])
    if len(views) == 1:
        return views[0]._replace(accept=accept)
    annotation = _union([view.annotation for view in views])
    choices = [f"Choice({first}, {last}, {content.result.expression})" for (first, last), content in found]
    return ResultView(f"Result[{annotation}].by_status({', '.join(choices)})", annotation, accept)


def _accept(media_types: Sequence[str]) -> str:
    """Return the value of `Accept`, empty for plain JSON: the same as `accept_of` of templates/runtime/results.py."""
    found = list(dict.fromkeys(filter(None, media_types)))
    if not found or found == [JSON]:
        return ""
    if not any(source_of(media_type) == "json" for media_type in found):
        found.append(f"{JSON};q=0.9")
    return ", ".join(found)


def _union(annotations: Sequence[str]) -> str:
    """Return a union of types: `Any` where one may be anything, `None` last."""
    names = list(dict.fromkeys(annotations))
    if "Any" in names:
        return "Any"
    return " | ".join(sorted(names, key=lambda name: name == "None"))


def _result_of(prop: PropertyProtocol, found: Type) -> ResultView:
    if isinstance(prop, UnionProperty) and _is_envelope(prop):
        return _result_of(prop.inner_properties[-1], found)
    if isinstance(prop, ModelProperty):
        return _result_of_object(prop)
    if isinstance(prop, ListProperty) and isinstance(prop.inner_property, ModelProperty):
        name = f"models.{prop.inner_property.class_info.name}"
        return ResultView(f"many({name})", f"list[{name}]")
    if found.annotation == "Any":
        return ResultView("RAW", "Any")
    return ResultView(f"Result[{found.annotation}].of_kind({found.kind})", found.annotation)


def _is_envelope(union: UnionProperty) -> bool:
    """Say whether the first of two is an object with the second as `data`."""
    first, *others = union.inner_properties
    if not isinstance(first, ModelProperty) or len(others) != 1:
        return False
    inner = [prop for prop in first.required_properties or [] if prop.name == "data"]
    return bool(inner) and inner[0].get_type_string() == others[0].get_type_string()


def _result_of_object(model: ModelProperty) -> ResultView:
    name = f"models.{model.class_info.name}"
    if _is_page(model):
        return ResultView(f"page_of({name})", name)
    required = [repr(raw(prop.name)) for prop in model.required_properties or []]
    others = [repr(raw(prop.name)) for prop in model.optional_properties or []]
    arguments = [name, *required]
    if others and (not required or repr("data") in [*required, *others]):
        arguments.append(f"optional=({', '.join(others)},)")
    return ResultView(f"one({', '.join(arguments)})", name)


def _is_page(model: ModelProperty) -> bool:
    """Say whether an object is a list with words about it: it has to have nothing but `data`, a list of records."""
    others = [prop for prop in model.required_properties or [] if raw(prop.name) != "data"]
    properties = [*(model.required_properties or []), *(model.optional_properties or [])]
    own = [prop for prop in properties if raw(prop.name) == "data"]
    return bool(own) and not others and _is_list_of_records(own[0])


def _is_list_of_records(prop: PropertyProtocol) -> bool:
    if isinstance(prop, UnionProperty):
        return any(map(_is_list_of_records, prop.inner_properties))
    return isinstance(prop, ListProperty) and isinstance(prop.inner_property, ModelProperty)
