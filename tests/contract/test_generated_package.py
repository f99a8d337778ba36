"""The generated package as a whole: it loads only what a call needs, and works without the overlay."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
import threading
import typing
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

import krebit_api
from krebit_api import AuthenticatedClient, models
from krebit_api.api import Operations
from krebit_api.api.acts import get_act_data
from krebit_api.api.clients import get_client, list_clients
from krebit_api.api.webhooks import create_webhook
from krebit_api.errors import UnexpectedStatus
from krebit_api.models import (
    ActDataEnvelope,
    ClientPage,
    ClientRecord,
    ClientRecordEnvelope,
    ErrorMessage,
    WebhookStoreRequest,
    WebhookSubscription,
)

from .conftest import Scratch

LOADED = "import sys; print(sorted(name for name in sys.modules if name.split('.')[0] in ('krebit_api', 'httpx')))"

# What is loaded with the operations: nothing that grows with the document.
READY = ["api", "errors", "kinds", "models", "operations", "results", "scalars", "types"]


def loaded_after(program: str) -> list[str]:
    """The modules of krebit_api and httpx that a program has loaded at its end."""
    command = [sys.executable, "-c", f"{program}\n{LOADED}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names: list[str] = json.loads(done.stdout.replace("'", '"'))
    return [name for name in names if not name.startswith("httpx.")]


def test_the_operations_load_no_endpoint_no_model_and_no_httpx() -> None:
    assert loaded_after("import krebit_api") == ["krebit_api"]
    assert loaded_after("import krebit_api.api") == ["krebit_api", *(f"krebit_api.{name}" for name in READY)]
    assert loaded_after("import krebit_api.models") == ["krebit_api", "krebit_api.models"]


def test_a_call_loads_its_own_endpoint_and_model_only() -> None:
    program = """
from krebit_api.api import Operations
class Client(Operations):
    def _send(self, operation, request, result):
        return result.model.from_dict({"id": 12345})
assert Client().get_client(12345).id == 12345
"""
    loaded = loaded_after(program)
    assert [name for name in loaded if name.startswith("krebit_api.models.")] == ["krebit_api.models.client_record"]
    assert [name for name in loaded if name.startswith("krebit_api.api.")] == [
        "krebit_api.api.clients",
        "krebit_api.api.clients.get_client",
    ]


@pytest.mark.slow
def test_a_hundred_resources_load_no_more(scratch: Scratch) -> None:
    for number in range(100):
        scratch.document["components"]["schemas"][f"Thing{number}"] = {
            "type": "object",
            "properties": {"id": {"type": "integer"}},
        }
        scratch.document["paths"][f"/api/1.0/things{number}"] = {
            "get": {
                "operationId": f"get_thing{number}",
                "tags": [f"things{number}"],
                "security": [{"oauth2": []}],
                "responses": {
                    "200": {
                        "description": "A thing.",
                        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/Thing{number}"}}},
                    }
                },
            }
        }
    scratch.generated()
    printed = scratch.python(f"import krebit_api.api, krebit_api.models\n{LOADED}")
    assert ast.literal_eval(printed) == ["krebit_api", *(f"krebit_api.{name}" for name in READY)]


def test_lazy_names_are_those_of_all_and_no_others() -> None:
    for package in (krebit_api, models):
        assert set(package.__all__) <= set(dir(package))
        for name in package.__all__:
            assert getattr(package, name).__name__ == name
        with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
            getattr(package, "Nonsense")  # noqa: B009
    with pytest.raises(ImportError):
        from krebit_api.models import Nonsense  # type: ignore[attr-defined]  # noqa: F401


def test_the_annotations_of_everything_public_can_be_read_at_run_time() -> None:
    found = 0
    for module in pkgutil.walk_packages(krebit_api.__path__, "krebit_api."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.name:
                continue
            members = [value]
            if inspect.isclass(value):
                members += [part for part in vars(value).values() if inspect.isfunction(part)]
            for member in members:
                if inspect.isclass(member) or inspect.isfunction(member):
                    typing.get_type_hints(member)
                    found += 1
    assert found > 150
    assert typing.get_type_hints(Operations.get_client)["return"] is ClientRecord


def test_the_overlay_has_the_records_without_listing_them() -> None:
    from krebit import models as ours

    assert ours.ClientRecord is ClientRecord
    assert set(dir(ours)) == set(models.__all__)
    with pytest.raises(AttributeError, match=r"krebit.models.* has no attribute 'Nonsense'"):
        getattr(ours, "Nonsense")  # noqa: B009
    assert loaded_after("import krebit.models") == ["krebit_api", "krebit_api.models"]


class Tenant(BaseHTTPRequestHandler):
    """Answers what the test has put under the path, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, tuple[int, Any]]
    asked: list[tuple[str, str, str | None, bytes]]

    def reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, self.headers["Authorization"], body))
        status, answer = self.answers[self.path.split("?")[0]]
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.reply()

    def do_POST(self) -> None:
        self.reply()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def tenant() -> Iterator[tuple[str, type[Tenant]]]:
    handler = type("Handler", (Tenant,), {"answers": {}, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def test_the_functions_work_on_their_own(tenant: tuple[str, type[Tenant]]) -> None:
    url, handler = tenant
    record = {"id": 12345, "company_name": "Norrsken Verkstad AB", "credit_limit": 0.1, "rating": 3}
    handler.answers = {
        "/api/1.0/clients": (200, {"data": [record]}),
        "/api/1.0/clients/1": (200, record),
        "/api/1.0/clients/2": (200, {"data": record}),
        "/api/1.0/clients/3": (404, {"message": "Not Found"}),
        "/api/1.0/clients/4": (418, {}),
        "/api/1.0/acts/a%2Fb/data": (200, {"data": [{"id": 901}]}),
        "/api/1.0/acts/c/data": (200, [{"id": 901}]),
        "/api/1.0/webhooks": (201, {"id": 17, "secret": "s"}),
    }
    with AuthenticatedClient(url, token="access") as client:
        page = list_clients.sync(client=client, limit=5)
        assert isinstance(page, ClientPage)
        assert page.data[0].company_name == "Norrsken Verkstad AB"
        assert repr(page.data[0].credit_limit) == "Decimal('0.1')"
        assert repr(page.data[0].rating) == "3.0"
        assert isinstance(get_client.sync(1, client=client), ClientRecord)
        wrapped = get_client.sync(2, client=client)
        assert isinstance(wrapped, ClientRecordEnvelope)
        assert wrapped.data.id == 12345
        missing = get_client.sync_detailed(3, client=client)
        assert missing.status_code == 404
        assert missing.parsed == ErrorMessage(message="Not Found")
        assert get_client.sync(4, client=client) is None
        assert isinstance(get_act_data.sync("a/b", client=client), ActDataEnvelope)
        points = get_act_data.sync("c", client=client)
        assert isinstance(points, list)
        assert points[0].id == 901
        request = WebhookStoreRequest(event="act.created", target="https://example.com/webhooks/krebit")
        assert isinstance(create_webhook.sync(client=client, body=request), WebhookSubscription)
    assert handler.asked[0] == ("GET", "/api/1.0/clients?limit=5&page=1", "Bearer access", b"")
    assert json.loads(handler.asked[-1][3]) == request.to_dict()


def test_the_functions_work_awaited(tenant: tuple[str, type[Tenant]]) -> None:
    url, handler = tenant
    handler.answers = {"/api/1.0/clients": (200, {"data": []}), "/api/1.0/clients/4": (418, {})}

    async def walk() -> None:
        async with AuthenticatedClient(url, token="access", raise_on_unexpected_status=True) as client:
            assert await list_clients.asyncio(client=client) == ClientPage(data=[])
            detailed = await list_clients.asyncio_detailed(client=client)
            assert detailed.status_code == 200
            with pytest.raises(UnexpectedStatus):
                await get_client.asyncio(4, client=client)

    asyncio.run(walk())


@pytest.mark.parametrize("status", [200, 404, 419, 499, 520, 999])
def test_a_status_that_the_standard_library_does_not_know(status: int) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json={"id": 7, "message": "x"}))
    with AuthenticatedClient(
        base_url="https://tenant.example", token="t", httpx_args={"transport": transport}
    ) as client:
        found = get_client.sync_detailed(3, client=client)
    assert found.status_code == status
    assert str(int(found.status_code)) in repr(found)
