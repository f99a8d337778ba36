"""Names that a document may not hold: each refusal names the place and says what to write instead."""

from __future__ import annotations

import builtins
import importlib
import keyword
import re

import pytest

from .conftest import ROOT
from .documents import (
    FORM,
    TEXT,
    Document,
    Refused,
    answered,
    asked,
    called,
    check_refusal,
    document,
    operation,
    parameter,
    record,
    refused,
    sent,
)

__all__ = ["refused"]
RENAME = "rename one: it is never sent"
LEAVE_OUT = "leave it out: it comes as a key of `additional_properties`"
OTHER = "is a word of Python, or a name that the generated code needs; write another, such as"
USER_ID = f"properties 'userId' and 'user_id' would both be 'user_id' in Python; {LEAVE_OUT}"
PAIR = record("userId", "user_id")

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
}


@pytest.mark.parametrize("fault", REFUSED)
def test_it_is_refused_with_its_place_and_what_to_write(fault: str, refused: Refused) -> None:
    given, place, remedy = REFUSED[fault]
    check_refusal(refused(given), place, remedy)


SERVED = {
    "records that differ": document(A=record("a", "b"), B=record("a", "b")),
    "a property in two parts": document(A={"allOf": [record("a"), record("a", "b")]}),
    "a property called properties": document(
        A={"type": "object", "properties": {"properties": record("a"), "b": TEXT}}
    ),
    "a soft word of Python": called("match"),
    "parameters in two places": asked(parameter("id"), parameter("id", "header")),
}


@pytest.mark.parametrize("name", SERVED)
def test_it_is_served(name: str, refused: Refused) -> None:
    assert refused(SERVED[name]) == []


def test_every_word_of_python_is_refused_as_a_name(refused: Refused) -> None:
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
