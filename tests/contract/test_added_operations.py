"""An operation that is added to the document is a typed method at once, with no other edit."""

from __future__ import annotations

import ast
import runpy
from typing import Any

import pytest

from krebit import AsyncKrebit, Krebit
from krebit_api.api import AsyncOperations, Operations

from .conftest import ROOT, Scratch


def answer(schema: dict[str, Any] | None) -> dict[str, Any]:
    described: dict[str, Any] = {"description": "The answer."}
    if schema is not None:
        described["content"] = {"application/json": {"schema": schema}}
    return described


def operation(name: str, tag: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": f"Do {name}",
        "security": [{"oauth2": []}],
        "responses": responses,
        **more,
    }


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


@pytest.fixture
def grown(scratch: Scratch) -> Scratch:
    """The document with a paged list, a bare array, an answer without content, and odder ones."""
    schemas, paths = scratch.document["components"]["schemas"], scratch.document["paths"]
    schemas["ActPage"] = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {"type": "array", "items": reference("Act")},
            "meta": {"anyOf": [reference("PageMeta"), {"type": "null"}]},
        },
    }
    schemas["Template"] = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
    }
    parameters = scratch.document["components"]["parameters"]
    client, limit, page = ({"$ref": f"#/components/parameters/{name}"} for name in ("ClientId", "Limit", "Page"))
    assert {"ClientId", "Limit", "Page"} <= set(parameters)
    paths["/api/1.0/clients/{id}/acts"] = {
        "get": operation("list_acts", "acts", {"200": answer(reference("ActPage"))}, parameters=[client, limit, page])
    }
    templates = {"type": "array", "items": reference("Template")}
    paths["/api/1.0/templates"] = {"get": operation("list_templates", "templates", {"200": answer(templates)})}
    webhook = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    paths["/api/1.0/webhooks/{id}"] = {
        "delete": operation("delete_webhook", "webhooks", {"204": answer(None)}, parameters=[webhook])
    }
    two_kinds = {"anyOf": [reference("Template"), reference("Act")]}
    paths["/api/1.0/search"] = {
        "get": operation(
            "search",
            "search",
            {"200": answer(two_kinds)},
            parameters=[
                query("since", {"type": "string", "format": "date-time"}),
                query("kind", {"type": "string", "enum": ["client", "act"], "default": "act"}),
                query("day", {"type": "string", "format": "date", "default": "2024-01-02"}),
            ],
        )
    }
    paths["/api/1.0/health"] = {"get": operation("get_health", "health", {"200": answer({"type": "string"})})}
    paths["/api/1.0/jobs"] = {
        "post": operation("start_job", "jobs", {"200": answer(reference("Act")), "202": answer(reference("Template"))})
    }
    paths["/api/1.0/jobs/queue"] = {"post": operation("queue_job", "jobs", {"202": answer(None)})}
    schemas["Upload"] = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}, "note": {"type": "string"}},
    }
    bodies = {
        "application/json": {"schema": reference("Template")},
        "multipart/form-data": {"schema": reference("Upload")},
    }
    header = {"name": "X-Reason", "in": "header", "schema": {"type": "string"}}
    paths["/api/1.0/uploads"] = {
        "post": operation(
            "upload", "uploads", {"204": answer(None)}, parameters=[header], requestBody={"content": bodies}
        )
    }
    fields = {
        "limit": {"type": "number", "format": "decimal"},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "until": {"type": ["string", "null"], "format": "date"},
    }
    schemas["LimitRequest"] = {"type": "object", "required": ["limit"], "properties": fields}
    schemas["Reminder"] = {"type": "object", "properties": {"text": {"type": "string"}, "by": {"type": "integer"}}}
    changed = {"content": {"application/json": {"schema": reference("LimitRequest")}}, "required": True}
    paths["/api/1.0/clients/{id}/limit"] = {
        "put": operation("set_limit", "clients", {"204": answer(None)}, parameters=[client], requestBody=changed)
    }
    reminder = {"content": {"application/json": {"schema": reference("Reminder")}}}
    paths["/api/1.0/reminders"] = {"post": operation("remind", "jobs", {"204": answer(None)}, requestBody=reminder)}
    # A clash of `text` with a parameter: the body stays a body.
    paths["/api/1.0/reminders/again"] = {
        "post": operation(
            "remind_again",
            "jobs",
            {"204": answer(None)},
            parameters=[query("text", {"type": "string"})],
            requestBody=reminder,
        )
    }
    scratch.generated()
    return scratch


PROGRAM = """
from decimal import Decimal
from io import BytesIO
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, assert_type

from krebit_api.api import AsyncOperations, Operation, Operations, Result
from krebit_api.models import Act, ActPage, Template, Upload, WebhookSubscription
from krebit_api.types import File

T = TypeVar("T")


class Client(Operations):
    def _send(self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]) -> T:
        raise NotImplementedError


class AsyncClient(AsyncOperations):
    def _send(self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]) -> Awaitable[T]:
        raise NotImplementedError


def use(client: Client) -> None:
    assert_type(client.list_acts(12345, limit=5, page=2), ActPage)
    assert_type(client.list_templates(), list[Template])
    assert_type(client.get_latest_act(1), Act)
    client.delete_webhook("17")
    client.queue_job()
    assert_type(client.search(), Template | Act)
    assert_type(client.get_health(), str)
    assert_type(client.start_job(), Act | Template)
    client.upload(body=Template(id=1), x_reason="test")
    client.upload(body=Upload(file=File(BytesIO(b"content"))))
    assert_type(client.create_webhook(event="act.created", target="https://example.com"), WebhookSubscription)
    client.set_limit(1, limit=Decimal("10.50"))
    client.set_limit(1, limit=Decimal("10.50"), reasons=["growth"], until=None)
    client.remind()
    client.remind(text="soon")
    act = client.get_latest_act(1)
    if act.amount:
        assert_type(act.amount, Decimal)
        assert_type(act.amount * 2 + Decimal("1"), Decimal)


async def use_async(client: AsyncClient) -> None:
    assert_type(await client.list_acts(12345, limit=5, page=2), ActPage)
    assert_type(await client.list_templates(), list[Template])
    await client.delete_webhook("17")
"""

MISUSE = """
from krebit_api.api import Operations


def use(client: Operations) -> None:
    client.list_acts(12345, limt=5)
    client.list_templates().name
    client.get_client("12345", 6)
    client.create_webhook(event="act.created")
    client.create_webhook()
    client.set_limit(1, limit=10.5)
    if limit := client.get_client(1).credit_limit:
        limit * 1.05
"""


@pytest.mark.slow
def test_the_methods_are_typed_for_mypy_and_pyright(grown: Scratch) -> None:
    for done in grown.check_types(PROGRAM):
        assert done.returncode == 0, done.stdout
    for done in grown.check_types(MISUSE):
        assert done.returncode == 1
        for line in (6, 7, 8, 9, 10, 11, 13):
            assert f"program.py:{line}:" in done.stdout


RECORDED = """
import asyncio
from krebit_api.api import AsyncOperations, Operations
from krebit_api.models import Template
from krebit_api.types import Mismatch

ANSWERS = {"data": [{"id": 1, "uuid": "u"}]}, [{"id": 1, "uuid": "u"}]

def read(result, answer):
    try:
        return type(result.read(answer)).__name__
    except Mismatch as error:
        return f"{error}, got {error.got}"

class Client(Operations):
    def _send(self, operation, request, result):
        found = [read(result, answer) for answer in ANSWERS]
        return tuple(operation), request(), result.model and result.model.__name__, found

class AsyncClient(AsyncOperations):
    async def _send(self, *given):
        return client._send(*given)

client, other = Client(), AsyncClient()
calls = [
    ("list_acts", (12345,), {"limit": 5, "page": 2}),
    ("list_templates", (), {}),
    ("delete_webhook", ("a/b",), {}),
    ("search", (), {}),
    ("get_health", (), {}),
    ("start_job", (), {}),
    ("upload", (), {"body": Template(id=1), "x_reason": "test"}),
]
for name, given, named in calls:
    sent = getattr(client, name)(*given, **named)
    assert sent == asyncio.run(getattr(other, name)(*given, **named))
    print(sent)
"""


def test_the_methods_hand_over_what_to_send_and_what_comes_back(grown: Scratch) -> None:
    acts, templates, deletion, search, health, job, upload = (
        ast.literal_eval(line) for line in grown.python(RECORDED).splitlines()
    )
    assert acts == (
        ("list_acts", "GET", "/api/1.0/clients/{id}/acts"),
        {"method": "get", "url": "/api/1.0/clients/12345/acts", "params": {"limit": 5, "page": 2}},
        "ActPage",
        ["ActPage", "ActPage"],
    )
    assert templates == (
        ("list_templates", "GET", "/api/1.0/templates"),
        {"method": "get", "url": "/api/1.0/templates"},
        "Template",
        ["list", "list"],
    )
    assert deletion == (
        ("delete_webhook", "DELETE", "/api/1.0/webhooks/{id}"),
        {"method": "delete", "url": "/api/1.0/webhooks/a%2Fb"},
        None,
        ["NoneType", "NoneType"],
    )
    assert search[1]["params"] == {"kind": "act", "day": "2024-01-02"}
    # Two kinds that are no envelope of one another, a string, and a choice of statuses.
    assert search[2:] == (None, ["data: not an object, got a list", "not an object, got a list"])
    assert health[2:] == (None, ["data: not a string, got a list", "not a string, got a list"])
    assert job[2:] == (None, ["data: not an object, got a list", "not an object, got a list"])
    assert upload[1]["json"] == {"id": 1}
    assert upload[1]["headers"] == {"X-Reason": "test", "Content-Type": "application/json"}


KEYWORDS = """
import asyncio
from decimal import Decimal
from krebit_api.api import AsyncOperations, Operations
from krebit_api.models import LimitRequest, Reminder, WebhookStoreRequest

class Client(Operations):
    def _send(self, operation, request, result):
        try:
            sent = request()
        except TypeError as error:
            return str(error)
        return sent.get("json"), sent.get("params")

class AsyncClient(AsyncOperations):
    async def _send(self, *given):
        return client._send(*given)

client, other = Client(), AsyncClient()
webhook = {"event": "act.created", "target": "https://example.com"}
calls = [
    ("create_webhook", (), webhook),
    ("create_webhook", (), {"body": WebhookStoreRequest(**webhook)}),
    ("create_webhook", (), {"event": "act.created"}),
    ("create_webhook", (), {}),
    ("create_webhook", (), {"body": WebhookStoreRequest(**webhook), "event": "other"}),
    ("set_limit", (1,), {"limit": Decimal("10.50"), "reasons": ["a"], "until": None}),
    ("set_limit", (1,), {"body": LimitRequest(limit=Decimal("10.50"))}),
    ("remind", (), {}),
    ("remind", (), {"text": "soon"}),
    ("remind_again", (), {"text": "soon", "body": Reminder(text="now")}),
]
for name, given, named in calls:
    sent = getattr(client, name)(*given, **named)
    assert sent == asyncio.run(getattr(other, name)(*given, **named))
    print(repr(sent))
"""


def test_the_fields_of_a_flat_body_are_keywords(grown: Scratch) -> None:
    webhook = {"event": "act.created", "target": "https://example.com"}
    assert [ast.literal_eval(line) for line in grown.python(KEYWORDS).splitlines()] == [
        (webhook, None),
        (webhook, None),
        "missing target: give them as keywords, or a body",
        "missing event, target: give them as keywords, or a body",
        "both body and event are given: leave one out",
        ({"limit": 10.5, "reasons": ["a"], "until": None}, None),
        ({"limit": 10.5}, None),
        (None, None),
        ({"text": "soon"}, None),
        ({"text": "now"}, {"text": "soon"}),
    ]


@pytest.mark.parametrize(("client", "operations"), [(Krebit, Operations), (AsyncKrebit, AsyncOperations)])
def test_no_operation_may_take_a_name_that_the_clients_have(client: type, operations: type) -> None:
    taken: set[str] = runpy.run_path(str(ROOT / "tools" / "contract.py"))["TAKEN_OPERATIONS"]
    own = {name for name in set(dir(client)) - set(dir(operations)) if not name.startswith("_")}
    assert own == taken
    # And none has: an operation that a client defines once more would be hidden by it.
    assert not {name for kind in client.__mro__ if kind is not operations for name in vars(kind)} & {
        name for name in vars(operations) if not name.startswith("_")
    }


NAMED = """
import krebit_api.api as api
from krebit_api.models import Settings, Reserved

class Client(api.Operations):
    def _send(self, operation, request, result):
        return request()["json"]

client = Client()
print(client.change_settings(model="m", required="r", fields="f", self_="s", datetime_="d", uuid="u"))
print(client.change_settings(body=Settings(model="m")))
print(client.reserve(body=Reserved(request="a", models="b", one="c", many="d", page_of="e", body_of="f")))
"""


@pytest.mark.slow
def test_a_field_of_a_body_may_have_any_name(scratch: Scratch) -> None:
    """One that the generated method uses itself is no keyword: the body stays a record."""
    schemas, paths = scratch.document["components"]["schemas"], scratch.document["paths"]
    names = {
        "Settings": ["model", "required", "fields", "self", "datetime", "uuid"],
        "Reserved": ["request", "models", "one", "many", "page_of", "body_of", "optional_body_of", "plain"],
    }
    for schema, fields in names.items():
        schemas[schema] = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    done = {"204": answer(None)}
    body = {"required": True, "content": {"application/json": {"schema": reference("Settings")}}}
    paths["/settings"] = {"put": operation("change_settings", "settings", done, requestBody=body)}
    body = {"required": True, "content": {"application/json": {"schema": reference("Reserved")}}}
    paths["/reserved"] = {"put": operation("reserve", "settings", done, requestBody=body)}
    scratch.generated()
    assert [ast.literal_eval(line) for line in scratch.python(NAMED).splitlines()] == [
        {"model": "m", "required": "r", "fields": "f", "self": "s", "datetime": "d", "uuid": "u"},
        {"model": "m"},
        {"request": "a", "models": "b", "one": "c", "many": "d", "page_of": "e", "body_of": "f"},
    ]
    for checked in scratch.check_types("from krebit_api.api import Operations\n"):
        assert checked.returncode == 0, checked.stdout


AMOUNTS = """
import typing
from decimal import Decimal
import krebit_api.api as api

class Client(api.Operations):
    def _send(self, operation, request, result):
        return request()["json"], result.read([1.5, "2.50"])

hints = typing.get_type_hints(api.Operations.set_limits)
print((str(hints["body"]), str(hints["return"])))
print(repr(Client().set_limits(body=[Decimal("1.25"), Decimal("2")])))
"""


def test_a_list_of_amounts_is_typed_as_one(scratch: Scratch) -> None:
    amounts = {"type": "array", "items": {"type": ["number", "string"], "format": "decimal"}}
    body = {"required": True, "content": {"application/json": {"schema": amounts}}}
    scratch.document["paths"]["/limits"] = {
        "put": operation("set_limits", "limits", {"200": answer(amounts)}, requestBody=body)
    }
    scratch.generated()
    hints, sent = scratch.python(AMOUNTS).splitlines()
    assert ast.literal_eval(hints) == ("list[decimal.Decimal]", "list[decimal.Decimal]")
    assert sent == "([1.25, 2], [Decimal('1.5'), Decimal('2.50')])"
