"""What the templates print, worked out from what the generator has parsed: records, operations, their parts.

A template asks for the view of a model or an endpoint and prints it; every decision is taken here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from described import Described, is_secret, raw
from openapi_python_client import schema as oai
from openapi_python_client.parser.bodies import Body, BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from parameters import TAKEN
from results import Content, ResultView, contents_of, result_of, statuses, successes_of
from types_of import ANY, Type, default_of, instance_of, is_flat, optional, type_of

KEYWORDS = {"path": "within", "query": "query", "header": "headers", "cookie": "cookies"}


class Name(NamedTuple):
    """A parameter of a function, as it is declared."""

    python_name: str
    annotation: str
    declaration: str = ""


@dataclass
class Field:
    """A field of a record, or a parameter of an operation."""

    key: str
    python_name: str
    annotation: str
    kind: str
    default: str | None
    description: str
    is_required: bool
    is_secret: bool
    is_lenient: bool = False
    # The code that says how a parameter is written, where that is not usual in its place.
    styled: str = ""

    @property
    def declaration(self) -> str:
        """What follows the annotation: the default, and that a repr leaves it out."""
        if self.is_secret:
            default = f"default={self.default}, " if self.default else ""
            return f" = _attrs_field({default}repr=False)"
        return f" = {self.default}" if self.default else ""


@dataclass
class RecordView:
    """A record, as the template of models prints it."""

    name: str
    description: str
    fields: list[Field]
    kinds: dict[str, str]
    text_amounts: list[str]
    extra_annotation: str | None
    extra_kind: str | None

    @property
    def declared(self) -> list[Field]:
        """The fields, those without a default first."""
        return sorted(self.fields, key=lambda field: field.default is not None)

    @property
    def is_lenient(self) -> bool:
        return any(field.is_lenient for field in self.fields)

    @property
    def has_secrets(self) -> bool:
        return any(field.is_secret for field in self.fields)


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


def record_of(model: ModelProperty, described: Described) -> RecordView:
    """Return the view of a model."""
    schemas = described.properties(model.data)
    kinds: dict[str, str] = {}
    properties = [*(model.required_properties or []), *(model.optional_properties or [])]
    fields = [_field_of_record(prop, schemas, described, kinds) for prop in properties]
    _use_other_names(fields)
    extra, extra_kind = None, None
    if model.additional_properties:
        node = model.data.additionalProperties
        schema = described.schema(node if isinstance(node, oai.Schema | oai.Reference) else None)
        extra = type_of(model.additional_properties, schema, described)
        extra_kind = None if extra.kind == "ANYTHING" else _constant(extra.kind, kinds)
        for field, prop in zip(fields, properties, strict=True):
            field.is_lenient = not prop.required and not _is_strict(field)
        if extra_kind is not None and any(field.is_lenient for field in fields):
            # Raw values of fields may stand among the further keys.
            extra = ANY
    return RecordView(
        name=model.class_info.name,
        description=raw(model.description) or raw(model.data.title) or model.class_info.name,
        fields=fields,
        kinds={code: name for code, name in kinds.items() if code != name},
        text_amounts=sorted(name for name, schema in schemas.items() if described.is_text_amount(schema)),
        extra_annotation=extra.annotation if extra else None,
        extra_kind=extra_kind,
    )


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
        field = _field(prop, schema, described, {})
        field.key, field.python_name, field.is_secret = repr(parameter.name), name, False
        field.description = field.description or parameter.node.get("description", "")
        if not parameter.is_usual:
            explode = ", explode=True" if parameter.explode else ""
            field.styled = f"Styled({name}, {parameter.style!r}{explode})"
        places.setdefault(KEYWORDS[parameter.place], []).append(field)
    return places


def _field(prop: PropertyProtocol, schema: oai.Schema, described: Described, kinds: dict[str, str]) -> Field:
    found = type_of(prop, schema, described)
    default = default_of(prop, found)
    whole = found if prop.required else optional(found)
    return Field(
        key=repr(raw(prop.name)),
        python_name=prop.python_name,
        annotation=whole.annotation,
        kind=_constant(whole.kind, kinds),
        default=default,
        description=raw(prop.description),
        is_required=prop.required,
        is_secret=is_secret(schema),
    )


def _field_of_record(
    prop: PropertyProtocol, schemas: dict[str, oai.Schema], described: Described, kinds: dict[str, str]
) -> Field:
    own: dict[str, str] = {}
    field = _field(prop, schemas.get(raw(prop.name), oai.Schema()), described, own)
    # The code of the kind, without the name that it has been given.
    code = next((code for code, name in own.items() if name == field.kind), field.kind)
    if is_identifier(raw(prop.name)) and code != "ANYTHING":
        code = f"identifier({code})"
    field.kind = _constant(code, kinds)
    return field


def _use_other_names(fields: Sequence[Field]) -> None:
    """Write annotations with the second name of a module where a field has its first: it would hide the module."""
    names = {field.python_name for field in fields}
    for module in {"models", "uuid"} & names:
        for field in fields:
            field.annotation = re.sub(rf"\b{module}\.", f"_{module}.", field.annotation)
            field.default = field.default and re.sub(rf"^{module}\.", f"_{module}.", field.default)


def is_identifier(name: str) -> bool:
    """Say whether a key tells records apart: it is read strictly."""
    return re.fullmatch(r"(.*_)?(id|uuid)|.*(Id|Uuid|ID|UUID)", name) is not None


def _is_strict(field: Field) -> bool:
    """Say whether an optional field is read strictly. One that takes anything cannot fail."""
    return field.kind == "ANYTHING" or field.kind.startswith("_IDENTIFIER") or "Decimal" in field.annotation


def _constant(code: str, kinds: dict[str, str]) -> str:
    """Return the name of a kind in the module, and note what has to be named."""
    if code.isidentifier():
        return code
    words = re.sub(r"lambda|models|\W+", " ", code).split()
    return kinds.setdefault(code, "_" + "_".join(words).upper())


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
