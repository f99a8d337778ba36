"""Calls that are cancelled or interrupted: nothing is left behind, and what interrupted comes out."""

import asyncio
import itertools
import signal
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from krebit import AsyncKrebit, Krebit, paginate
from krebit.http.aiohttp import make_transport
from krebit.http.pool import AsyncTransport
from krebit_sandbox import Sandbox
from tests.transport.support import Place, Way, arrived, connections_to


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_cancelled_calls_leave_no_connection_behind(sandbox: Sandbox, way: Way) -> None:
    """At whatever point: some have sent their request, others are connecting or shaking hands."""

    async def main() -> None:
        async with Place.sandbox(sandbox).async_client(way) as api:
            for count in (1, 5, 15, 30):
                sandbox.fault(kind="stall", path="/api/1.0/me", times=None)
                tasks = [asyncio.ensure_future(api.get_current_user()) for _ in range(50)]
                await asyncio.to_thread(arrived, sandbox, len(sandbox.requests) + count)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                sandbox.clear_faults()
                while connections_to(sandbox.domain):  # noqa: ASYNC110 - the kernel has no event for it
                    await asyncio.sleep(0)
            assert (await api.get_current_user()).id is not None
            assert connections_to(sandbox.domain) == 1

    asyncio.run(main())


class Interrupted:
    """A coroutine whose task is cancelled where it suspends for the `step`th time, and if asked at the next."""

    def __init__(self, work: Coroutine[Any, Any, Any], step: int, *, twice: bool) -> None:
        self._work = work
        self._steps = {step, step + twice}

    def __await__(self) -> Generator[Any, None, Any]:
        advance: Callable[[], Any] = partial(self._work.send, None)
        for number in itertools.count(1):
            try:
                waits_for = advance()
            except StopIteration as ended:
                return ended.value
            task = asyncio.current_task()
            if number in self._steps and task is not None:
                task.cancel()
            try:
                yield waits_for
                advance = partial(self._work.send, None)
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                advance = partial(self._work.throw, error)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_a_call_that_is_cancelled_anywhere_gives_its_connection_back(
    sandbox: Sandbox, way: Way, connected: bool, twice: bool
) -> None:
    """With room for one connection, one that is lost would be missed by the next call."""
    make: Callable[..., httpx.AsyncBaseTransport] = make_transport if way == "aiohttp" else AsyncTransport
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    place = Place.sandbox(sandbox, timeout=10.0, async_transport=lambda ours: make(context, None, size=1))

    async def is_cancelled(api: AsyncKrebit, step: int) -> bool:
        try:
            await Interrupted(api.get_current_user(), step, twice=twice)
        except asyncio.CancelledError:
            return True
        return False

    async def main() -> int:
        for step in itertools.count(1):
            async with place.async_client() as api:
                if connected:
                    await api.get_current_user()
                if not await asyncio.create_task(is_cancelled(api, step)):
                    return step
                assert (await api.get_current_user()).id is not None
        raise AssertionError

    assert asyncio.run(main()) > 1


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_closing_needs_none_of_the_loops_threads(sandbox: Sandbox, way: Way) -> None:
    """They may wait for what comes only after the client is left."""
    left = threading.Event()
    in_time: list[bool] = []

    def wait() -> None:
        in_time.append(left.wait(10))

    async def main() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        async with anyio.create_task_group() as tasks:
            async with Place.sandbox(sandbox).async_client(way) as api:
                await api.get_current_user()
                tasks.start_soon(anyio.to_thread.run_sync, wait)
                await anyio.lowlevel.checkpoint()
            left.set()

    asyncio.run(main())
    assert in_time == [True]


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_a_client_that_is_left_by_a_cancelled_scope_is_closed(sandbox: Sandbox, way: Way) -> None:
    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with Place.sandbox(sandbox).async_client(way) as api:
                await api.get_current_user()
                scope.cancel()
                await anyio.sleep(30)
        # Another loop's end would close them too.
        async with asyncio.timeout(30):
            while connections_to(sandbox.domain):  # noqa: ASYNC110 - the kernel has no event for it
                await asyncio.sleep(0)

    asyncio.run(main())


class TimeLimit(Exception):
    """As the one of a task queue."""


@pytest.mark.parametrize("call", [Krebit.get_current_user, lambda api: list(paginate(api.list_clients))])
@pytest.mark.parametrize("limit", [TimeLimit, TimeoutError])
def test_what_a_signal_handler_raises_is_no_broken_connection(
    sandbox: Sandbox, limit: type[Exception], call: Callable[[Krebit], Any]
) -> None:
    """It comes out as it is, and nothing is sent again."""

    def handle(number: int, frame: Any) -> None:
        raise limit("the caller's own")

    def interrupt() -> None:
        arrived(sandbox, 1)
        # Nothing shows when the call begins to wait for its answer. A signal before that must come out the same.
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    sandbox.fault(kind="stall", path="*", times=None)
    before = signal.signal(signal.SIGUSR1, handle)
    thread = threading.Thread(target=interrupt)
    try:
        with Place.sandbox(sandbox).client() as api:
            thread.start()
            with pytest.raises(limit, match="the caller's own"):
                call(api)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert len(sandbox.requests) == 1
