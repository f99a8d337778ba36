"""What a document may not hold: each refusal names the place and says what to write instead."""

from __future__ import annotations

import builtins
import importlib
import keyword
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT

Document = dict[str, Any]
TEXT = {"type": "string"}


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[[Document], list[str]]:
    """The checks of `make regenerate`, called on a document."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    module = importlib.import_module("refusals")
    return lambda document: list(module.refused(document))


def document(paths: Document | None = None, **schemas: Document) -> Document:
    info = {"title": "A document", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths or {}, "components": {"schemas": schemas}}


def operation(name: str = "do_it", tag: str = "things", **more: Any) -> Document:
    answers = {"204": {"description": "Done."}}
    return {"operationId": name, "tags": [tag], "security": [], "responses": answers, **more}


def record(*names: str) -> Document:
    return {"type": "object", "properties": dict.fromkeys(names, TEXT)}


def called(name: str = "do_it", tag: str = "things") -> Document:
    return document({"/a": {"get": operation(name, tag)}})


def asked(*parameters: Document, path: str = "/a") -> Document:
    return document({path: {"get": operation(parameters=list(parameters))}})


def parameter(name: str, place: str = "query", **more: Any) -> Document:
    return {"name": name, "in": place, "schema": TEXT, **more}


def sent(*media_types: str, schema: Document = TEXT, **more: Any) -> Document:
    body = {"content": {name: {"schema": schema, **more} for name in media_types}}
    return document({"/a": {"post": operation(requestBody=body)}})


def answered(**schemas: Document) -> Document:
    content = {name.replace("_", "/", 1): {"schema": schema} for name, schema in schemas.items()}
    return document({"/a": {"get": operation(responses={"200": {"description": "x", "content": content}})}})


RENAME = "rename one: it is never sent"
LEAVE_OUT = "leave it out: it comes as a key of `additional_properties`"
OTHER = "is a word of Python, or a name that the generated code needs; write another, such as"
USER_ID = f"properties 'userId' and 'user_id' would both be 'user_id' in Python; {LEAVE_OUT}"
PAIR = record("userId", "user_id")
NOTHING = {"$ref": "#/components/schemas/Nothing"}
POINTS_AT_NOTHING = "$ref #/components/schemas/Nothing: points at nothing"
OBJECTS = {"type": "array", "items": record("a")}
FORM = "application/x-www-form-urlencoded"

REFUSED: dict[str, tuple[Document, str, str]] = {
    "schemas by case": (document(VLAN=record(), Vlan=record()), "schema VLAN (VLAN) and schema Vlan (Vlan)", RENAME),
    "schemas by sign": (
        document(**{"Vlan-Item": record(), "VlanItem": record()}),
        "schema Vlan-Item (VlanItem)",
        RENAME,
    ),
    "schemas by title": (
        document(A=record(), B={**record(), "title": "A"}),
        "schema A (A) and schema B, title 'A'",
        RENAME,
    ),
    "a schema of a generated name": (document(Response=record()), "schema Response:", "rename the schema"),
    "a schema of an imported name": (document(decimal=record()), "schema decimal:", "rename the schema"),
    "properties by case": (document(A=PAIR), "schema A:", USER_ID),
    "properties by sign": (document(A=record("a", "+a")), "schema A:", "'a' and '+a' would both be 'a'"),
    "properties in an object inside": (
        document(A={"type": "object", "properties": {"b": PAIR}}),
        "schema A.b:",
        USER_ID,
    ),
    "properties in a list": (document(A={"type": "array", "items": PAIR}), "schema A.items:", USER_ID),
    "properties in a tuple": (
        document(A={"type": "array", "prefixItems": [PAIR]}),
        "schema A.prefixItems[0]:",
        USER_ID,
    ),
    "properties of two parts": (document(A={"allOf": [record("userId"), record("user_id")]}), "schema A:", USER_ID),
    "properties of a part that has a name": (
        document(A={"allOf": [{"$ref": "#/components/schemas/B"}, record("user_id")]}, B=record("userId")),
        "schema A:",
        USER_ID,
    ),
    "properties in an answer": (answered(application_json=PAIR), "GET /a 200 application/json:", USER_ID),
    "properties in a body": (sent("application/json", schema=PAIR), "POST /a body application/json:", USER_ID),
    "properties in a form": (sent(FORM, schema=PAIR), f"POST /a body {FORM}:", USER_ID),
    "properties in a parameter": (
        asked({"name": "q", "in": "query", "schema": PAIR}),
        "GET /a: query parameter 'q':",
        USER_ID,
    ),
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
    "a property of the name of a method": (document(A=record("toDict")), "schema A: property 'toDict'", LEAVE_OUT),
    "the same in an answer": (
        answered(application_json=record("to_row")),
        "GET /a 200 application/json: property 'to_row'",
        LEAVE_OUT,
    ),
    "parameters by sign": (
        asked(parameter("a-b"), parameter("a_b")),
        "GET /a: query parameter 'a_b':",
        "such as x-python-name: other_",
    ),
    "parameters by case": (
        asked(parameter("userId"), parameter("UserId")),
        "GET /a: query parameter 'UserId':",
        "such as x-python-name: other_",
    ),
    "a parameter of the name that another is given": (
        asked(parameter("id"), parameter("id", "header"), parameter("id_query")),
        "GET /a: query parameter 'id_query':",
        "such as x-python-name: other_id_query",
    ),
    "a name for Python that is none": (
        asked(parameter("a", **{"x-python-name": "class"})),
        "GET /a: query parameter 'a': x-python-name is 'class'",
        "write a name in snake_case",
    ),
    "operations of one name": (
        document({"/a": {"get": operation()}, "/b": {"get": operation()}}),
        "operationId do_it is used 2 times: GET /a, GET /b",
        "each needs one of its own",
    ),
    "operations by case": (called("Do_It"), "GET /a: operationId 'Do_It'", "write it so, such as"),
    "an operation that is a word of Python": (called("import"), "GET /a: operationId 'import'", f"{OTHER} import_now"),
    "an operation that is a function of Python": (called("list"), "GET /a: operationId 'list'", f"{OTHER} list_now"),
    "an operation that the module imports": (
        called("overload"),
        "GET /a: operationId 'overload'",
        f"{OTHER} overload_now",
    ),
    "an operation that the client has": (
        called("login"),
        "GET /a: operationId 'login'",
        "write another: it is never sent",
    ),
    "a tag that is a word of Python": (called(tag="class"), "GET /a: tag 'class'", f"{OTHER} class_operations"),
    "a tag by case": (called(tag="Class"), "GET /a: tag 'Class'", f"{OTHER} class_operations"),
    "a tag by sign": (called(tag="a-b"), "GET /a: tag 'a-b'", f"{OTHER} a_b_operations"),
    "a tag that the module imports": (called(tag="models"), "GET /a: tag 'models'", f"{OTHER} models_operations"),
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
def test_it_is_refused_with_its_place_and_what_to_write(fault: str, refused: Callable[[Document], list[str]]) -> None:
    given, place, remedy = REFUSED[fault]
    lines = [line for line in refused(given) if line.startswith(place)]
    assert any(remedy in line for line in lines), refused(given)


SERVED = {
    "records that differ": document(A=record("a", "b"), B=record("a", "b")),
    "a property in two parts": document(A={"allOf": [record("a"), record("a", "b")]}),
    "a record that has itself": document(
        A={"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}},
        B={"allOf": [{"$ref": "#/components/schemas/B"}]},
    ),
    "a property called properties": document(
        A={"type": "object", "properties": {"properties": record("a"), "b": TEXT}}
    ),
    "a soft word of Python": called("match"),
    "parameters in two places": asked(parameter("id"), parameter("id", "header")),
    "bytes and JSON": sent("application/json", "image/png"),
}


@pytest.mark.parametrize("name", SERVED)
def test_it_is_served(name: str, refused: Callable[[Document], list[str]]) -> None:
    assert refused(SERVED[name]) == []


def test_every_word_of_python_is_refused_as_a_name(refused: Callable[[Document], list[str]]) -> None:
    words = [word for word in {*keyword.kwlist, *dir(builtins)} - {"id"} if re.fullmatch("[a-z]+", word)]
    for word in words:
        assert any(f"operationId {word!r} {OTHER}" in line for line in refused(called(word))), word
        assert any(f"tag {word!r} {OTHER}" in line for line in refused(called(tag=word))), word


def imports_and_bodies(text: str) -> tuple[set[str], str]:
    """Return the names that a template imports or defines, and the lines that stand in functions."""
    imported = {
        name for line in re.findall(r"^ *(?:from \S+ )?import (.+)$", text, re.MULTILINE) for name in line.split(", ")
    }
    imported |= {*re.findall(r"^ *(?:async )?def (\w+)", text, re.MULTILINE)}
    # Annotations are not evaluated, and defaults are outside of the function.
    lines = [line for line in text.splitlines() if re.match(r" {4,}", line) and not re.match(r" +(async )?def ", line)]
    return imported, "\n".join(line for line in lines if not line.strip().startswith(("{%", "@", '"""', "Answer(")))


@pytest.mark.parametrize("template", ["endpoint_module.py.jinja", "api_init.py.jinja"])
def test_no_parameter_hides_a_name_that_generated_functions_use(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    parameters = importlib.import_module("parameters")
    identifier = importlib.import_module("openapi_python_client.strings").PythonIdentifier
    imported, bodies = imports_and_bodies((ROOT / "templates" / template).read_text(encoding="utf-8"))
    # The code of a result is made by results.py.
    results_use = imported & {"models", "one", "many", "page_of"}
    called = {*re.findall(r"\b[a-z_]+\b", bodies), *results_use}
    within_reach = {name for name in imported & called if identifier(name, prefix="field_") == name}
    assert "models" in within_reach
    assert within_reach <= parameters.TAKEN


BROKEN = {
    "does not compile": ("def broken(:\n", "SyntaxError"),
    "does not import": ("from .nothing import here\n", "ModuleNotFoundError"),
    "fails when it is imported": ("raise RuntimeError('at import')\n", "RuntimeError: at import"),
    "has an annotation of nothing": (
        "from __future__ import annotations\ndef call(a: Nothing) -> None: ...\n",
        "call: NameError: name 'Nothing' is not defined",
    ),
    "has a field of nothing": (
        "from __future__ import annotations\nclass Record:\n    field: Nothing\n",
        "Record: NameError: name 'Nothing' is not defined",
    ),
    "has a method of nothing": (
        "from __future__ import annotations\nclass Record:\n    def read(self) -> Nothing: ...\n",
        "Record.read: NameError: name 'Nothing' is not defined",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_package_is_not_taken_if_a_module(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    code, message = BROKEN[fault]
    name = f"package_that_{fault.replace(' ', '_')}"
    package = tmp_path / name
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "models" / "__init__.py").write_text("", encoding="utf-8")
    (package / "models" / "whole.py").write_text("def call(a: int) -> str: ...\n", encoding="utf-8")
    (package / "models" / "broken.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = list(importlib.import_module("check_package").faults(package))
    assert len(found) == 1
    assert found[0].startswith("models/broken.py: ")
    assert message in found[0]
