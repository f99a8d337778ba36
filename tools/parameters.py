"""The parameters of operations: their places, their styles, their names in Python, and those that are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from contract import Operation, resolve
from openapi_python_client.strings import PythonIdentifier

PYTHON_NAME = "x-python-name"
# The styles of OpenAPI 3.1 by place, the usual one first.
STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
# Headers that OpenAPI takes from elsewhere, or that the connection writes.
OWN_HEADERS = {
    "accept": "the media types under `responses` say it",
    "authorization": "`security` says it",
    "content-type": "the media type under `requestBody` says it",
    "cookie": "describe it with `in: cookie`",
    **dict.fromkeys(
        ("accept-encoding", "connection", "content-length", "host", "transfer-encoding"),
        "the client writes it: leave it out",
    ),
}
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
PLACEHOLDER = re.compile(r"{([^{}]*)}")
# Names that the bodies of generated functions use: a parameter of the same name would hide one.
TAKEN = {
    "answer_of",
    "asyncio_detailed",
    "body",
    "body_as",
    "body_of",
    "client",
    "is_payload",
    "many",
    "models",
    "one",
    "optional_body_of",
    "page_of",
    "request",
    "request_of",
    "response",
    "sent",
    "sync_detailed",
}


class Parameter(NamedTuple):
    """A parameter of an operation. `schema` is as it stands there, a reference perhaps."""

    name: str
    place: str
    style: str
    explode: bool
    schema: Any
    node: dict[str, Any]
    where: str

    @property
    def is_usual(self) -> bool:
        """Say whether it is written as its place has it without further words."""
        is_first = self.style == STYLES[self.place][0]
        return is_first and (self.place == "cookie" or self.explode == (self.place == "query"))

    @property
    def wished_name(self) -> str:
        """The name that it would have in Python if it stood alone."""
        return str(PythonIdentifier(self.node.get(PYTHON_NAME, self.name), prefix="field_"))


def parameters(document: dict[str, Any], operation: Operation) -> list[Parameter]:
    """Return an operation's parameters, those of its path item included, those in the path in its order."""
    nodes = [*operation.body.get("parameters", []), *document["paths"][operation.path].get("parameters", [])]
    found: dict[tuple[str, str], Parameter] = {}
    for node in nodes:
        parameter = _parameter(resolve(document, node), operation)
        # The operation's own goes before that of its path.
        found.setdefault((parameter.place, parameter.name), parameter)
    order = PLACEHOLDER.findall(operation.path)
    places = list(STYLES)

    def rank(one: Parameter) -> tuple[int, int]:
        return (
            places.index(one.place) if one.place in places else len(places),
            order.index(one.name) if one.place == "path" and one.name in order else 0,
        )

    return sorted(found.values(), key=rank)


def _parameter(node: dict[str, Any], operation: Operation) -> Parameter:
    name, place = str(node.get("name")), str(node.get("in"))
    style = node.get("style", STYLES.get(place, ("",))[0])
    explode = node.get("explode", style == "form")
    schema = node.get("schema", {})
    if content := node.get("content"):
        style, explode = "json", False
        schema = next(iter(content.values())).get("schema", {})
    return Parameter(name, place, style, explode, schema, node, f"{operation.where}: {place} parameter {name!r}")


def python_names(known: list[Parameter]) -> dict[tuple[str, str], str]:
    """Return the name of each parameter in Python by place and name.

    Where several would have one name, or the generated code needs it itself, the place is added.
    """
    wished = [parameter.wished_name for parameter in known]
    return {
        (parameter.place, parameter.name): f"{name}_{parameter.place}"
        if wished.count(name) > 1 or name in TAKEN
        else name
        for parameter, name in zip(known, wished, strict=True)
    }


def refused(document: dict[str, Any], operation: Operation) -> Iterator[str]:
    """Yield a line for each parameter that cannot be served, with what to write instead."""
    known = parameters(document, operation)
    for parameter in known:
        yield from (f"{parameter.where}: {problem}" for problem in _problems(document, parameter))
    named: dict[str, Parameter] = {}
    for parameter in known:
        name = python_names(known)[parameter.place, parameter.name]
        if other := named.get(name):
            yield (
                f"{parameter.where}: would be {name!r} in Python, as {other.place} parameter {other.name!r} is; "
                f"write another name beside one of them, such as {PYTHON_NAME}: other_{name}"
            )
        named[name] = parameter
    within = [parameter.name for parameter in known if parameter.place == "path"]
    for name in sorted({*within} ^ {*PLACEHOLDER.findall(operation.path)}):
        missing = "no place {…} in the path" if name in within else "no parameter with `in: path`"
        yield f"{operation.where}: path parameter {name!r} has {missing}; name both alike"
    if len(PLACEHOLDER.findall(operation.path)) != len({*PLACEHOLDER.findall(operation.path)}):
        yield f"{operation.where}: a place {{…}} stands in the path twice; give each a name of its own"


def _problems(document: dict[str, Any], parameter: Parameter) -> Iterator[str]:
    node, place = parameter.node, parameter.place
    if place not in STYLES:
        yield f"`in` is {place!r}; write one of {', '.join(STYLES)}"
        return
    if place == "header" and parameter.name.lower() in OWN_HEADERS:
        yield f"no header that a caller sets: {OWN_HEADERS[parameter.name.lower()]}"
    if place in ("header", "cookie") and not TOKEN.fullmatch(parameter.name):
        yield f"no name that a {place} can have (RFC 9110, 5.6.2)"
    if place == "path" and node.get("required") is not True:
        yield "write `required: true`: a path without it is that of another operation"
    wished = node.get(PYTHON_NAME)
    if wished is not None and not (isinstance(wished, str) and parameter.wished_name == wished):
        yield f"{PYTHON_NAME} is {wished!r}; write a name in snake_case that is no word of Python"
    if node.get("allowReserved"):
        yield "allowReserved: a value could end its place and begin another; leave it out: servers decode %2F alike"
    if "content" in node:
        yield from _content_problems(node)
    elif parameter.style not in STYLES[place]:
        yield f"style {parameter.style!r} in {place}; write one of {', '.join(STYLES[place])}"
    else:
        yield from _style_problems(document, parameter)


def _content_problems(node: dict[str, Any]) -> Iterator[str]:
    if list(node["content"]) != ["application/json"]:
        yield f"content {', '.join(node['content'])}: is not written; write application/json, or schema and style"
    if "schema" in node:
        yield "both schema and content; leave one out"


def _style_problems(document: dict[str, Any], parameter: Parameter) -> Iterator[str]:
    kinds = set(kinds_of(document, parameter.schema))
    shown = f"style {parameter.style}"
    if "file" in kinds:
        yield "a file; send it in the body"
    if "nested" in kinds:
        yield (
            "a list or an object inside another has no written form in any style; "
            "write `content: {application/json: {schema: …}}` in place of schema if the server reads JSON there"
        )
    if parameter.style == "deepObject" and kinds - {"object", "nested"}:
        yield f"{shown}: is for objects only; write style: form"
    if parameter.style in ("spaceDelimited", "pipeDelimited"):
        if kinds & {"scalar"}:
            yield f"{shown}: is for lists and objects; write style: form"
        if parameter.explode and "object" in kinds:
            yield f"{shown}: has no form with explode: true for objects; write explode: false"
    if parameter.place == "cookie" and parameter.explode and kinds & {"list", "object"}:
        yield "a list or an object in a cookie has no form with explode: true; write explode: false"


def kinds_of(document: dict[str, Any], node: Any, depth: int = 0, seen: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the kinds of values that a schema allows: scalar, list, object, file, or nested for any deeper ones."""
    schema = resolve(document, node)
    if not isinstance(schema, dict) or id(schema) in seen:
        return
    seen = (*seen, id(schema))
    for keyword in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(keyword, []):
            # Alternatives stand at the same depth.
            yield from kinds_of(document, part, depth, seen)
    declared = schema.get("type", [])
    names = {*([declared] if isinstance(declared, str) else declared)}
    names |= {"array"} if "items" in schema or "prefixItems" in schema else set()
    names |= {"object"} if "properties" in schema else set()
    if schema.get("format") == "binary":
        yield "file"
    if names & {"string", "integer", "number", "boolean"}:
        yield "scalar"
    for name, kind in (("array", "list"), ("object", "object")):
        if name in names:
            yield kind if depth == 0 else "nested"
    if depth == 0:
        inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("prefixItems", [])]
        for part in [*inner, *(schema.get("properties") or {}).values()]:
            yield from (kind for kind in kinds_of(document, part, 1, seen) if kind in ("nested", "file"))
