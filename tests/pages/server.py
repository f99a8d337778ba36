"""A list server of the tests' own: each page is whatever a function says, stalls included."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

STALL = object()
"""An answer that never comes."""

TOKENS = {"access_token": "access", "refresh_token": "refresh", "token_type": "Bearer", "expires_in": 3600}


@dataclass(frozen=True)
class Answer:
    """A status with a body and headers."""

    content: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[int], Any]


def record(number: int) -> dict[str, Any]:
    """A client record of that number."""
    return {"id": number, "company_name": f"Company {number}", "credit_limit": "100.50"}


def records(*numbers: int) -> list[dict[str, Any]]:
    """Client records of those numbers."""
    return [record(number) for number in numbers]


def stalling_from(page: int) -> Callable[[int], Any]:
    """Return a script: page after page of one record each, of a hundred; no answer from that page on."""
    return lambda number: STALL if number >= page else {"data": records(number), "meta": {"last_page": 100}}


class ListServer:
    """Serves plain HTTP on loopback. `script` gives a page's JSON, an Answer, or STALL."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[int] = []
        self.queries: list[dict[str, list[str]]] = []
        self.changed = threading.Condition()
        self.stalled = 0
        self.gone = 0
        """Stalled requests whose connection the client has ended."""
        self.hung_up = False
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def domain(self) -> str:
        return f"localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.end()
        self._thread.join()

    def hang_up(self) -> None:
        """End every connection, and those that arrive too late for it once they would stall."""
        self.hung_up = True
        self._server.end_connections()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Block until it holds; AssertionError if it never does."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout=60), "the server waited in vain"


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def __init__(self, owner: ListServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner
        self.open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what these tests are about."""

    def end(self) -> None:
        self.shutdown()
        self.end_connections()
        self.server_close()

    def end_connections(self) -> None:
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self.owner = self.server.owner
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing is logged."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(Answer(TOKENS))

    def do_GET(self) -> None:
        owner = self.owner
        query = parse_qs(urlsplit(self.path).query)
        page = int(query["page"][0])
        with owner.changed:
            owner.asked.append(page)
            owner.queries.append(query)
            owner.changed.notify_all()
        found = owner.script(page)
        if found is STALL:
            self._stall()
        else:
            self._answer(found if isinstance(found, Answer) else Answer(found))

    def _stall(self) -> None:
        owner = self.owner
        with owner.changed:
            owner.stalled += 1
            owner.changed.notify_all()
        try:
            if not owner.hung_up:
                self.connection.recv(1)  # nothing more is sent: this returns when the client hangs up
        except OSError:
            pass
        finally:
            self.close_connection = True
            with owner.changed:
                owner.gone += 1
                owner.changed.notify_all()

    def _answer(self, answer: Answer) -> None:
        body = json.dumps(answer.content).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
