"""Make the views that the templates of endpoints and of the two classes print, from the parsed document.

A template asks for the view of an endpoint and prints it; every decision is taken here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from described import Described, raw
from fields import Field, field_of
from openapi_python_client.parser.bodies import Body, BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from parameters import TAKEN
from record_views import record_of
from results import Content, ResultView, contents_of, result_of, statuses, successes_of
from types_of import Type, instance_of, is_flat, is_single, type_of

KEYWORDS = {"path": "within", "query": "query", "header": "headers", "cookie": "cookies"}


class Name(NamedTuple):
    """A parameter of a function, as it is declared."""

    python_name: str
    annotation: str
    declaration: str = ""


class AnswerView(NamedTuple):
    first: int
    last: int
    source: str
    kind: str
    media_type: str


class BodyView(NamedTuple):
    keyword: str
    content_type: str
    condition: str


@dataclass
class FlatBody:
    """A body whose fields are keywords of the method."""

    model: str
    is_required: bool
    fields: list[Field]

    @property
    def declared(self) -> list[Name]:
        """The keywords of the way that gives the fields: required ones first."""
        fields = sorted(self.fields, key=lambda field: not field.is_required)
        return [Name(field.python_name, field.annotation, "" if field.is_required else " = UNSET") for field in fields]

    @property
    def either_way(self) -> list[Name]:
        """The keywords of both ways."""
        body = Name("body", f"{self.model} | Unset", " = UNSET")
        return [body, *(Name(name, _may_be_unset(annotation), " = UNSET") for name, annotation, _ in self.declared)]

    @property
    def made(self) -> str:
        """The code that makes the body of either."""
        required = tuple(field.python_name for field in self.fields if field.is_required)
        given = ", ".join(f"{field.python_name}={field.python_name}" for field in self.fields)
        return f"{'' if self.is_required else 'optional_'}body_of({self.model}, body, {required}, {given})"


@dataclass
class OperationView:
    """An operation, as the templates of endpoints and of the two classes print it."""

    name: str
    tag: str
    method: str
    url: str
    summary: str
    description: str
    returns: str
    is_secured: bool
    places: dict[str, list[Field]]
    bodies: list[BodyView]
    bodies_parameter: list[Name]
    body_description: str
    body_fields: FlatBody | None
    answers: list[AnswerView]
    answer: str
    result: ResultView

    @property
    def accept(self) -> str:
        """The code of the value of `Accept`, empty where that is plain JSON."""
        return repr(self.result.accept) if self.result.accept else ""

    @property
    def path(self) -> list[Field]:
        return self.places.get("within", [])

    @property
    def named(self) -> list[Field]:
        """The parameters that are keywords."""
        return [field for place, fields in self.places.items() if place != "within" for field in fields]

    @property
    def is_parsed(self) -> bool:
        """Whether anything but the status and the bytes can be told from an answer."""
        return self.answer not in ("Any", "None")

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Each parameter of the endpoint with its words."""
        described = [(field.python_name, field.description or field.annotation) for field in self.path + self.named]
        body = [("body", self.body_description or name.annotation) for name in self.bodies_parameter]
        return described[: len(self.path)] + body + described[len(self.path) :]

    @property
    def documented(self) -> list[tuple[str, str]]:
        """The same for the method, with the fields of its body."""
        if self.body_fields is None:
            return self.parameters
        fields = [(field.python_name, field.description or field.annotation) for field in self.body_fields.fields]
        names = ", ".join(name for name, _ in fields)
        body = [("body", f"Instead of {names}: {self.body_description}")]
        others = [(name, words) for name, words in self.parameters if name != "body"]
        return others[: len(self.path)] + fields + body + others[len(self.path) :]


def operation_of(endpoint: Endpoint, described: Described) -> OperationView:
    """Return the view of an endpoint."""
    places = _places(endpoint, described)
    successes = successes_of(endpoint.responses)
    typed = [(statuses(found), content) for found in endpoint.responses for content in contents_of(found, described)]
    names = {field.python_name for fields in places.values() for field in fields}
    body = [found.prop for found in endpoint.bodies]
    return OperationView(
        name=endpoint.name,
        tag=endpoint.tags[0],
        method=endpoint.method,
        url=repr(described.operation(endpoint.name).path),
        summary=raw(endpoint.summary) or endpoint.name,
        description=raw(endpoint.description),
        returns="\n".join(raw(found.prop.description) for found in successes if found.prop.description),
        is_secured=endpoint.requires_security,
        places=places,
        bodies=_bodies(endpoint.bodies),
        bodies_parameter=_body_parameter(endpoint, described),
        body_description=raw(body[0].description) if body else "",
        body_fields=_flat_body(endpoint.bodies, names, described),
        answers=[_answer(first, last, content) for (first, last), content in typed],
        answer=_answer_type([content for _, content in typed]),
        result=result_of(endpoint.responses, described),
    )


def _places(endpoint: Endpoint, described: Described) -> dict[str, list[Field]]:
    """Return the parameters by the keyword of `request_of` that takes them. The generator has them all in the query."""
    known = described.parameters(endpoint.name)
    places: dict[str, list[Field]] = {}
    for prop in endpoint.query_parameters:
        name = raw(prop.name)
        parameter, schema = known[name]
        field = field_of(prop, schema, described, {})
        field.key, field.python_name, field.is_secret = repr(parameter.name), name, False
        field.description = field.description or parameter.node.get("description", "")
        # In a path, a value without a style must be a single one: a record in place of its id would name nothing.
        if not parameter.is_usual or (parameter.place == "path" and not is_single(prop)):
            explode = ", explode=True" if parameter.explode else ""
            field.styled = f"Styled({name}, {parameter.style!r}{explode})"
        places.setdefault(KEYWORDS[parameter.place], []).append(field)
    return places


def _answer_type(contents: Sequence[Content]) -> str:
    """Return the type of everything that an endpoint may parse."""
    names = sorted({name for content in contents for name in content.type.annotations if content.source != "nothing"})
    return "Any" if "Any" in names or not names else " | ".join(names)


def _answer(first: int, last: int, content: Content) -> AnswerView:
    return AnswerView(first, last, content.source, content.type.kind, repr(content.media_type))


def _bodies(bodies: Sequence[Body]) -> list[BodyView]:
    """Return the bodies, those that take anything last."""
    views = [_body(body, len(bodies)) for body in bodies]
    return sorted(views, key=lambda view: view.keyword == BodyType.CONTENT)


def _body(body: Body, count: int) -> BodyView:
    condition = ""
    if body.body_type == BodyType.CONTENT:
        condition = "is_payload(body)"
    elif count > 1:
        condition = f"isinstance(body, {instance_of(body.prop)})"
    return BodyView(str(body.body_type), repr(raw(body.content_type)), condition)


def _body_parameter(endpoint: Endpoint, described: Described) -> list[Name]:
    bodies = endpoint.bodies
    if not bodies:
        return []
    types = [_type_of_body(body, endpoint.name, described) for body in bodies]
    annotation = " | ".join(dict.fromkeys(found.annotation for found in types))
    if all(body.prop.required for body in bodies):
        return [Name("body", annotation)]
    return [Name("body", f"{annotation} | Unset", " = UNSET")]


def _type_of_body(body: Body, operation_id: str, described: Described) -> Type:
    if body.body_type == BodyType.CONTENT:
        return Type(["File", "Payload"], ["ANYTHING"])
    return type_of(body.prop, described.body(operation_id, raw(body.content_type)), described)


def _flat_body(bodies: Sequence[Body], taken: set[str], described: Described) -> FlatBody | None:
    """Return a body's fields if they can be keywords: JSON of one kind, flat, closed, and no name used otherwise."""
    if len(bodies) != 1 or not isinstance(bodies[0].prop, ModelProperty):
        return None
    model = bodies[0].prop
    record = record_of(model, described)
    names = {field.python_name for field in record.fields}
    properties = [*(model.required_properties or []), *(model.optional_properties or [])]
    flat = all(is_flat(prop) for prop in properties)
    unusable = {*taken, *TAKEN} - {"client"}
    is_open = model.data.additionalProperties not in (None, False)
    if bodies[0].content_type != "application/json" or is_open or not flat or not names or names & unusable:
        return None
    return FlatBody(f"models.{record.name}", model.required, record.fields)


def _may_be_unset(annotation: str) -> str:
    return annotation if annotation.endswith("Unset") else f"{annotation} | Unset"


def client_parameter(operation: OperationView) -> list[Name]:
    """Return the parameter that sends the request: only an authenticated client for what is not open to all."""
    return [Name("client", "AuthenticatedClient" if operation.is_secured else "AuthenticatedClient | Client")]
