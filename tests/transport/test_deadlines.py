"""Every call ends by its deadline, whatever the server, the way to it, or somebody else's timeout do."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from krebit import DeadlineExceeded, KrebitError, TransportError
from krebit_sandbox import Sandbox
from tests.transport.proxies import Proxy
from tests.transport.support import Place, RawServer, Way, answering, arrived, reply

TIMEOUT = 0.4
TIME_TO_ARRIVE = 1.0
"""A timeout of calls whose request must have come to the server by then."""
MARGIN = 10.0
"""The seconds that a busy machine may add. What a test sends in drips takes longer."""
FAULTS: list[dict[str, Any]] = [
    {"kind": "stall"},
    {"kind": "stall_body"},
    {"kind": "drip_headers", "seconds": 0.2},
    {"kind": "drip_body", "seconds": 0.2},
]


def _timed(place: Place, way: Way, timeout: float = TIMEOUT) -> BaseException:
    """The error of a call, which must come in time. Making and closing the client is not part of the call."""
    spent: list[float] = []

    def in_time(api: Any) -> Any:
        started = time.monotonic()
        try:
            return api.get_current_user()
        finally:
            spent.append(time.monotonic() - started)

    async def in_time_too(api: Any) -> Any:
        started = time.monotonic()
        try:
            return await api.get_current_user()
        finally:
            spent.append(time.monotonic() - started)

    error = place.error(way, in_time if way == "blocking" else in_time_too, timeout=timeout)
    assert spent[0] <= timeout + MARGIN
    return error


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["kind"])
@pytest.mark.parametrize("path", ["/api/1.0/me", "/api/oauth/token"])
def test_stalls_and_drips_over_tls(sandbox: Sandbox, way: Way, path: str, fault: dict[str, Any]) -> None:
    sandbox.fault(**fault, path=path, times=None)

    # A login of its own where its request is what stalls: before another one it would only take of its time.
    place = Place.sandbox(sandbox, fresh=path.endswith("/token"), refresh_timeout=TIME_TO_ARRIVE)
    error = _timed(place, way, TIME_TO_ARRIVE)

    assert isinstance(error, DeadlineExceeded)
    assert sandbox.requests[-1].path == path


@pytest.mark.parametrize("part", ["status line", "headers", "body", "chunks", "informational"])
def test_drips_without_tls(way: Way, part: str) -> None:
    def answer(connection: socket.socket, request: Any) -> None:
        head, _, body = reply({"id": 1, "name": "x" * 200}).partition(b"\r\n\r\n")
        if part == "status line":
            server.drip(connection, head)
        elif part == "headers":
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            server.drip(connection, b"X-Filler: 1\r\n" * 100)
        elif part == "body":
            connection.sendall(head + b"\r\n\r\n")
            server.drip(connection, body)
        elif part == "chunks":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            server.drip(connection, b"1\r\n{\r\n" * 100)
        else:
            while not server.stopped.wait(0.05):
                connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    with RawServer(answer) as server:
        assert isinstance(_timed(Place.raw(server), way), DeadlineExceeded)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_flood_without_an_end(way: Way, part: str) -> None:
    """What never blocks must end too: by the deadline, or because nobody sends so much."""

    def answer(connection: socket.socket, request: Any) -> None:
        if part == "headers":
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X-Filler: 1\r\n" * 1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1\r\n \r\n" * 1000)

    with RawServer(answer) as server:
        assert isinstance(_timed(Place.raw(server, retries=0), way), TransportError)


def test_a_server_that_never_shakes_hands(way: Way, sandbox: Sandbox) -> None:
    with RawServer(lambda connection, request: None) as server:
        place = Place.at(server.domain, ca_file=sandbox.ca_file)
        assert isinstance(_timed(place, way), DeadlineExceeded)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["kind"])
@pytest.mark.parametrize(
    ("way", "outer"),
    # aiohttp has TLS within TLS on some platforms only.
    [("blocking", "http"), ("asyncio", "http"), ("aiohttp", "http"), ("blocking", "https"), ("asyncio", "https")],
)
def test_through_a_proxy(
    sandbox: Sandbox, way: Way, server_tls: ssl.SSLContext, outer: str, fault: dict[str, Any]
) -> None:
    sandbox.fault(**fault, path="/api/1.0/me", times=None)
    with Proxy(tls=server_tls if outer == "https" else None) as proxy:
        place = Place.sandbox(sandbox, proxy=f"{outer}://localhost:{proxy.port}")
        assert isinstance(_timed(place, way, TIME_TO_ARRIVE), DeadlineExceeded)
        assert proxy.targets


def test_a_proxy_that_never_answers(sandbox: Sandbox, way: Way) -> None:
    with RawServer(lambda connection, request: server.drip(connection, b"HTTP/1.1 200 OK\r\nX: y\r\n" * 9)) as server:
        place = Place.sandbox(sandbox, proxy=f"http://{server.domain}")
        assert isinstance(_timed(place, way), DeadlineExceeded)


@contextlib.contextmanager
def black_hole(port: int) -> Iterator[str]:
    """An address that takes no connection: a listener whose queue is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.2", port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.2", port))
        yield "127.0.0.2"


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> list[Any]:
        found = [str(host)] if str(host).startswith("127.") else addresses
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port))) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_no_address_answers(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({"id": 1}) as server, black_hole(server.port) as hole:
        _resolve_to(monkeypatch, hole, hole, hole)
        error = _timed(Place.raw(server), way)

    assert isinstance(error, DeadlineExceeded)
    # A task is cancelled from outside, and nobody knows how far it was.
    assert error.sent == (way != "blocking")


def test_the_second_address_answers(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({"id": 1}) as server, black_hole(server.port) as hole:
        _resolve_to(monkeypatch, hole, "127.0.0.1")
        assert Place.raw(server).call(way, lambda api: api.get_current_user(), timeout=6.0).id == 1


@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_a_slow_reader_of_the_request(way: Way) -> None:
    """The body of the request counts as well."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        place = Place.at(f"localhost:{listener.getsockname()[1]}", plain_http=True)
        spent = time.monotonic()
        error = place.error(way, lambda api: api.request("POST", "/x", json={"text": "x" * 2**23}), timeout=TIMEOUT)
        spent = time.monotonic() - spent

    assert isinstance(error, DeadlineExceeded)
    assert spent < TIMEOUT + MARGIN


def _other_timeout(place: Place, way: Way, limit: Callable[[], Any]) -> "tuple[BaseException, int]":
    async def main() -> tuple[BaseException, int]:
        task = asyncio.current_task()
        assert task is not None
        async with place.async_client(way) as api:
            try:
                async with limit():
                    await api.get_current_user()
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                return error, task.cancelling()
        raise AssertionError

    return asyncio.run(main())


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_somebody_elses_timeout_is_not_ours(sandbox: Sandbox, way: Way) -> None:
    sandbox.fault(kind="stall", times=None)

    error, cancelling = _other_timeout(Place.sandbox(sandbox), way, lambda: asyncio.timeout(0.2))

    assert type(error) is TimeoutError
    assert not isinstance(error, KrebitError)
    assert cancelling == 0


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_our_deadline_within_a_longer_one_is_ours(sandbox: Sandbox, way: Way) -> None:
    sandbox.fault(kind="stall", times=None)

    error, cancelling = _other_timeout(Place.sandbox(sandbox, timeout=0.2), way, lambda: asyncio.timeout(20))

    assert isinstance(error, DeadlineExceeded)
    assert cancelling == 0


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
@pytest.mark.parametrize("kind", ["stall", "stall_body", "drip_headers"])
def test_a_cancelled_task_is_cancelled(sandbox: Sandbox, way: Way, kind: str) -> None:
    async def main() -> None:
        async with Place.sandbox(sandbox).async_client(way) as api:
            await api.list_clients()
            sandbox.fault(kind=kind, path="/api/1.0/me", times=None)
            task = asyncio.ensure_future(api.get_current_user())
            await asyncio.to_thread(arrived, sandbox, 2)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError):
                await task
            sandbox.clear_faults()
            assert (await api.get_current_user()).id is not None

    asyncio.run(main())
