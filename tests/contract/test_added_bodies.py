"""Bodies of added operations: their fields are keywords, whatever their names; a list of amounts is one."""

from __future__ import annotations

import ast

import pytest

from .added_operations import answer, grown, operation, reference
from .conftest import Scratch

__all__ = ["grown"]

pytestmark = pytest.mark.slow


KEYWORDS = """
import asyncio
from decimal import Decimal
from krebit_api.api import AsyncOperations, Operations
from krebit_api.models import LimitRequest, Reminder, WebhookStoreRequest

def send(request):
    try:
        sent = request()
    except TypeError as error:
        return str(error)
    return sent.get("json"), sent.get("params")

class Client(Operations):
    def _send(self, operation, request, result):
        return send(request)

class AsyncClient(AsyncOperations):
    async def _send(self, operation, request, result):
        return send(request)

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
