"""The test clients of the frameworks, bridges to serverless hosts, and the receiver mounted, routed and in front."""

import asyncio
import base64
import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from krebit.webhooks import AsgiReceiver, MemoryInbox, Receiver, WebhookEvent, WsgiReceiver
from tests.waiting import wait_for
from tests.webhooks.cases import ACT, SECRET, act_created, signed
from tests.webhooks.client import PATH
from tests.webhooks.workers import stop

handled: list[object] = []


@pytest.fixture
def receiver() -> Receiver:
    handled.clear()
    return Receiver(SECRET, lambda event: handled.append(event.id), inbox=MemoryInbox(), handle_here=False)


def texts(body: bytes) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in signed(body)}


def starlette_post(app: Any, path: str, body: bytes) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient

        with TestClient(app, follow_redirects=False) as client:
            status: int = client.post(path, content=body, headers=texts(body)).status_code
            return status


def flask_post(app: Any, path: str, body: bytes) -> int:
    from flask import Flask

    flask = Flask(__name__)
    flask.wsgi_app = app(flask.wsgi_app)  # type: ignore[method-assign]
    status: int = flask.test_client().post(path, data=body, headers=texts(body)).status_code
    return status


def in_front(receiver: Receiver) -> Any:
    return AsgiReceiver(receiver, Starlette(), path=PATH)


def mounted(receiver: Receiver) -> Any:
    """At the folder, not at the path itself: a Mount redirects the path without a slash, and senders do not follow."""
    return Starlette(routes=[Mount("/webhooks", AsgiReceiver(receiver))])


def routed(receiver: Receiver) -> Any:
    return Starlette(routes=[Route(path, AsgiReceiver(receiver)) for path in (PATH, f"{PATH}/")])


def within_fastapi(receiver: Receiver) -> Any:
    from fastapi import FastAPI

    app = FastAPI()
    app.mount("/webhooks", AsgiReceiver(receiver))
    return app


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
@pytest.mark.parametrize("place", [in_front, mounted, routed, within_fastapi])
def test_under_starlette_s_test_client(place: Callable[[Receiver], Any], path: str, receiver: Receiver) -> None:
    assert starlette_post(place(receiver), path, act_created(path)) == 200
    assert receiver.drain() == 1
    assert handled == [path]


def test_starlette_s_test_client_runs_the_worker_of_a_lifespan() -> None:
    handled: list[object] = []

    async def handle(event: WebhookEvent) -> None:
        handled.append(event.id)

    app = AsgiReceiver(Receiver(SECRET, handle, inbox=MemoryInbox()))
    assert starlette_post(app, PATH, act_created()) == 200
    # What was not begun when the client closed stays in the inbox.
    assert handled in ([], ["evt_1"])


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_under_flask_s_test_client(path: str, receiver: Receiver) -> None:
    assert flask_post(lambda app: WsgiReceiver(receiver, app, path=PATH), path, act_created(path)) == 200
    assert receiver.drain() == 1
    assert handled == [path]


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_under_django_s_test_client(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KREBIT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.webhooks.django_project")
    import django
    from django.test import Client

    django.setup()
    caplog.set_level("INFO", "shop")
    client: Any = Client(enforce_csrf_checks=True)
    body = act_created(path)
    answer = client.post(path, data=body, content_type="application/json", headers=texts(body))
    assert answer.status_code == 200
    assert client.post(path, data=b"{}", content_type="application/json", headers=texts(body)).status_code == 401
    assert client.get(path).status_code == 405
    wait_for(lambda: f"act {ACT['uuid']} of client 12345" in caplog.messages)
    stop(importlib.import_module("django_app").receiver)


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_under_mangum_as_on_lambda(encoded: bool, receiver: Receiver) -> None:
    """A gateway's event, as AWS documents it; the worker is elsewhere."""
    from mangum import Mangum

    body = act_created()
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": PATH,
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in texts(body).items()},
        "requestContext": {"http": {"method": "POST", "path": PATH, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}},
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }
    with asyncio.Runner() as runner:  # Mangum runs on the thread's event loop, and would leave its own open
        asyncio.set_event_loop(runner.get_loop())
        adapter: Any = Mangum(AsgiReceiver(receiver), lifespan="off")
        assert adapter(event, {})["statusCode"] == 200
        assert adapter(event, {})["body"] == "known\n"
    assert receiver.drain() == 1
