"""Parts that a document may not hold: each refusal names the place and says what to write instead."""

from __future__ import annotations

import pytest

from .documents import (
    FORM,
    TEXT,
    Document,
    Refused,
    answered,
    asked,
    check_refusal,
    document,
    operation,
    parameter,
    record,
    refused,
    sent,
)

__all__ = ["refused"]
NOTHING = {"$ref": "#/components/schemas/Nothing"}
POINTS_AT_NOTHING = "$ref #/components/schemas/Nothing: points at nothing"
OBJECTS = {"type": "array", "items": record("a")}

REFUSED: dict[str, tuple[Document, str, str]] = {
    "a reference to nothing": (
        document(A={"type": "array", "items": NOTHING}),
        f"components.schemas.A.items: {POINTS_AT_NOTHING}",
        "name a part of the document",
    ),
    "a part that is nothing": (
        document(A={"allOf": [NOTHING]}),
        f"components.schemas.A.allOf[0]: {POINTS_AT_NOTHING}",
        "name a part of the document",
    ),
    "a parameter that is nothing": (
        asked(NOTHING),
        f"paths./a.get.parameters[0]: {POINTS_AT_NOTHING}",
        "name a part of the document",
    ),
    "a parameter of a path that is nothing": (
        document({"/a": {"get": operation(), "parameters": [NOTHING]}}),
        f"paths./a.parameters[0]: {POINTS_AT_NOTHING}",
        "name a part of the document",
    ),
    "a schema of a parameter that is nothing": (
        asked({"name": "q", "in": "query", "schema": NOTHING}),
        f"paths./a.get.parameters[0].schema: {POINTS_AT_NOTHING}",
        "name a part of the document",
    ),
    "an answer that is nothing": (
        document({"/a": {"get": operation(responses={"200": NOTHING})}}),
        f"paths./a.get.responses.200: {POINTS_AT_NOTHING}",
        "name a part of the document",
    ),
    "a body that is nothing": (
        document({"/a": {"post": operation(requestBody=NOTHING)}}),
        f"paths./a.post.requestBody: {POINTS_AT_NOTHING}",
        "name a part of the document",
    ),
    "a reference to itself": (
        document(A={"$ref": "#/components/schemas/A"}),
        "components.schemas.A: $ref #/components/schemas/A: points at itself",
        "name a part of the document",
    ),
    "another document": (
        asked({"$ref": "other.yaml#/a"}),
        "paths./a.get.parameters[0]: $ref other.yaml#/a: only references within the document",
        "name a part of the document",
    ),
    "no style of a path": (
        asked(parameter("x", "path", required=True, style="form"), path="/a/{x}"),
        "GET /a/{x}: path parameter 'x': style 'form'",
        "write one of simple, label, matrix",
    ),
    "no style of a query": (
        asked(parameter("x", style="simple")),
        "GET /a: query parameter 'x': style 'simple'",
        "write one of form, spaceDelimited, pipeDelimited, deepObject",
    ),
    "no style of a header": (
        asked(parameter("X-A", "header", style="form")),
        "GET /a: header parameter 'X-A': style 'form'",
        "write one of simple",
    ),
    "no style of a cookie": (
        asked(parameter("x", "cookie", style="simple")),
        "GET /a: cookie parameter 'x': style 'simple'",
        "write one of form",
    ),
    "a style for objects": (
        asked(parameter("x", style="deepObject")),
        "GET /a: query parameter 'x':",
        "write style: form",
    ),
    "a list in a list": (
        asked(parameter("x", schema={"type": "array", "items": OBJECTS})),
        "GET /a: query parameter 'x':",
        "write `content: {application/json: {schema: …}}`",
    ),
    "reserved characters": (asked(parameter("x", allowReserved=True)), "GET /a: query parameter 'x':", "leave it out"),
    "a header that others write": (
        asked(parameter("Accept", "header")),
        "GET /a: header parameter 'Accept':",
        "the media types under `responses` say it",
    ),
    "XML in a parameter": (
        asked({"name": "x", "in": "query", "content": {"application/xml": {"schema": TEXT}}}),
        "GET /a: query parameter 'x': content application/xml",
        "write application/json, or schema and style",
    ),
    "a place that is not in the path": (
        asked(parameter("x", "path", required=True)),
        "GET /a: path parameter 'x'",
        "name both alike",
    ),
    "a range of media types": (sent("image/*"), "POST /a body image/*:", "name one, such as"),
    "two bodies of bytes": (sent("image/png", "text/plain"), "POST /a body: image/png, text/plain", "describe one"),
    "a form without fields": (sent("multipart/form-data"), "POST /a body multipart/form-data:", "write a schema with"),
    "an object in a form": (
        sent(FORM, schema={"type": "object", "properties": {"a": OBJECTS}}),
        f"POST /a body {FORM}: a is an object",
        "describe it as JSON",
    ),
    "encoding of a form": (
        sent("multipart/form-data", schema=record("a"), encoding={"a": {}}),
        "POST /a body multipart/form-data: `encoding`",
        "leave it out",
    ),
    "two kinds of JSON": (
        answered(application_json=TEXT, **{"application_a+json": record("a")}),
        "GET /a 200: several kinds of JSON",
        "describe one",
    ),
    "values of several types": (document(A={"enum": ["a", 1]}), "components.schemas.A:", "write values of one type"),
    "values that are fractions": (
        document(A={"enum": [0.5]}),
        "components.schemas.A:",
        "write the type without `enum`",
    ),
    "a shape that is not OpenAPI": (
        asked(parameter("x", "body")),
        "paths./a.get.parameters.0",
        "should be 'query', 'path', 'header' or 'cookie'",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_it_is_refused_with_its_place_and_what_to_write(fault: str, refused: Refused) -> None:
    given, place, remedy = REFUSED[fault]
    check_refusal(refused(given), place, remedy)


SERVED = {
    "a record that has itself": document(
        A={"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}},
        B={"allOf": [{"$ref": "#/components/schemas/B"}]},
    ),
    "bytes and JSON": sent("application/json", "image/png"),
}


@pytest.mark.parametrize("name", SERVED)
def test_it_is_served(name: str, refused: Refused) -> None:
    assert refused(SERVED[name]) == []
