"""Many threads, many tasks, many calls, several loops, forks, closing."""

import asyncio
import gc
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from krebit import AsyncKrebit, ClientClosed, Krebit, MemoryTokenStore
from krebit_sandbox import Sandbox
from tests.transport.support import LONG, Place, Way, connections_to, descriptors

CALLS = 10_000 if LONG else 2_000


@pytest.mark.slow
def test_sixteen_threads_share_one_client_and_leave_nothing_behind(sandbox: Sandbox) -> None:
    with Place.sandbox(sandbox).client(timeout=60.0) as api:
        ids = [client.id for client in api.list_clients(limit=50).data]

        def work(number: int) -> bool:
            wanted = ids[number % len(ids)]
            return api.get_client(wanted).id == wanted

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


@pytest.mark.slow
@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_a_thousand_tasks_share_one_client_and_leave_nothing_behind(sandbox: Sandbox, way: Way) -> None:
    async def main() -> None:
        async with Place.sandbox(sandbox).async_client(way, timeout=100.0) as api:
            ids = [client.id for client in (await api.list_clients(limit=50)).data]

            async def work(number: int) -> bool:
                wanted = ids[number % len(ids)]
                return (await api.get_client(wanted)).id == wanted

            assert all(await asyncio.gather(*(work(number) for number in range(1000))))
            open_now, threads = connections_to(sandbox.domain), threading.active_count()
            for _ in range(CALLS // 1000 - 1):
                assert all(await asyncio.gather(*(work(number) for number in range(1000))))
            assert connections_to(sandbox.domain) <= max(open_now, 100)
            # The loop looks names up in a handful of threads that it starts as it needs them.
            assert threading.active_count() <= threads + 8

    asyncio.run(main())
    assert connections_to(sandbox.domain) == 0


def test_answers_that_a_tool_makes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pytest-httpx, respx and vcrpy do: in place of the transport's own method."""

    async def answer(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": 1, "name": "Anna"})

    async def main() -> Any:
        async with Place.at("yourco.krebit.se").async_client() as api:
            return (await api.get_current_user()).name

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)
    assert asyncio.run(main()) == "Anna"


# A client that is not closed on its loop leaves sockets to the garbage collector, which Python warns of.
leaves_sockets = pytest.mark.filterwarnings("ignore::ResourceWarning")


@leaves_sockets
@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_one_client_on_one_loop_after_the_other(sandbox: Sandbox, way: Way) -> None:
    """The connections of the loops before are gone."""
    api = Place.sandbox(sandbox).async_client(way)
    for _ in range(4):
        assert asyncio.run(_me(api)) is not None
        gc.collect()
        assert connections_to(sandbox.domain) <= 5
    asyncio.run(api.close())
    gc.collect()
    assert connections_to(sandbox.domain) == 0
    with pytest.raises(ClientClosed):
        asyncio.run(_me(api))


async def _me(api: AsyncKrebit) -> Any:
    found = await asyncio.gather(*(api.get_current_user() for _ in range(5)))
    return found[0].id


@leaves_sockets
@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_one_client_on_two_loops_at_once(sandbox: Sandbox, way: Way) -> None:
    api = Place.sandbox(sandbox).async_client(way)
    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(lambda _: asyncio.run(_me(api)), range(6)))) == 1
    asyncio.run(api.close())
    gc.collect()
    assert connections_to(sandbox.domain) == 0


def test_used_after_closing(sandbox: Sandbox, way: Way) -> None:
    place = Place.sandbox(sandbox)
    if way == "blocking":
        api = place.client()
        api.get_current_user()
        view = api.with_options(timeout=5)
        api.close()
        api.close()
        for call in (api.get_current_user, view.get_current_user, lambda: api.request("GET", "/me")):
            with pytest.raises(ClientClosed):
                call()
        return

    async def main() -> None:
        api = place.async_client(way)
        await api.get_current_user()
        await api.close()
        await api.close()
        for call in (api.get_current_user, lambda: api.request("GET", "/me")):
            with pytest.raises(ClientClosed):
                await call()

    asyncio.run(main())


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_closing_lets_calls_under_way_end(sandbox: Sandbox, way: Way) -> None:
    place = Place.sandbox(sandbox)
    sandbox.fault(kind="hold", path="/api/1.0/me")

    async def main() -> Any:
        api = place.async_client(way)
        task = asyncio.ensure_future(api.get_current_user())
        await asyncio.to_thread(sandbox.wait_for_held)
        await api.close()
        with pytest.raises(ClientClosed):
            await api.get_current_user()
        sandbox.release()
        return (await task).id

    assert asyncio.run(main()) is not None
    assert connections_to(sandbox.domain) == 0


def test_closing_in_another_thread_lets_calls_under_way_end(sandbox: Sandbox) -> None:
    sandbox.fault(kind="hold", path="/api/1.0/me")
    api = Place.sandbox(sandbox).client()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(api.get_current_user)
        sandbox.wait_for_held()
        api.close()
        with pytest.raises(ClientClosed):
            api.get_current_user()
        sandbox.release()
        assert call.result(10).id is not None


def test_closing_in_a_signal_handler(sandbox: Sandbox) -> None:
    """A handler runs in the midst of a call, in the same thread."""
    sandbox.fault(kind="hold", path="/api/1.0/me")
    api = Place.sandbox(sandbox).client()

    def interrupt() -> None:
        sandbox.wait_for_held()
        os.kill(os.getpid(), signal.SIGUSR1)

    def handle(*_: object) -> None:
        api.close()
        sandbox.release()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(interrupt)
            assert api.get_current_user().id is not None
    finally:
        signal.signal(signal.SIGUSR1, before)
    with pytest.raises(ClientClosed):
        api.get_current_user()


def test_a_forked_child_has_connections_of_its_own(sandbox: Sandbox) -> None:
    with Place.sandbox(sandbox).client() as api:
        ids = [client.id for client in api.list_clients(limit=20).data]
        children = []
        for number in range(4):
            pid = os.fork()
            if not pid:
                good = all(api.get_client(wanted).id == wanted for wanted in ids[number * 5 : number * 5 + 5])
                os._exit(0 if good else 1)
            children.append(pid)
            assert all(api.get_client(wanted).id == wanted for wanted in ids)
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0, 0, 0]
        assert api.get_current_user().id is not None


def test_a_fork_while_other_threads_call(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    # A file that another thread writes to at that moment stays locked in the child, and pytest's own log is one.
    for name in ("krebit", "httpx", "httpcore"):
        caplog.set_level(logging.CRITICAL, name)
    with Place.sandbox(sandbox).client() as api:
        api.get_current_user()
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                api.get_current_user()

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(work) for _ in range(4)]
            codes = []
            for _ in range(5):
                pid = os.fork()
                if not pid:
                    signal.alarm(20)
                    os._exit(0 if api.get_current_user().id is not None else 1)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            stop.set()
            for future in running:
                future.result(30)

    assert codes == [0] * 5


class _SlowStore(MemoryTokenStore):
    """Takes long when a view is made, in the process that it was made in."""

    def __init__(self) -> None:
        super().__init__()
        self.process = os.getpid()
        self.is_slow = False
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __hash__(self) -> int:
        if self.is_slow and os.getpid() == self.process:
            self.has_begun.set()
            self.may_end.wait(30)
        return 1


def test_a_fork_while_another_thread_makes_a_view() -> None:
    store = _SlowStore()
    with Krebit("yourco.krebit.se", "application", "secret", store=store) as api, ThreadPoolExecutor(1) as pool:
        store.is_slow = True
        pool.submit(api.with_profile, "one")
        assert store.has_begun.wait(10)
        pid = os.fork()
        if not pid:
            signal.alarm(10)
            api.with_profile("another")
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        store.may_end.set()
    assert code == 0
