"""Walks through 10,000 records at 20 ms a request, and the memory that 100,000 take."""

import asyncio
import math
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from bench.clients import make
from bench.server import Server
from bench.timing import Row, shown
from krebit import AsyncKrebit, Krebit, paginate

_LATENCY = 0.02
_PREFETCH = 16
_IDEAL = (1 + math.ceil(99 / _PREFETCH)) * _LATENCY

MEMORY = """
    import sys
    from krebit import Krebit, MemoryTokenStore, paginate

    def kilobytes(name):
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

    api = Krebit(sys.argv[1], "application", "secret", refresh_token="refresh-0", plain_http=True,
                 store=MemoryTokenStore())
    api.list_clients(limit=100)
    open("/proc/self/clear_refs", "w").write("5")  # the peak is counted from here
    start = kilobytes("VmRSS:")
    count = sum(1 for _ in paginate(api.list_clients, limit=100).options(prefetch=16))
    assert count == 100_000, count
    print(kilobytes("VmHWM:") - start)
"""


def measure(*, rounds: int) -> Iterator[Row]:
    """Blocking, asynchronous, and memory."""
    reference = f"(1 + ⌈99/16⌉) · 20 ms = {shown(_IDEAL)}"
    with Server(delay=_LATENCY, pages=100) as server:
        taken = _blocking(server, rounds)
        name = "10,000 records, 100 a page, 20 ms a request, prefetch 16, sync"
        yield Row(name, reference, _ratio(taken), 1.25, detail=_detail(taken))
        peers = f"over httpx's own transport {_ratio(asyncio.run(_asynchronous(server, rounds))):.2f}"
        if find_spec("httpx_aiohttp") is not None:
            taken = asyncio.run(_asynchronous(server, rounds, async_transport="aiohttp"))
            yield Row(
                "the same, async, aiohttp extra", "the same", _ratio(taken), 1.25, detail=_detail(taken), peers=peers
            )
    if sys.platform == "linux":
        yield _memory()


def _ratio(taken: list[float]) -> float:
    return statistics.median(taken) / _IDEAL


def _detail(taken: list[float]) -> str:
    return f"{shown(statistics.median(taken))}, rounds {min(taken) / _IDEAL:.2f} to {max(taken) / _IDEAL:.2f}"


def _blocking(server: Server, rounds: int) -> list[float]:
    taken = []
    with make(Krebit, server) as api:
        for _ in range(rounds + 1):
            begin = time.perf_counter()
            count = sum(1 for _ in paginate(api.list_clients, limit=100).options(prefetch=_PREFETCH))
            taken.append(time.perf_counter() - begin)
            assert count == 10_000
    return taken[1:]


async def _asynchronous(server: Server, rounds: int, **options: Any) -> list[float]:
    taken = []
    async with make(AsyncKrebit, server, **options) as api:
        for _ in range(rounds + 1):
            begin, count = time.perf_counter(), 0
            async for _ in paginate(api.list_clients, limit=100).options(prefetch=_PREFETCH):
                count += 1
            taken.append(time.perf_counter() - begin)
            assert count == 10_000
    return taken[1:]


def _memory() -> Row:
    with Server(pages=1000) as server:
        command = [sys.executable, "-c", textwrap.dedent(MEMORY), server.domain]
        peaks = [
            int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024 for _ in range(3)
        ]
    megabytes = statistics.median(peaks)
    return Row("100,000 records walked, prefetch 16", "memory above start", megabytes, 14, f"{megabytes:.1f} MB")
