"""Webhook deliveries a second: received, verified and stored for good before each is answered."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

from bench.timing import Row, paired, shown
from krebit.webhooks import sign
from tests.postgres import find_binaries, postgres_server

PATH = "/webhooks/krebit"
HANDLED = "/handled"
SECRET = "whsec_of_the_bench"  # noqa: S105
_CONNECTIONS = 16
_DELIVERIES = 600  # in each round
_SINGLE = 150  # one by one
_GOAL = 1.7  # with a commit for each


def measure(*, rounds: int) -> Iterator[Row]:
    """Ours against the bare framework, each in a process of its own; and from a delivery to its handler."""
    with asyncio.Runner() as runner, TemporaryDirectory() as folder:
        yield from _compare(runner, "SqliteInbox", "sqlite", lambda name: f"{folder}/{name}.db", rounds)
        yield _latency(runner, "SqliteInbox", "sqlite", f"{folder}/latency.db")
    if find_binaries() is None:
        return
    with asyncio.Runner() as runner, postgres_server() as server:
        yield from _compare(runner, "PostgresInbox", "postgres", lambda name: server.new_database(), rounds)
        yield _latency(runner, "PostgresInbox", "postgres", server.new_database())


def _compare(runner: asyncio.Runner, inbox: str, kind: str, place: Callable[[str], str], rounds: int) -> Iterator[Row]:
    with ExitStack() as stack:
        names = (kind, f"{kind}_by_hand")
        senders = [stack.enter_context(_receiver(runner, name, place(name))) for name in names]
        pair = paired(*(sender.seconds for sender in senders), rounds=rounds)
        sent = senders[0].sent
        handled = len(runner.run(senders[0].handled()))
    mine, theirs = (1 / statistics.median(taken) for taken in (pair.ours, pair.reference))
    yield Row(
        f"deliveries through `AsgiReceiver` with `{inbox}`, {_CONNECTIONS} connections, while the worker drains",
        "Starlette with the same HMAC and one insert, as durable",
        pair.ratio,
        _GOAL,
        detail=f"{mine:.0f} a second against {theirs:.0f}; {pair.detail}; {handled} of {sent} handled at the end",
    )


def _latency(runner: asyncio.Runner, inbox: str, kind: str, place: str) -> Row:
    """From the moment when a delivery is sent to the moment when its handler is called."""
    with _receiver(runner, kind, place) as receiver:
        sent = runner.run(receiver.one_by_one(_SINGLE))
        handled = runner.run(receiver.handled())
    took = sorted(handled[name] - at for name, at in sent.items())
    median = statistics.median(took)
    return Row(
        f"from a delivery to its handler in the same process, `{inbox}`",
        "",
        median * 1000,
        20.0,
        shown=shown(median),
        detail=f"the slowest of twenty {shown(took[-len(took) // 20])}",
    )


class _Receiver:
    """A receiver's process, and connections to it that are kept."""

    def __init__(self, runner: asyncio.Runner, port: int) -> None:
        self._runner = runner
        self._port = port
        self.sent = 0
        self.connections = [runner.run(asyncio.open_connection("127.0.0.1", port)) for _ in range(_CONNECTIONS)]

    def seconds(self) -> float:
        """Return the seconds for one of many deliveries."""
        waiting = [_delivery(self.sent + number) for number in range(_DELIVERIES)]
        self.sent += _DELIVERIES
        begin = time.perf_counter()
        self._runner.run(_deliver(self.connections, waiting))
        return (time.perf_counter() - begin) / _DELIVERIES

    async def one_by_one(self, number: int) -> dict[str, float]:
        """Send so many, each when the one before has had time to be handled. Return the time at which each was sent."""
        at = {}
        for each in range(number):
            at[f"evt_{each}"] = time.time()
            await _deliver(self.connections[:1], [_delivery(each)])
            await asyncio.sleep(0.03)
        return at

    async def handled(self) -> dict[str, float]:
        """Return the time at which each delivery was handled that is handled by now."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"GET {HANDLED} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        _, _, text = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return {name: float(at) for name, at in (line.split() for line in text.splitlines())}


@contextmanager
def _receiver(runner: asyncio.Runner, name: str, place: str) -> Iterator[_Receiver]:
    command = [sys.executable, "-m", "bench.receiver", name, place]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        receiver = _Receiver(runner, int(process.stdout.readline()))
        yield receiver
        for _, writer in receiver.connections:
            writer.close()
    finally:
        process.terminate()
        process.communicate()


_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
