"""The operations that the vendor's guides speak of need no edit but of the document."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import Scratch

pytestmark = pytest.mark.slow


def _page(name: str) -> dict[str, Any]:
    records = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    return {"type": "object", "required": ["data"], "properties": {"data": records}}


SCHEMAS = {
    "ActPage": _page("Act"),
    "TemplatePage": _page("Template"),
    "Template": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
    },
    "DataChange": {"type": "object", "properties": {"value": {"type": ["string", "null"]}, "note": {"type": "string"}}},
    "DataChanges": {
        "type": "object",
        "required": ["changes"],
        "properties": {"changes": {"type": "array", "items": {"$ref": "#/components/schemas/NumberedChange"}}},
    },
    "NumberedChange": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "value": {"type": ["string", "null"]}},
    },
    "Subscription": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "event": {"type": "string"}},
    },
}

CALLS = """
import asyncio
import json

import httpx

from krebit import AsyncKrebit, Krebit, MemoryTokenStore, paginate
from krebit_api.models import DataChanges, NumberedChange


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path.removeprefix("/api/1.0")
    if path == "/api/oauth/token":
        return httpx.Response(200, json={"access_token": "a", "refresh_token": "r"})
    sent.append((request.method, path, request.content.decode()))
    page = int(request.url.params.get("page", 1))
    if path.endswith("/acts"):
        return httpx.Response(200, json={"data": [{"uuid": f"u{page}"}], "meta": {"last_page": 2}})
    if path == "/templates":
        return httpx.Response(200, json={"data": [{"id": page}], "meta": {"last_page": 2}})
    if path == "/webhooks":
        return httpx.Response(200, json=[{"id": 1}, {"id": 2}])
    if request.method == "DELETE" or path.endswith("/data"):
        return httpx.Response(204)
    return httpx.Response(200, json={"data": {"id": 7}})


sent: list[tuple[str, str, str]] = []
mock = httpx.MockTransport(answer)
given = {"domain": "yourco.krebit.se", "client_id": "id", "client_secret": "secret", "refresh_token": "seed"}
changes = DataChanges(changes=[NumberedChange(1, "a"), NumberedChange(2, None), NumberedChange(3)])


def blocking() -> None:
    with Krebit(**given, store=MemoryTokenStore(), transport=mock) as api:
        assert [act.uuid for act in paginate(api.list_acts, 12345, limit=1)] == ["u1", "u2"]
        assert [one.id for one in paginate(api.list_templates, limit=1)] == [1, 2]
        assert api.get_template(7).id == api.get_client_by_org_number("556036-0793").id == 7
        assert api.change_act_data_point("u", 7, value=None).id == 7
        api.change_act_data_point("u", 7, note="x")
        api.change_act_data("u", body=changes)
        assert [one.id for one in api.list_webhooks()] == [1, 2]
        api.delete_webhook(2)


async def awaited() -> None:
    async with AsyncKrebit(**given, store=MemoryTokenStore(), transport=mock, async_transport=mock) as api:
        assert [act.uuid async for act in paginate(api.list_acts, 12345, limit=1)] == ["u1", "u2"]
        assert [one.id async for one in paginate(api.list_templates, limit=1)] == [1, 2]
        assert (await api.get_template(7)).id == (await api.get_client_by_org_number("556036-0793")).id == 7
        assert (await api.change_act_data_point("u", 7, value=None)).id == 7
        await api.change_act_data_point("u", 7, note="x")
        await api.change_act_data("u", body=changes)
        assert [one.id for one in await api.list_webhooks()] == [1, 2]
        await api.delete_webhook(2)


blocking()
first, sent = sent, []
asyncio.run(awaited())
assert first == sent
bodies = [json.loads(body) for _, _, body in sent if body]
assert bodies == [
    {"value": None},
    {"note": "x"},
    {"changes": [{"id": 1, "value": "a"}, {"id": 2, "value": None}, {"id": 3}]},
], bodies
print("ok")
"""

TYPES = """
from typing import assert_type

from krebit import AsyncKrebit, Krebit, paginate
from krebit_api.models import Act, ClientRecord, Subscription, Template


def use(api: Krebit) -> None:
    for act in paginate(api.list_acts, 12345, limit=1):
        assert_type(act, Act)
    for template in paginate(api.list_templates):
        assert_type(template, Template)
    assert_type(api.get_template(7), Template)
    assert_type(api.get_client_by_org_number("x"), ClientRecord)
    assert_type(api.list_webhooks(), list[Subscription])
    api.change_act_data_point("u", 7, value=None)


async def use_async(api: AsyncKrebit) -> None:
    async for act in paginate(api.list_acts, 12345):
        assert_type(act, Act)
    assert_type(await api.list_webhooks(), list[Subscription])
"""


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """The package of a document with the operations of the guides."""
    scratch = Scratch(tmp_path_factory.mktemp("guides"))
    scratch.add_operations(Path(__file__).with_name("guides.yaml"))
    scratch.document["components"]["schemas"] |= SCHEMAS
    scratch.generated()
    return scratch


def test_they_are_called_on_both_clients(guided: Scratch) -> None:
    assert guided.python(CALLS) == "ok\n"


@pytest.mark.slow
def test_they_are_typed_for_mypy_and_pyright(guided: Scratch) -> None:
    for done in guided.check_types(TYPES):
        assert done.returncode == 0, done.stdout
