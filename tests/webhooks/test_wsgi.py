"""The WSGI receiver: under the standard library's server and its validator, alone or in front of an application."""

import io
import threading
import tracemalloc
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

PATH = "/webhooks/krebit"


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


def receiver_of(handled: list[WebhookEvent], **settings: Any) -> Receiver:
    return Receiver(SECRET, handled.append, inbox=MemoryInbox(), handle_here=False, **settings)


def test_the_application_keeps_the_rules_of_wsgi_under_the_standard_server() -> None:
    handled: list[WebhookEvent] = []
    receiver = receiver_of(handled)
    with serving(validator(WsgiReceiver(receiver))) as port:
        body = act_created()
        assert send(port, body, signed(body)) == (200, b"stored\n")
        assert send(port, body, signed(body)) == (200, b"known\n")
        assert send(port, body, signed(b"other"))[0] == 401
    receiver.drain()
    assert [event.id for event in handled] == ["evt_1"]


def environ(body: bytes, **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(result)
    return result | {"HTTP_X_SIGNATURE": signed(body)[0][1].decode()} | more


def call(app: WsgiReceiver, environ: dict[str, Any]) -> str:
    statuses: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        statuses.append(status)

    app(environ, start_response)
    return statuses[0]


def elsewhere(environ: Any, start_response: Any) -> list[bytes]:
    """The application that stands behind."""
    start_response("204 No Content", [])
    return []


@pytest.mark.parametrize(
    ("path", "status"),
    [(PATH, "200 OK"), (f"{PATH}/", "200 OK"), (f"{PATH}/more", "204 No Content"), ("", "204 No Content")],
)
@pytest.mark.parametrize("configured", [PATH, f"{PATH}/"])
def test_in_front_of_an_application_it_answers_at_its_path(path: str, status: str, configured: str) -> None:
    app = WsgiReceiver(receiver_of([]), elsewhere, path=configured)
    assert call(app, environ(act_created(), PATH_INFO=path, SCRIPT_NAME="/prefix")) == status


def test_an_application_without_a_path_is_a_mistake_that_is_said() -> None:
    several: list[dict[str, Any]] = [{"app": elsewhere}, {"path": PATH}]
    for arguments in several:
        with pytest.raises(TypeError, match="both app and path"):
            WsgiReceiver(receiver_of([]), **arguments)


@pytest.mark.parametrize("length", ["", "-1", "1e3", "\u0665", "abc", "0" * 10_000])
def test_without_a_length_nothing_is_read_that_would_never_end(length: str) -> None:
    assert call(WsgiReceiver(receiver_of([])), environ(act_created(), CONTENT_LENGTH=length)).startswith("401")


def test_a_body_in_chunks_is_read_to_its_end_where_the_server_says_that_it_has_one() -> None:
    terminated = environ(act_created(), CONTENT_LENGTH="", **{"wsgi.input_terminated": True})
    assert call(WsgiReceiver(receiver_of([])), terminated) == "200 OK"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_takes_no_more_memory_than_twice_the_cap(announced: bool) -> None:
    limit = 4 * 1024 * 1024

    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size: int = -1) -> bytes:
            self.read_so_far += size
            return b"x" * size

    source = Endless()
    length = {"CONTENT_LENGTH": str(limit + 1)} if announced else {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    tracemalloc.start()
    try:
        status = call(WsgiReceiver(receiver_of([], max_body=limit)), environ(b"x", **{**length, "wsgi.input": source}))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status.startswith("413")
    assert source.read_so_far == (0 if announced else limit + 1)
    assert peak <= 2 * limit


def test_an_input_that_breaks_is_a_refusal() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise RuntimeError("no more data")

    broken = environ(act_created(), **{"wsgi.input": Broken()})
    assert call(WsgiReceiver(receiver_of([])), broken).startswith("401")
