"""What the tests of the transport share: clients that are signed in, the ways to call, and a server that misbehaves."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import httpx

from krebit import AsyncKrebit, Krebit, MemoryTokenStore
from krebit.http.send import Reply
from krebit.redaction import Secret
from krebit.stores.record import Login, LoginKey, TokenPair
from krebit_sandbox import Sandbox

CLIENT_ID = "application"
CLIENT_SECRET = "the-secret-of-the-application-0123456789"
ACCESS_TOKEN = "the-access-token-0123456789-0123456789"
LONG = os.environ.get("KREBIT_TESTS_LONG") == "1"

Way = Literal["blocking", "asyncio", "aiohttp"]
WAYS: tuple[Way, ...] = ("blocking", "asyncio", "aiohttp")


def store_for(
    domain: str, client_id: str = CLIENT_ID, token: str = ACCESS_TOKEN, refresh_token: str = "refresh-token"
) -> MemoryTokenStore:
    """A store with a login whose access token does not end, so that no call asks for another one."""
    store = MemoryTokenStore()
    key = LoginKey(domain, client_id)
    with store.lease(key, patience=1) as lease:
        lease.save(Login.empty().with_pair(TokenPair(Secret(token), Secret(refresh_token), None), time.time()))
    return store


@dataclass
class Place:
    """A server to call: what both clients are made with."""

    arguments: dict[str, Any]

    @classmethod
    def sandbox(cls, sandbox: Sandbox, *, fresh: bool = False, **options: Any) -> "Place":
        """The sandbox, with an access token in store; `fresh` makes the first call ask for one."""
        application, tokens = sandbox.application, sandbox.issue_tokens()
        store = MemoryTokenStore() if fresh else None
        return cls(
            {
                "domain": sandbox.domain,
                "client_id": application.client_id,
                "client_secret": application.client_secret,
                "ca_file": sandbox.ca_file,
                "refresh_token": tokens.refresh_token if fresh else None,
                "store": store
                or store_for(sandbox.domain, application.client_id, tokens.access_token, tokens.refresh_token),
                **options,
            }
        )

    @classmethod
    def raw(cls, server: "RawServer", **options: Any) -> "Place":
        """A server of this module."""
        return cls.at(server.domain, plain_http=server.tls is None, **options)

    @classmethod
    def at(cls, domain: str, **options: Any) -> "Place":
        """Any server, with an access token in store."""
        own = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "store": store_for(domain)}
        return cls({"domain": domain, **own, **options})

    def client(self, **options: Any) -> Krebit:
        """A blocking client."""
        return Krebit(**{**self.arguments, **options})

    def async_client(self, way: Way = "asyncio", **options: Any) -> AsyncKrebit:
        """A client for asyncio."""
        extra: dict[str, Any] = {"async_transport": "aiohttp"} if way == "aiohttp" else {}
        return AsyncKrebit(**{**self.arguments, **extra, **options})

    def call(self, way: Way, do: Callable[[Any], Any], **options: Any) -> Any:
        """What `do(client)` returns, awaited where it has to be."""
        if way == "blocking":
            with self.client(**options) as client:
                return do(client)

        async def main() -> Any:
            async with self.async_client(way, **options) as client:
                return await do(client)

        return asyncio.run(main())

    def error(self, way: Way, do: Callable[[Any], Any], **options: Any) -> BaseException:
        """What `do(client)` raises."""
        try:
            value = self.call(way, do, **options)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            return error
        raise AssertionError(f"no error, but {value!r}")


@dataclass
class RawRequest:
    """A request as the server saw it. `number` counts from 1."""

    number: int
    head: bytes
    body: bytes

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}


Answer = Callable[[socket.socket, RawRequest], None]


class RawServer:
    """A server on loopback that writes what the test says, byte by byte. A connection ends when its answer has."""

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None, keep: bool = False) -> None:
        self._answer = answer
        self.tls = tls
        self._keep = keep
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self.domain = f"localhost:{self.port}"
        self.requests: list[RawRequest] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                self.connections += 1
                self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            try:
                while (request := self._read(connection)) is not None:
                    self._answer(connection, request)
                    if not self._keep:
                        break
            finally:
                with self._lock:
                    self._open.discard(connection)
        connection.close()

    def _read(self, connection: socket.socket) -> RawRequest | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = (line.lower().partition(b":") for line in head.split(b"\r\n"))
        length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
        while len(body) < length:
            piece = connection.recv(65536)
            if not piece:
                return None
            body += piece
        with self._lock:
            request = RawRequest(len(self.requests) + 1, head, body)
            self.requests.append(request)
        return request

    def drip(self, connection: socket.socket, data: bytes, seconds: float = 0.2) -> None:
        """Write a byte each so many seconds, until the test ends."""
        for byte in data:
            connection.sendall(bytes((byte,)))
            if self.stopped.wait(seconds):
                return


def reply(
    content: Any, status: str = "200 OK", headers: tuple[tuple[str, str], ...] = (), *, keep: bool = False
) -> bytes:
    """A whole answer; what is not bytes is sent as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    own = {name.lower() for name, _ in headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    if "content-type" not in own:
        lines.append("Content-Type: application/json")
    if "content-length" not in own and "transfer-encoding" not in own:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: keep-alive" if keep else "Connection: close")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def received_reply(status: int, **headers: str) -> Reply:
    """Return an answer as the client has read it."""
    raw = [(name.replace("_", "-").encode(), value.encode("utf-8", "surrogatepass")) for name, value in headers.items()]
    return Reply(status, httpx.Headers(raw), b"")


@contextlib.contextmanager
def answering(content: Any, status: str = "200 OK", headers: tuple[tuple[str, str], ...] = ()) -> Iterator[RawServer]:
    """A server that always gives the same answer."""
    with RawServer(lambda connection, request: connection.sendall(reply(content, status, headers))) as server:
        yield server


async def gathered(calls: list[Awaitable[Any]]) -> list[Any]:
    """What all of them return."""
    return list(await asyncio.gather(*calls))


def arrived(sandbox: Sandbox, count: int) -> None:
    """Wait until the sandbox has seen so many requests."""
    end = time.monotonic() + 60
    while len(sandbox.requests) < count:
        assert time.monotonic() < end, f"{len(sandbox.requests)} requests have come, not {count}"
        time.sleep(0.005)


def facts_of(records: list[logging.LogRecord]) -> list[dict[str, Any]]:
    """Return the library's notes of its attempts, without those that threads of an earlier test still make."""
    return [vars(record)["krebit"] for record in records if "krebit" in vars(record) and not _is_ahead(record)]


def _is_ahead(record: logging.LogRecord) -> bool:
    return record.threadName == "krebit-call"


def descriptors() -> int:
    """Open files and sockets of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def connections_to(domain: str) -> int:
    """Sockets of clients that are open to a server on this machine (states ESTABLISHED and CLOSE_WAIT)."""
    port = f":{int(domain.rpartition(':')[2]):04X}"
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path("/proc/net", table).read_text().splitlines()[1:]]
    return sum(row[2].endswith(port) and row[3] in ("01", "08") for row in rows)
