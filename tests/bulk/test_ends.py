"""How `each` ends: left while the server stalls, by its arguments, by the caller's functions; and its memory."""

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from bench.server import Server
from krebit import AsyncKrebit, ConnectionFailed, Krebit, MemoryTokenStore, each, paginate
from krebit_sandbox import Sandbox
from tests.needs import absent
from tests.waiting import wait_for

FIRST = 12345

LEFT = """
    from krebit import Krebit, MemoryTokenStore, each

    api = Krebit.from_env(plain_http=True, store=MemoryTokenStore(), timeout=600.0)
    for found in each(api.get_client, range(12345, 12400), concurrency=8):
        print(found.value.id)
        break
"""
MANY = """
    import asyncio, sys
    from krebit import AsyncKrebit, Krebit, MemoryTokenStore, each

    def kilobytes(name):
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

    def client(kind):
        return kind(sys.argv[2], "application", "secret", refresh_token="seed", plain_http=True,
                    store=MemoryTokenStore())

    def blocking():
        with client(Krebit) as api:
            for number, found in enumerate(each(api.get_client, range(12_000)), 1):
                assert found.ok
                if number == 2_000:
                    start = begin()
            print(number, kilobytes("VmHWM:") - start)

    async def asynchronous():
        async with client(AsyncKrebit) as api:
            number = 0
            async for found in each(api.get_client, range(12_000)):
                number += 1
                if number == 2_000:
                    start = begin()
            print(number, kilobytes("VmHWM:") - start)

    def begin():
        open("/proc/self/clear_refs", "w").write("5")  # the peak is counted from here
        return kilobytes("VmRSS:")

    blocking() if sys.argv[1] == "blocking" else asyncio.run(asynchronous())
"""


def run(program: str, *arguments: str, environment: dict[str, str] | None = None, timeout: float = 60) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_program_that_leaves_while_calls_stall_ends(sandbox: Sandbox) -> None:
    sandbox.fault(kind="stall", path="/api/1.0/clients/1235*", times=None)
    assert run(LEFT, environment=sandbox.environment) == "12345\n"


def test_a_pause_is_left_at_once(sandbox: Sandbox) -> None:
    headers = {"Retry-After": "200"}
    sandbox.fault(kind="status", status=429, headers=headers, path="/api/1.0/clients/1235*", times=None)
    with Krebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore()) as api:
        for _ in each(api.get_client, range(FIRST, FIRST + 50), concurrency=8):
            wait_for(lambda: any(request.status == 429 for request in sandbox.requests))
            break
    assert len(sandbox.requests) < 16


def test_an_error_of_the_arguments_comes_out(sandbox: Sandbox) -> None:
    sandbox.fault(kind="reset", path="/api/1.0/clients", skip=1, times=None)
    with Krebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore(), retries=0) as api:
        ids = (record.id for record in paginate(api.list_clients, limit=5))
        with pytest.raises(ConnectionFailed):
            list(each(api.get_client, ids, concurrency=4))


def test_an_exception_of_the_callers_functions_comes_out(sandbox: Sandbox) -> None:
    def arguments() -> Iterator[int]:
        yield FIRST
        raise LookupError("arguments")

    def progress(done: int, total: int | None) -> None:
        raise LookupError("progress")

    with Krebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore()) as api:
        with pytest.raises(LookupError, match="arguments"):
            list(each(api.get_client, arguments()))
        with pytest.raises(LookupError, match="progress"):
            list(each(api.get_client, [FIRST], progress=progress))
        with pytest.raises(TypeError):
            list(each(api.get_client, [(FIRST, "one too many")]))


@pytest.mark.slow
@pytest.mark.parametrize("colour", ["blocking", "asynchronous"])
def test_memory_is_flat(colour: str) -> None:
    if not Path("/proc/self/clear_refs").exists():
        absent("needs Linux's account of memory")
    with Server() as server:
        count, kilobytes = map(int, run(MANY, colour, server.domain, timeout=100).split())
    assert count == 12_000
    assert kilobytes <= 4 * 1024


@pytest.mark.parametrize("is_iterable", [False, True])
def test_leaving_early_closes_the_generator_that_was_given(sandbox: Sandbox, is_iterable: bool) -> None:
    """It may hold a file or a walk: both end before the loop does. A walk makes its generator itself."""
    closed: list[bool] = []

    async def ids() -> AsyncGenerator[int, None]:
        try:
            for number in range(FIRST, FIRST + 100):
                yield number
        finally:
            closed.append(True)

    class Ids:
        def __aiter__(self) -> AsyncGenerator[int, None]:
            return ids()

    async def main() -> None:
        async with AsyncKrebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore()) as api:
            async with aclosing(each(api.get_client, Ids() if is_iterable else ids(), concurrency=2)) as outcomes:
                async for _ in outcomes:
                    break
            assert closed == [True]

    asyncio.run(main())
