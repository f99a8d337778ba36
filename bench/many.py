"""Many calls: `each` against raw sockets, httpx and aiohttp in the same run; and the memory of 100,000 calls."""

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import repeat
from typing import Any

from bench.calls import PATH
from bench.clients import make, plain
from bench.server import Server
from bench.timing import Measure, Row, paired
from krebit import AsyncKrebit, Krebit, each

_CALLS = 3000
_WIDTH = 16
_LATENCY = 0.02
_AUTHORIZATION = {"Authorization": "Bearer access-token", "Accept": "application/json"}

MEMORY = """
    import sys
    from itertools import repeat
    from krebit import Krebit, MemoryTokenStore, each

    def kilobytes(name):
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

    with Krebit(sys.argv[1], "application", "secret", refresh_token="refresh-0", plain_http=True,
                store=MemoryTokenStore()) as api:
        for number, found in enumerate(each(api.get_client, repeat(12345, 100_000)), 1):
            assert found.ok
            if number == 5_000:
                open("/proc/self/clear_refs", "w").write("5")  # the peak is counted from here
                start = kilobytes("VmRSS:")
    print(kilobytes("VmHWM:") - start)
"""


def measure(*, rounds: int) -> Iterator[Row]:
    """With latency, where the waiting counts; without, where the processor does; and memory."""
    rounds = max(3, rounds // 3)
    name = f"{_CALLS} calls with `each`, {_WIDTH} at the same time, 20 ms each"
    with Server(delay=_LATENCY) as server:
        sockets = _sockets(server)
        yield _row(f"{name}, threads", "raw sockets in threads", _threads(server), sockets, 1.10, rounds)
        if find_spec("httpx_aiohttp") is not None:
            ours = _tasks(server, async_transport="aiohttp")
            yield _row(f"{name}, tasks, aiohttp extra", "the same", ours, sockets, 1.10, rounds)
        yield _row(f"{name}, tasks, httpx's transport", "the same", _tasks(server), sockets, 1.20, rounds)
    name = f"{_CALLS} calls with `each`, {_WIDTH} at the same time, answered immediately"
    with Server() as server:
        reference = f"`httpx.Client` in a pool of {_WIDTH}"
        yield _row(f"{name}, threads", reference, _threads(server), _httpx(server), 0.95, rounds)
        if find_spec("httpx_aiohttp") is not None:
            ours = _tasks(server, async_transport="aiohttp")
            yield _row(f"{name}, tasks, aiohttp extra", "bare aiohttp", ours, _aiohttp(server), 2.5, rounds)
    if sys.platform == "linux":
        yield _memory()


def _row(name: str, reference: str, ours: Measure, theirs: Measure, goal: float, rounds: int) -> Row:
    pair = paired(ours, theirs, rounds=rounds)
    return Row(name, reference, pair.ratio, goal, detail=pair.detail)


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _threads(server: Server) -> Measure:
    def work() -> None:
        with make(Krebit, server) as api:
            assert sum(found.ok for found in each(api.get_client, repeat(12345, _CALLS), concurrency=_WIDTH)) == _CALLS

    return lambda: _seconds(work)


def _tasks(server: Server, **options: Any) -> Measure:
    async def work() -> None:
        async with make(AsyncKrebit, server, **options) as api:
            count = 0
            async for found in each(api.get_client, repeat(12345, _CALLS), concurrency=_WIDTH):
                count += found.ok
            assert count == _CALLS

    return lambda: _seconds(lambda: asyncio.run(work()))


def _sockets(server: Server) -> Measure:
    """The least that a client can do: bytes out, bytes in, over connections that are kept."""
    host, _, port = server.domain.partition(":")
    request = f"GET {PATH} HTTP/1.1\r\nHost: {server.domain}\r\nAuthorization: Bearer access-token\r\n\r\n".encode()

    def work(numbers: Iterator[int], lock: threading.Lock) -> None:
        with socket.create_connection((host, int(port))) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    if next(numbers, None) is None:
                        return
                connection.sendall(request)
                _read_answer(connection)

    def all_of_them() -> None:
        numbers, lock = iter(range(_CALLS)), threading.Lock()
        threads = [threading.Thread(target=work, args=(numbers, lock)) for _ in range(_WIDTH)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return lambda: _seconds(all_of_them)


def _read_answer(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += connection.recv(65536)


def _httpx(server: Server) -> Measure:
    def work() -> None:
        with plain(server) as client, ThreadPoolExecutor(_WIDTH) as pool:
            found = pool.map(lambda _: client.get(PATH).json()["data"]["id"], range(_CALLS))
            assert sum(1 for _ in found) == _CALLS

    return lambda: _seconds(work)


def _aiohttp(server: Server) -> Measure:
    import aiohttp

    async def work() -> None:
        async with aiohttp.ClientSession(server.url, headers=_AUTHORIZATION) as session:
            numbers = iter(range(_CALLS))

            async def calls() -> None:
                for _ in numbers:
                    async with session.get(PATH) as response:
                        assert (await response.json())["data"]["id"] == 12345

            await asyncio.gather(*(calls() for _ in range(_WIDTH)))

    return lambda: _seconds(lambda: asyncio.run(work()))


def _memory() -> Row:
    with Server() as server:
        command = [sys.executable, "-c", textwrap.dedent(MEMORY), server.domain]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    megabytes = int(done.stdout) / 1024
    return Row("100,000 calls with `each`", "memory above that after 5,000", megabytes, 2, shown=f"{megabytes:.1f} MB")
