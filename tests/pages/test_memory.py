"""A long walk keeps pages for as long as they are wanted, and of all that went before only what tells records apart."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from krebit_sandbox import Sandbox
from tests.needs import absent

WALK = """
    import asyncio, sys
    from krebit import AsyncKrebit, Krebit, MemoryTokenStore, paginate

    def kilobytes(name):
        for line in open("/proc/self/status"):
            if line.startswith(name):
                return int(line.split()[1])

    def begin():
        open("/proc/self/clear_refs", "w").write("5")  # the peak is counted from here
        return kilobytes("VmRSS:")

    def blocking():
        with Krebit.from_env(plain_http=True, store=MemoryTokenStore()) as api:
            list(paginate(api.list_clients, limit=1).options(max_items=1))
            start = begin()
            count = sum(1 for _ in paginate(api.list_clients, limit=100).options(prefetch=16))
            return count, kilobytes("VmHWM:") - start

    async def asynchronous():
        async with AsyncKrebit.from_env(plain_http=True, store=MemoryTokenStore()) as api:
            [_ async for _ in paginate(api.list_clients, limit=1).options(max_items=1)]
            start, count = begin(), 0
            async for _ in paginate(api.list_clients, limit=100).options(prefetch=16):
                count += 1
            return count, kilobytes("VmHWM:") - start

    print(*(blocking() if sys.argv[1] == "sync" else asyncio.run(asynchronous())))
"""


@pytest.mark.slow
@pytest.mark.parametrize("world", ["sync", "async"])
def test_a_hundred_thousand_records_take_at_most_25_megabytes(sandbox: Sandbox, world: str) -> None:
    if not Path("/proc/self/clear_refs").exists():
        absent("needs Linux's account of memory")
    sandbox.switch(clients=100_000)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WALK), world],
        env=os.environ | sandbox.environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, kilobytes = map(int, done.stdout.split())
    assert count == 100_000
    assert kilobytes <= 25 * 1024
