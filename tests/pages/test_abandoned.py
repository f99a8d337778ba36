"""A walk that is left early holds nobody up: it asks for nothing more, and leaves no thread and no socket behind.

Threads cannot be interrupted. What they have in flight ends with the connection, and is not tried again.
"""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from krebit import ApiError, ClientClosed, ConnectionFailed, NotFound, ServerError, paginate
from krebit_sandbox import Sandbox
from tests.pages.server import Answer, ListServer, records, stalling_from
from tests.pages.support import (
    PATIENT,
    World,
    blocking,
    end_call_threads,
    ids,
    sockets,
    sockets_fall_to,
    walked,
)
from tests.waiting import wait_for

MakeServer = Callable[[Callable[[int], Any]], ListServer]
pytestmark = pytest.mark.usefixtures("nothing_is_left")


def test_break_does_not_wait_for_what_is_stalled(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))
    with blocking(server, **PATIENT) as api:
        for client in paginate(api.list_clients, limit=1).options(prefetch=8):
            if client.id == 2:
                server.wait_for(lambda: server.stalled == 8)
                break
    # Nobody is asked any more: neither the pages that waited for their turn nor those that break off are.
    server.script = lambda page: {"data": records(page), "meta": {"last_page": 100}}
    server.hang_up()
    end_call_threads()
    assert sorted(server.asked) == list(range(1, 11))


def test_pages_in_flight_are_not_tried_again(list_server: MakeServer) -> None:
    left = threading.Event()

    def script(page: int) -> Any:
        if page < 3:
            return {"data": records(page), "meta": {"last_page": 6}}
        left.wait(20)
        return Answer({"message": "Service Unavailable"}, status=503, headers={"Retry-After": "0"})

    server = list_server(script)
    with blocking(server, timeout=600.0, retries=5) as api:
        for client in paginate(api.list_clients, limit=1).options(prefetch=4):
            if client.id == 2:
                server.wait_for(lambda: len(server.asked) == 6)
                break
        left.set()
        end_call_threads()
    assert sorted(server.asked) == [1, 2, 3, 4, 5, 6]


def test_the_client_goes_on_after_an_abandoned_walk(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))
    with blocking(server, **PATIENT) as api:
        for _ in range(5):
            for client in paginate(api.list_clients, limit=1).options(prefetch=4):
                if client.id == 2:
                    break
        server.script = lambda page: {"data": records(page), "meta": {"last_page": 30}}
        assert ids(list(paginate(api.list_clients, limit=1).options(prefetch=16))) == list(range(1, 31))


def test_an_exception_in_the_loop_comes_out_at_once(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))
    with blocking(server, **PATIENT) as api, pytest.raises(ZeroDivisionError):  # noqa: PT012
        for client in paginate(api.list_clients, limit=1).options(prefetch=4):
            _ = 1 // (2 - client.id)


def test_an_error_on_one_page_does_not_wait_for_the_pages_behind_it(list_server: MakeServer, world: World) -> None:
    def script(page: int) -> Any:
        return Answer({"message": "gone"}, status=404) if page == 3 else stalling_from(4)(page)

    server = list_server(script)
    with pytest.raises(NotFound):
        walked(server, world, limit=1, prefetch=8, client=PATIENT)


def test_records_before_the_error_come_first(list_server: MakeServer, world: World) -> None:
    def script(page: int) -> Any:
        return Answer({"message": "no"}, status=500) if page == 4 else stalling_from(5)(page)

    seen: list[int] = []
    with pytest.raises(ServerError):
        walked(
            list_server(script),
            world,
            limit=1,
            prefetch=8,
            seen=lambda page: seen.extend(ids(page.records)),
            client=PATIENT,
        )
    assert seen == [1, 2, 3]


def test_a_callback_that_raises_ends_the_walk(list_server: MakeServer, world: World) -> None:
    def fail(done: int, total: int | None) -> None:
        raise LookupError(done)

    with pytest.raises(LookupError):
        walked(list_server(stalling_from(2)), world, limit=1, prefetch=4, progress=fail, client=PATIENT)


@pytest.mark.parametrize("prefetch", [1, 8])
def test_ctrl_c_in_the_midst_of_waiting(list_server: MakeServer, prefetch: int) -> None:
    server = list_server(stalling_from(3))

    def press() -> None:
        server.wait_for(lambda: server.stalled == prefetch)
        time.sleep(0.2)  # by now the main thread waits, and has begun its threads
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with blocking(server, **PATIENT) as api, pytest.raises(KeyboardInterrupt):
        list(paginate(api.list_clients, limit=1).options(prefetch=prefetch))
    presser.join()


def test_a_walk_that_nobody_holds_any_more_asks_for_nothing(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))
    with blocking(server, **PATIENT) as api:
        records_ = iter(paginate(api.list_clients, limit=1).options(prefetch=4))
        assert [next(records_).id, next(records_).id] == [1, 2]
        server.wait_for(lambda: server.stalled == 4)
        del records_
        gc.collect()
    server.hang_up()
    end_call_threads()
    assert sorted(server.asked) == [1, 2, 3, 4, 5, 6]


def test_rows_and_pages_can_be_left_as_well(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))
    with blocking(server, **PATIENT) as api:
        walk = paginate(api.list_clients, limit=1).options(prefetch=4)
        for row in walk.rows():
            if row["id"] == 2:
                break
        for page in walk.pages():
            if page.number == 2:
                break


def test_a_program_that_ends_in_mid_walk_does_not_wait(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))
    program = f"""
        from krebit import Krebit, MemoryTokenStore, paginate
        api = Krebit("{server.domain}", "app", "secret", refresh_token="seed", plain_http=True, timeout=600,
                        store=MemoryTokenStore())
        records = iter(paginate(api.list_clients, limit=1).options(prefetch=8))
        print(next(records).id, next(records).id)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 2\n", "")


def test_closing_the_client_in_mid_walk_is_an_error(sandbox: Sandbox) -> None:
    api = blocking(sandbox)
    pages = paginate(api.list_clients, limit=10).pages()
    assert next(pages).number == 1
    api.close()
    with pytest.raises(ClientClosed):
        next(pages)


def test_many_abandoned_walks_leave_no_socket_behind(sandbox: Sandbox) -> None:
    sandbox.switch(clients=1000)
    with blocking(sandbox) as api:
        before = 0
        for number in range(30):
            if number == 5:
                before = sockets()
            for _ in paginate(api.list_clients, limit=10).options(prefetch=8):
                break
            end_call_threads()
        # Both ends are in this process, and those that are being looked at may be counted twice.
        assert sockets_fall_to(before + 2 * 8)


def test_a_connection_that_breaks_is_tried_again(sandbox: Sandbox, world: World) -> None:
    sandbox.switch(clients=200)
    for kind in ("reset", "close", "truncate", "garbage"):
        sandbox.fault(kind=kind, path="*/clients", skip=3)
    # One page may meet all of them.
    assert len(walked(sandbox, world, limit=10, prefetch=4, client={"retries": 4})) == 200


def test_one_that_breaks_for_good_is_an_error(sandbox: Sandbox, world: World) -> None:
    sandbox.fault(kind="close", path="*/clients", times=None, skip=2)
    with pytest.raises((ConnectionFailed, ApiError)):
        walked(sandbox, world, limit=10, prefetch=4)


def test_what_a_walk_failed_with_does_not_wait_for_the_garbage_collector(list_server: MakeServer) -> None:
    """Its traceback holds frames, and they the pages: none of the threads' may hold it in turn."""

    def script(page: int) -> Any:
        return Answer({}, 404) if page == 3 else {"data": records(page), "meta": {"last_page": 3}}

    def failed() -> weakref.ref[BaseException]:
        try:
            walked(server, "sync", limit=1, prefetch=4)
        except NotFound as error:
            return weakref.ref(error)
        raise AssertionError

    server = list_server(script)
    gc.collect()
    gc.disable()
    try:
        error = failed()
        # A thread lets go of its call just after the walk has heard of it.
        wait_for(lambda: error() is None)
    finally:
        gc.enable()
