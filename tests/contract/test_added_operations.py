"""An operation that is added to the document is a typed method at once, with no other edit."""

from __future__ import annotations

import ast
import importlib

import pytest

from krebit import AsyncKrebit, Krebit
from krebit_api.api import AsyncOperations, Operations

from .added_operations import grown
from .conftest import ROOT, Scratch

__all__ = ["grown"]


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

def send(operation, request, result):
    found = [read(result, answer) for answer in ANSWERS]
    return tuple(operation), request(), result.model and result.model.__name__, found

class Client(Operations):
    def _send(self, *given):
        return send(*given)

class AsyncClient(AsyncOperations):
    async def _send(self, *given):
        return send(*given)

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


@pytest.mark.parametrize(("client", "operations"), [(Krebit, Operations), (AsyncKrebit, AsyncOperations)])
def test_no_operation_may_take_a_name_that_the_clients_have(
    client: type, operations: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    taken: set[str] = importlib.import_module("refusals").TAKEN_OPERATIONS
    own = {name for name in set(dir(client)) - set(dir(operations)) if not name.startswith("_")}
    assert own == taken
    # And none has: an operation that a client defines once more would be hidden by it.
    assert not {name for kind in client.__mro__ if kind is not operations for name in vars(kind)} & {
        name for name in vars(operations) if not name.startswith("_")
    }
