"""The WSGI receiver: the handler runs in `close()`, under the standard library's server and its validator."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from krebit.webhooks import MemoryInbox, Receiver, WebhookEvent, WsgiReceiver
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.client import send


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Not in the tests' output."""


@contextmanager
def serving(app: Any) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_application_keeps_the_rules_of_wsgi_under_the_standard_server() -> None:
    handled: list[WebhookEvent] = []
    with serving(validator(WsgiReceiver(Receiver(SECRET, handled.append, inbox=MemoryInbox())))) as port:
        body = act_created()
        assert send(port, body, signed(body)) == (200, b"stored\n")
        assert send(port, body, signed(body)) == (200, b"known\n")
        assert send(port, body, signed(b"other"))[0] == 401
    assert [event.id for event in handled] == ["evt_1"]


def environ(body: bytes, **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(result)
    return result | {"HTTP_X_SIGNATURE": signed(body)[0][1].decode()} | more


def call(app: WsgiReceiver, environ: dict[str, Any]) -> tuple[str, Any]:
    statuses: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        statuses.append(status)

    answer = app(environ, start_response)
    return statuses[0], answer


def test_the_handler_waits_for_close_and_runs_once() -> None:
    handled: list[WebhookEvent] = []
    app = WsgiReceiver(Receiver(SECRET, handled.append, inbox=MemoryInbox()))
    status, answer = call(app, environ(act_created()))
    assert status == "200 OK"
    assert b"".join(answer) == b"stored\n"
    assert handled == []
    answer.close()
    answer.close()
    assert len(handled) == 1


@pytest.mark.parametrize("length", ["", "-1", "1e3", "\u0665", "abc", "0" * 10_000])
def test_without_a_length_nothing_is_read_that_would_never_end(length: str) -> None:
    app = WsgiReceiver(Receiver(SECRET, print, inbox=MemoryInbox()))
    assert call(app, environ(act_created(), CONTENT_LENGTH=length))[0].startswith("401")


def test_an_input_that_breaks_is_a_refusal() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise RuntimeError("no more data")

    app = WsgiReceiver(Receiver(SECRET, print, inbox=MemoryInbox()))
    assert call(app, environ(act_created(), **{"wsgi.input": Broken()}))[0].startswith("401")


def test_what_was_left_pending_is_handled_after_the_first_delivery() -> None:
    handled: list[object] = []
    receiver = Receiver(SECRET, lambda event: handled.append(event.id), inbox=MemoryInbox())
    _, left = receiver.receive(act_created("left"), signed(act_created("left")))
    assert left is not None
    receiver.settle(left, ValueError())
    _, answer = call(WsgiReceiver(receiver), environ(act_created("now")))
    answer.close()
    assert handled == ["now", "left"]
