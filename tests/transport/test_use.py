"""Many threads, many tasks, many calls, several loops, forks, closing."""

import asyncio
import gc
import itertools
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from krebit import AsyncKrebit, ClientClosed, Krebit, paginate
from krebit_sandbox import Sandbox
from tests.transport.support import LONG, Place, RawServer, Way, arrived, connections_to, descriptors, reply

CALLS = 10_000 if LONG else 2_000


def test_sixteen_threads_share_one_client_and_leave_nothing_behind(sandbox: Sandbox) -> None:
    with Place.sandbox(sandbox).client(timeout=60.0) as krebit:
        ids = [client.id for client in krebit.list_clients(limit=50).data]

        def work(number: int) -> bool:
            wanted = ids[number % len(ids)]
            return krebit.get_client(wanted).id == wanted

        def others() -> int:
            return sum(not thread.name.startswith("caller") for thread in threading.enumerate())

        # The pool itself starts its threads as it needs them.
        with ThreadPoolExecutor(16, "caller") as pool:
            assert all(pool.map(work, range(200)))
            gc.collect()
            before, threads = descriptors(), others()
            assert all(pool.map(work, range(CALLS)))
            gc.collect()
            # A client and the server each have a socket for each of at most 16 connections.
            assert descriptors() <= before + 32
            assert connections_to(sandbox.domain) <= 16
            assert others() <= threads


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_a_thousand_tasks_share_one_client_and_leave_nothing_behind(sandbox: Sandbox, way: Way) -> None:
    async def main() -> None:
        async with Place.sandbox(sandbox).async_client(way, timeout=100.0) as krebit:
            ids = [client.id for client in (await krebit.list_clients(limit=50)).data]

            async def work(number: int) -> bool:
                wanted = ids[number % len(ids)]
                return (await krebit.get_client(wanted)).id == wanted

            assert all(await asyncio.gather(*(work(number) for number in range(1000))))
            open_now, threads = connections_to(sandbox.domain), threading.active_count()
            for _ in range(CALLS // 1000 - 1):
                assert all(await asyncio.gather(*(work(number) for number in range(1000))))
            assert connections_to(sandbox.domain) <= max(open_now, 100)
            # The loop looks names up in a handful of threads that it starts as it needs them.
            assert threading.active_count() <= threads + 8

    asyncio.run(main())
    assert connections_to(sandbox.domain) == 0


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_cancelled_calls_leave_no_connection_behind(sandbox: Sandbox, way: Way) -> None:
    """At whatever point: some have sent their request, others are connecting or shaking hands."""

    async def main() -> None:
        async with Place.sandbox(sandbox).async_client(way) as krebit:
            for count in (1, 5, 15, 30):
                sandbox.fault(kind="stall", path="/api/1.0/me", times=None)
                tasks = [asyncio.ensure_future(krebit.get_current_user()) for _ in range(50)]
                await asyncio.to_thread(arrived, sandbox, len(sandbox.requests) + count)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                sandbox.clear_faults()
                while connections_to(sandbox.domain):  # noqa: ASYNC110 - the kernel has no event for it
                    await asyncio.sleep(0)
            assert (await krebit.get_current_user()).id is not None
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
    sandbox: Sandbox, way: Way, connected: bool, twice: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one connection, one that is lost would be missed by the next call."""
    monkeypatch.setattr("krebit._transports._LIMITS", httpx.Limits(max_connections=1, max_keepalive_connections=1))

    async def at(krebit: AsyncKrebit, step: int) -> bool:
        try:
            await Interrupted(krebit.get_current_user(), step, twice=twice)
        except asyncio.CancelledError:
            return True
        return False

    async def main() -> int:
        async with Place.sandbox(sandbox, timeout=10.0).async_client(way) as krebit:
            await krebit.get_current_user()
            for step in itertools.count(1):
                if not await asyncio.create_task(at(krebit, step)):
                    return step
                assert (await krebit.get_current_user()).id is not None
                if not connected:
                    await krebit._core.async_transport.aclose()
        raise AssertionError

    assert asyncio.run(main()) > 1


def test_answers_that_a_tool_makes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pytest-httpx, respx and vcrpy do: in place of the transport's own method."""

    async def answer(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": 1, "name": "Anna"})

    async def main() -> Any:
        async with Place.at("yourco.krebit.se").async_client() as krebit:
            return (await krebit.get_current_user()).name

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)
    assert asyncio.run(main()) == "Anna"


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
            async with Place.sandbox(sandbox).async_client(way) as krebit:
                await krebit.get_current_user()
                tasks.start_soon(anyio.to_thread.run_sync, wait)
                await anyio.lowlevel.checkpoint()
            left.set()

    asyncio.run(main())
    assert in_time == [True]


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_a_client_that_is_left_by_a_cancelled_scope_is_closed(sandbox: Sandbox, way: Way) -> None:
    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with Place.sandbox(sandbox).async_client(way) as krebit:
                await krebit.get_current_user()
                scope.cancel()
                await anyio.sleep(30)
        # Another loop's end would close them too.
        while connections_to(sandbox.domain):  # noqa: ASYNC110 - the kernel has no event for it
            await asyncio.sleep(0)

    asyncio.run(main())


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_one_client_on_one_loop_after_the_other(sandbox: Sandbox, way: Way) -> None:
    krebit = Place.sandbox(sandbox).async_client(way)
    for _ in range(3):
        assert asyncio.run(_me(krebit)) is not None
        # Those of the token endpoint are the blocking transport's, and not a loop's.
        assert connections_to(sandbox.domain) == 0
    asyncio.run(krebit.close())
    with pytest.raises(ClientClosed):
        asyncio.run(_me(krebit))


async def _me(krebit: AsyncKrebit) -> Any:
    found = await asyncio.gather(*(krebit.get_current_user() for _ in range(5)))
    return found[0].id


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_one_client_on_two_loops_at_once(sandbox: Sandbox, way: Way) -> None:
    krebit = Place.sandbox(sandbox).async_client(way)
    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(lambda _: asyncio.run(_me(krebit)), range(6)))) == 1
    asyncio.run(krebit.close())


def test_a_loop_that_is_closed_without_ceremony_does_not_matter(sandbox: Sandbox) -> None:
    with RawServer(lambda connection, request: connection.sendall(reply({"id": 1}))) as server:
        krebit = Place.raw(server).async_client()
        for _ in range(2):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(_me(krebit))
            loop.close()
        asyncio.run(_me(krebit))
        gc.collect()


class TimeLimit(Exception):
    """As the one of a task queue."""


@pytest.mark.parametrize("call", [Krebit.get_current_user, lambda krebit: list(paginate(krebit.list_clients))])
@pytest.mark.parametrize("limit", [TimeLimit, TimeoutError])
def test_what_a_signal_handler_raises_is_no_broken_connection(
    sandbox: Sandbox, limit: type[Exception], call: Callable[[Krebit], Any]
) -> None:
    """It comes out as it is, and nothing is sent again."""

    def ring(number: int, frame: Any) -> None:
        raise limit("the caller's own")

    sandbox.fault(kind="stall", path="*", times=None)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        with Place.sandbox(sandbox).client() as krebit:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(limit, match="the caller's own"):
                call(krebit)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(sandbox.requests) <= 1


def test_where_a_time_limit_is_handled_calls_are_as_ever(sandbox: Sandbox, way: Way) -> None:
    """Python chains what is being handled to all that is raised meanwhile: that does not make it new."""

    def ring(number: int, frame: Any) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.raise_signal(signal.SIGALRM)
    except TimeLimit:
        sandbox.fault(kind="reset", path="/api/1.0/me")
        sandbox.switch(latency=0.6)  # longer than a single wait at the socket
        assert Place.sandbox(sandbox).call(way, lambda krebit: krebit.get_current_user()).id is not None
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(sandbox.requests) == 2


def test_used_after_closing(sandbox: Sandbox, way: Way) -> None:
    place = Place.sandbox(sandbox)
    if way == "blocking":
        krebit = place.client()
        krebit.get_current_user()
        view = krebit.with_options(timeout=5)
        krebit.close()
        krebit.close()
        for call in (krebit.get_current_user, view.get_current_user, lambda: krebit.request("GET", "/me")):
            with pytest.raises(ClientClosed):
                call()
        return

    async def main() -> None:
        krebit = place.async_client(way)
        await krebit.get_current_user()
        await krebit.close()
        await krebit.close()
        for call in (krebit.get_current_user, lambda: krebit.request("GET", "/me")):
            with pytest.raises(ClientClosed):
                await call()

    asyncio.run(main())


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_closing_lets_calls_under_way_end(sandbox: Sandbox, way: Way) -> None:
    place = Place.sandbox(sandbox)
    sandbox.fault(kind="hold", path="/api/1.0/me")

    async def main() -> Any:
        krebit = place.async_client(way)
        task = asyncio.ensure_future(krebit.get_current_user())
        await asyncio.to_thread(sandbox.wait_for_held)
        await krebit.close()
        with pytest.raises(ClientClosed):
            await krebit.get_current_user()
        sandbox.release()
        return (await task).id

    assert asyncio.run(main()) is not None
    assert connections_to(sandbox.domain) == 0


def test_closing_in_another_thread_lets_calls_under_way_end(sandbox: Sandbox) -> None:
    sandbox.fault(kind="hold", path="/api/1.0/me")
    krebit = Place.sandbox(sandbox).client()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(krebit.get_current_user)
        sandbox.wait_for_held()
        krebit.close()
        with pytest.raises(ClientClosed):
            krebit.get_current_user()
        sandbox.release()
        assert call.result(10).id is not None


def test_closing_in_a_signal_handler(sandbox: Sandbox) -> None:
    """A handler runs in the midst of a call, in the same thread."""
    sandbox.fault(kind="hold", path="/api/1.0/me")
    krebit = Place.sandbox(sandbox).client()

    def interrupt() -> None:
        sandbox.wait_for_held()
        os.kill(os.getpid(), signal.SIGUSR1)

    def handle(*_: object) -> None:
        krebit.close()
        sandbox.release()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(interrupt)
            assert krebit.get_current_user().id is not None
    finally:
        signal.signal(signal.SIGUSR1, before)
    with pytest.raises(ClientClosed):
        krebit.get_current_user()


def test_a_forked_child_has_connections_of_its_own(sandbox: Sandbox) -> None:
    with Place.sandbox(sandbox).client() as krebit:
        ids = [client.id for client in krebit.list_clients(limit=20).data]
        children = []
        for number in range(4):
            pid = os.fork()
            if not pid:
                good = all(krebit.get_client(wanted).id == wanted for wanted in ids[number * 5 : number * 5 + 5])
                os._exit(0 if good else 1)
            children.append(pid)
            assert all(krebit.get_client(wanted).id == wanted for wanted in ids)
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0, 0, 0]
        assert krebit.get_current_user().id is not None


def test_a_fork_while_other_threads_call(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    # A file that another thread writes to at that moment stays locked in the child, and pytest's own log is one.
    for name in ("krebit", "httpx", "httpcore"):
        caplog.set_level(logging.CRITICAL, name)
    with Place.sandbox(sandbox).client() as krebit:
        krebit.get_current_user()
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                krebit.get_current_user()

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(work) for _ in range(4)]
            codes = []
            for _ in range(5):
                pid = os.fork()
                if not pid:
                    signal.alarm(20)
                    os._exit(0 if krebit.get_current_user().id is not None else 1)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            stop.set()
            for future in running:
                future.result(30)

    assert codes == [0] * 5
