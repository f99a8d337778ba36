"""Webhook deliveries a second: received, verified and stored for good before each is answered."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from tempfile import TemporaryDirectory

from bench.timing import Measure, Row, paired
from krebit.webhooks import sign

PATH = "/webhooks/krebit"
SECRET = "whsec_of_the_bench"  # noqa: S105
_CONNECTIONS = 16
_DELIVERIES = 600  # in each round


def measure(*, rounds: int) -> Iterator[Row]:
    """Ours against the bare framework, each in a process of its own."""
    with TemporaryDirectory() as folder, asyncio.Runner() as runner, ExitStack() as stack:
        senders = [stack.enter_context(_sender(runner, name, f"{folder}/{name}.db")) for name in ("ours", "by_hand")]
        pair = paired(*senders, rounds=rounds)
    mine, theirs = (1 / statistics.median(taken) for taken in (pair.ours, pair.reference))
    yield Row(
        f"deliveries through `AsgiReceiver` with `SqliteInbox`, {_CONNECTIONS} connections",
        "Starlette with the same HMAC and one insert, as durable",
        pair.ratio,
        1.2,
        detail=f"{mine:.0f} a second against {theirs:.0f}; {pair.detail}",
    )


@contextmanager
def _sender(runner: asyncio.Runner, name: str, file: str) -> Iterator[Measure]:
    """Seconds for one of many deliveries to that receiver, over connections that are kept."""
    command = [sys.executable, "-m", "bench.receiver", name, file]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        numbers = count()
        connections = [runner.run(_connect(port)) for _ in range(_CONNECTIONS)]

        def measure() -> float:
            waiting = [_delivery(next(numbers)) for _ in range(_DELIVERIES)]
            begin = time.perf_counter()
            runner.run(_deliver(connections, waiting))
            return (time.perf_counter() - begin) / _DELIVERIES

        yield measure
        for _, writer in connections:
            writer.close()
    finally:
        process.terminate()
        process.communicate()


_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connect(port: int) -> _Connection:
    return await asyncio.open_connection("127.0.0.1", port)


async def _deliver(connections: list[_Connection], waiting: list[bytes]) -> None:
    """All that waits, by all connections; each sends the next when it has the answer to the one before."""

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while waiting:
            writer.write(waiting.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length[15:]))

    await asyncio.gather(*(work(*connection) for connection in connections))


def _delivery(number: int) -> bytes:
    """A whole request: an act, as the API's documentation shows it."""
    act = {
        "uuid": "123e4567-e89b-12d3-a456-426614174000",
        "client_id": 12345,
        "template_id": 7,
        "template_name": "Årsbokslut",
        "amount": "125000.50",
        "currency": "SEK",
        "language": "sv",
        "created_at": "2024-01-15T08:30:00Z",
        "updated_at": "2024-01-15T08:30:00Z",
    }
    body = json.dumps({"id": f"evt_{number}", "event": "act.created", "data": act}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nX-Signature: {sign(body, SECRET)}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
