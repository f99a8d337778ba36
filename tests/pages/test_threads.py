"""Walks and the threads and processes of whoever walks: several at once, in pools, across a fork, ended by the garbage
collector."""

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from krebit import ConfigurationError, paginate
from krebit_sandbox import Sandbox
from tests.needs import needs_root
from tests.pages.server import STALL, Answer, ListServer, records
from tests.pages.support import blocking, end_call_threads, ids

MakeServer = Callable[[Callable[[int], Any]], ListServer]
FIRST = 12345


@pytest.mark.slow
def test_walks_at_once_on_one_client(sandbox: Sandbox) -> None:
    """More pages in flight than the client keeps connections."""
    sandbox.switch(clients=600)
    expected = list(range(FIRST, FIRST + 600))

    def walk(number: int) -> bool:
        return ids(list(paginate(api.list_clients, limit=10).options(prefetch=64, on_drift="raise"))) == expected

    with blocking(sandbox) as api, ThreadPoolExecutor(3) as pool:
        assert list(pool.map(walk, range(6))) == [True] * 6
    end_call_threads()  # they end by themselves


def test_walks_one_within_another(sandbox: Sandbox) -> None:
    sandbox.switch(clients=20)
    with blocking(sandbox) as api:
        walk = paginate(api.list_clients, limit=5).options(prefetch=4)
        pairs = [(outer.id, inner.id) for outer in walk for inner in walk.options(max_items=7)]
    assert pairs == [(FIRST + outer, FIRST + inner) for outer in range(20) for inner in range(7)]


def _in_child(what: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            what()
        except BaseException as error:  # noqa: BLE001 - it must not run the rest of the tests
            sys.stderr.write(repr(error))
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_forked_child_goes_on_where_it_is_one_page_after_the_other(list_server: MakeServer) -> None:
    server = list_server(lambda page: {"data": records(page), "meta": {"last_page": 6}})
    with blocking(server) as api:
        walk = iter(paginate(api.list_clients, limit=1))
        assert next(walk).id == 1

        def go_on() -> None:
            assert ids(list(walk)) == [2, 3, 4, 5, 6]

        assert _in_child(go_on) == 0
        assert ids(list(walk)) == [2, 3, 4, 5, 6]


def test_a_forked_child_does_not_wait_for_threads_that_it_has_not(list_server: MakeServer) -> None:
    server = list_server(lambda page: {"data": records(page), "meta": {"last_page": 6}})
    with blocking(server) as api:
        walk = iter(paginate(api.list_clients, limit=1).options(prefetch=4))
        assert [next(walk).id, next(walk).id] == [1, 2]

        def go_on() -> None:
            with pytest.raises(ConfigurationError, match="forked"):
                list(walk)
            again = paginate(api.list_clients, limit=1).options(prefetch=4)
            assert ids(list(again)) == [1, 2, 3, 4, 5, 6]

        assert _in_child(go_on) == 0
        assert ids(list(walk)) == [3, 4, 5, 6]


def test_a_child_that_drops_its_parents_walk_does_not_end_it(list_server: MakeServer) -> None:
    released = threading.Event()

    def script(page: int) -> Any:
        if page > 2:
            released.wait(30)
        return {"data": records(page), "meta": {"last_page": 6}}

    server = list_server(script)
    with blocking(server) as api:
        walk = iter(paginate(api.list_clients, limit=1).options(prefetch=4))
        assert [next(walk).id, next(walk).id] == [1, 2]
        assert _in_child(walk.close) == 0
        released.set()
        assert ids(list(walk)) == [3, 4, 5, 6]


class Blocking(logging.Handler):
    """Stops the thread that logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.entered = threading.Event()
        self.released = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.entered.set()
        self.released.wait(60)


def test_a_child_that_drops_a_walk_waits_for_no_thread_of_its_parent(list_server: MakeServer) -> None:
    """Here one that logs a rate limit, which it does where the walk's other threads are kept out."""
    refused: list[int] = []
    read = threading.Event()

    def script(page: int) -> Any:
        if page == 3 and not refused:
            refused.append(page)
            read.wait(30)
            return Answer({}, status=429, headers={"Retry-After": "2"})
        return {"data": records(page), "meta": {"last_page": 6}}

    def drop() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)  # ends a child that hangs
        walk.close()

    handler, logger = Blocking(), logging.getLogger("krebit")
    logger.addHandler(handler)
    try:
        with blocking(list_server(script)) as api:
            walk = iter(paginate(api.list_clients, limit=1).options(prefetch=4))
            assert [next(walk).id, next(walk).id] == [1, 2]
            read.set()
            assert handler.entered.wait(30)
            assert _in_child(drop) == 0
            handler.released.set()
            assert ids(list(walk)) == [3, 4, 5, 6]
    finally:
        handler.released.set()
        logger.removeHandler(handler)


class Collecting(httpx.BaseTransport):
    """Collects garbage in the thread that asks for a page."""

    def __init__(self, ours: httpx.BaseTransport) -> None:
        self.ours = ours
        self.due = threading.Event()
        self.page = threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "page=7" in str(request.url):
            self.page.set()
            self.due.wait(30)
            gc.collect()
        return self.ours.handle_request(request)

    def close(self) -> None:
        self.ours.close()


def test_a_walk_that_is_collected_in_one_of_its_own_threads_ends_quietly(
    list_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[Any] = []
    gc.collect()  # what other tests have left is not reported here
    monkeypatch.setattr(sys, "unraisablehook", reports.append)
    server = list_server(lambda page: STALL if page > 8 else {"data": records(page), "meta": {"last_page": 99}})
    made: list[Collecting] = []

    def wrap(ours: httpx.BaseTransport) -> httpx.BaseTransport:
        made.append(Collecting(ours))
        return made[0]

    with blocking(server, transport=wrap, retries=0, timeout=600.0) as api:
        walk: Any = iter(paginate(api.list_clients, limit=1).options(prefetch=8))
        assert next(walk).id == 1
        assert next(walk).id == 2
        assert made[0].page.wait(30)
        server.wait_for(lambda: server.stalled > 0)
        gc.disable()
        try:
            cycle: list[Any] = [walk]
            cycle.append(cycle)
            del walk, cycle
            made[0].due.set()
            server.wait_for(lambda: 7 in server.asked)
        finally:
            gc.enable()
        server.hang_up()
        end_call_threads()
    assert reports == []


NO_THREADS = """
import os, resource, sys
from krebit import ConfigurationError, Krebit, MemoryTokenStore, paginate

domain, client_id, secret, refresh_token = sys.argv[1:]
options = {"refresh_token": refresh_token, "store": MemoryTokenStore(), "plain_http": True}
with Krebit(domain, client_id, secret, **options) as api:
    walk = paginate(api.list_clients, limit=2)
    list(walk.options(prefetch=2, max_items=4))  # whatever is loaded late can be read still
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    os.setresuid(65534, 65534, 65534)  # the limit does not hold for root
    try:
        list(walk.options(prefetch=4, max_items=4))
    except ConfigurationError as error:
        print(error)
    print(len(list(walk.options(prefetch=1, max_items=4))))
"""


def test_no_thread_can_be_started(sandbox: Sandbox) -> None:
    needs_root()  # the child gives up its rights
    given = sandbox.application
    tokens = sandbox.issue_tokens()
    arguments = [sandbox.domain, given.client_id, given.client_secret, tokens.refresh_token]
    done = subprocess.run(
        [sys.executable, "-c", NO_THREADS, *arguments], capture_output=True, text=True, timeout=50, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["no thread can be started here; make one call at a time", "4"]
