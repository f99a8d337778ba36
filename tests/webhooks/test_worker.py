"""The worker: within `running()`, by itself in a thread, in a forked process; woken at once, stopped cleanly."""

import asyncio
import logging
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from krebit.webhooks import LeasedDelivery, MemoryInbox, Receiver, SqliteInbox, WebhookEvent
from tests.waiting import wait_for
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.workers import worker_threads

make = partial(Receiver, SECRET)


def deliver(receiver: Receiver, *names: object) -> None:
    for name in names:
        body = act_created(name)
        assert receiver.receive(body, signed(body)).status == 200


class Handled(list[object]):
    """A handler that keeps the ids of its events, and the names of its threads."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[str] = set()

    def __call__(self, event: WebhookEvent) -> None:
        self.threads.add(threading.current_thread().name)
        self.append(event.id)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[SqliteInbox]:
    inbox = SqliteInbox(tmp_path / "inbox.db", busy=10.0)
    yield inbox
    inbox.close()


def stop(receiver: Receiver) -> None:
    """End the thread that runs by itself."""

    async def take_over() -> None:
        async with receiver.running():
            pass

    asyncio.run(take_over())


def test_by_itself_a_thread_starts_with_the_first_delivery_and_handles_what_was_left(inbox: SqliteInbox) -> None:
    earlier = make(Handled(), inbox=inbox, handle_here=False)
    deliver(earlier, 1, 2)
    handled = Handled()
    before = worker_threads()
    receiver = make(handled, inbox=inbox)
    body = act_created("forged")
    assert receiver.receive(body, signed(b"other")).status == 401
    assert worker_threads() == before
    deliver(receiver, 3, 4)
    wait_for(lambda: len(handled) == 4)
    assert handled == [1, 2, 3, 4]
    assert handled.threads == {"krebit-webhooks"}
    stop(receiver)
    assert worker_threads() <= before


def test_running_calls_async_handlers_on_the_application_s_loop_and_plain_ones_in_a_thread(inbox: SqliteInbox) -> None:
    async def test() -> None:
        loops: list[object] = []

        async def handle(event: WebhookEvent) -> None:
            loops.append(asyncio.get_running_loop())

        receiver = make(handle, inbox=inbox)
        async with receiver.running():
            await asyncio.to_thread(deliver, receiver, 1, 2)
            await asyncio.to_thread(wait_for, lambda: len(loops) == 2)
        assert loops == [asyncio.get_running_loop()] * 2

        handled = Handled()
        receiver = make(handled, inbox=inbox)
        async with receiver.running():
            await asyncio.to_thread(deliver, receiver, 3)
            await asyncio.to_thread(wait_for, lambda: handled == [3])
        assert handled.threads == {"krebit-webhooks"}

    asyncio.run(test())


@pytest.mark.parametrize("kind", ["async", "plain"])
def test_a_clean_stop_waits_for_the_handler_under_way_and_leaves_the_rest(inbox: SqliteInbox, kind: str) -> None:
    handled: list[object] = []
    begun = threading.Event()
    may_end = threading.Event()

    def plain(event: WebhookEvent) -> None:
        begun.set()
        may_end.wait(30)
        handled.append(event.id)

    async def asynchronous(event: WebhookEvent) -> None:
        begun.set()
        while not may_end.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.01)
        handled.append(event.id)

    async def test() -> None:
        receiver = make(plain if kind == "plain" else asynchronous, inbox=inbox)
        context = receiver.running()
        await context.__aenter__()
        await asyncio.to_thread(deliver, receiver, 1, 2)
        await asyncio.to_thread(begun.wait, 30)
        stopping = asyncio.create_task(context.__aexit__(None, None, None))
        await asyncio.sleep(0.2)
        assert not stopping.done()
        may_end.set()
        await stopping

    asyncio.run(test())
    assert handled == [1]
    other = Handled()
    make(other, inbox=inbox, handle_here=False).drain()
    assert other == [2]  # at once: no lease has to end


def test_a_handler_that_does_not_end_is_cancelled_with_its_loop_and_called_again(inbox: SqliteInbox) -> None:
    begun = threading.Event()

    async def handle(event: WebhookEvent) -> None:
        begun.set()
        await asyncio.Event().wait()

    receiver = make(handle, inbox=inbox, pauses=[0])

    async def serve() -> None:
        async with receiver.running():
            await asyncio.to_thread(deliver, receiver, 1)
            await asyncio.Event().wait()

    async def test() -> None:
        serving = asyncio.create_task(serve())
        await asyncio.to_thread(begun.wait, 30)
        for _ in range(2):  # the first lets the handler end
            serving.cancel()
            await asyncio.sleep(0.1)
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(test())
    handled = Handled()
    make(handled, inbox=inbox, handle_here=False).drain()
    assert handled == [1]


def test_one_at_a_time_in_the_order_of_arrival_unless_asked_otherwise(inbox: SqliteInbox) -> None:
    at_once: list[int] = []
    order: list[object] = []
    lock = threading.Lock()
    running = 0

    def handle(event: WebhookEvent) -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
            order.append(event.id)
        time.sleep(0.02)
        with lock:
            running -= 1

    for concurrency in (1, 4):
        at_once.clear()
        order.clear()
        receiver = make(handle, inbox=inbox, concurrency=concurrency)
        names = [f"{concurrency} {number}" for number in range(20)]
        deliver(receiver, *names)
        wait_for(lambda: len(order) == 20)
        stop(receiver)
        assert max(at_once) == concurrency
        assert sorted(map(str, order)) == sorted(names)
        if concurrency == 1:
            assert order == names


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_wake_up_is_lost(concurrency: int) -> None:
    """With one a second, for polling, three hundred would take minutes."""
    handled = Handled()
    receiver = make(handled, inbox=MemoryInbox(), concurrency=concurrency)
    began = time.monotonic()
    for number in range(300):
        deliver(receiver, number)
        wait_for(lambda expected=number + 1: len(handled) == expected)  # type: ignore[misc]
    assert time.monotonic() - began < 60
    stop(receiver)


def test_from_delivery_to_handler_in_the_same_process_it_takes_milliseconds(inbox: SqliteInbox) -> None:
    seen = threading.Event()
    receiver = make(lambda event: seen.set(), inbox=inbox)
    took = []
    for number in range(30):
        seen.clear()
        deliver(receiver, number)
        began = time.perf_counter()
        assert seen.wait(30)
        took.append(time.perf_counter() - began)
    stop(receiver)
    assert statistics.median(took) < 0.1  # some two in fact


def test_what_another_process_stores_is_handled_within_about_a_second(inbox: SqliteInbox) -> None:
    handled = Handled()
    receiver = make(handled, inbox=inbox)
    deliver(receiver, 1)
    wait_for(lambda: handled == [1])
    deliver(make(Handled(), inbox=inbox, handle_here=False), 2)  # which wakes nobody here
    wait_for(lambda: handled == [1, 2], 10)
    stop(receiver)


class Sometimes(MemoryInbox):
    """An inbox from which nothing can be taken for a while."""

    down = False
    refused = 0

    def take(self, lease: float) -> LeasedDelivery | None:
        if self.down:
            self.refused += 1
            raise LookupError(self)
        return super().take(lease)


def test_a_worker_outlives_an_inbox_that_is_down_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Sometimes()
    inbox.down = True
    handled = Handled()
    receiver = make(handled, inbox=inbox)
    deliver(receiver, 1)
    wait_for(lambda: inbox.refused >= 3)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "the inbox is down" in caplog.text
    inbox.down = False
    wait_for(lambda: handled == [1])
    stop(receiver)


def test_two_receivers_of_one_inbox_share_the_work(inbox: SqliteInbox) -> None:
    one, two = Handled(), Handled()
    receivers = [make(handled, inbox=inbox) for handled in (one, two)]
    for number in range(50):
        deliver(receivers[number % 2], number)
    wait_for(lambda: len(one) + len(two) == 50)
    assert sorted(one + two, key=str) == sorted(range(50), key=str)
    for receiver in receivers:
        stop(receiver)


def test_each_forked_process_has_a_worker_of_its_own(inbox: SqliteInbox, tmp_path: Path) -> None:
    """As a server's that loads the application, which has received already, before it forks."""
    file = tmp_path / "handled"

    def handle(event: WebhookEvent) -> None:
        with file.open("a") as handled:
            handled.write(f"{event.id}:{os.getpid()}\n")

    def lines() -> list[list[str]]:
        return [line.split(":") for line in file.read_text().splitlines()] if file.exists() else []

    receiver = make(handle, inbox=inbox)
    deliver(receiver, "parent")
    wait_for(lambda: len(lines()) == 1)
    stop(receiver)  # so that only a child can have handled the others
    children = []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            try:
                before = len(lines())
                deliver(receiver, f"child {number}")
                wait_for(lambda before=before: len(lines()) > before)  # type: ignore[misc]
                os._exit(0)
            finally:
                os._exit(1)
        children.append(str(pid))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert lines() == [["parent", str(os.getpid())], *([f"child {n}", pid] for n, pid in enumerate(children))]


@pytest.mark.parametrize("busy", [True, False])
def test_a_process_may_fork_while_its_worker_works(inbox: SqliteInbox, tmp_path: Path, busy: bool) -> None:
    file = tmp_path / "handled"

    def handle(event: WebhookEvent) -> None:
        with file.open("a") as handled:
            handled.write(f"{event.id}\n")

    receiver = make(handle, inbox=inbox, lease=1.0)
    names = {"first"}
    deliver(receiver, "first")
    for number in range(20):
        if busy:
            deliver(receiver, f"parent {number}")
            names.add(f"parent {number}")
        pid = os.fork()
        if pid == 0:
            try:
                deliver(receiver, f"child {number}")
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        names.add(f"child {number}")
    wait_for(lambda: names <= {*file.read_text().splitlines()})
    stop(receiver)


PROGRAM = """
import sys, time
from pathlib import Path
from krebit.webhooks import Receiver, SqliteInbox
from tests.webhooks.cases import act_created, signed
folder = Path(sys.argv[1])
def handle(event):
    (folder / "begun").touch()
    time.sleep(0.5)
    (folder / "ended").touch()
receiver = Receiver("secret", handle, inbox=SqliteInbox(folder / "inbox.db"))
assert receiver.receive(act_created(), signed(act_created(), "secret")).status == 200
while not (folder / "begun").exists():
    time.sleep(0.01)
"""


def test_a_program_that_ends_waits_for_its_handler(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, env=environment, timeout=60, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "ended").exists()
    assert make(Handled(), inbox=SqliteInbox(tmp_path / "inbox.db"), handle_here=False).drain() == 0


class NoThreads(threading.Thread):
    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_a_process_without_a_thread_to_give_says_so_and_tries_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handled = Handled()
    receiver = make(handled, inbox=MemoryInbox())
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", NoThreads)
        deliver(receiver, 1)
    assert "deliveries are stored and not handled, because no thread starts" in caplog.text
    deliver(receiver, 2)
    wait_for(lambda: handled == [1, 2])
    stop(receiver)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, True),
        ({"enable-threads": b"true"}, False),
        ({"enable-threads": True}, False),
        ({"threads": b"4"}, False),
    ],
)
def test_a_server_that_runs_no_threads_is_named_at_the_first_delivery(
    options: dict[str, Any], said: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Server:
        opt = options

    monkeypatch.setitem(sys.modules, "uwsgi", Server())
    receiver = make(Handled(), inbox=MemoryInbox())
    deliver(receiver, 1, 2)
    named = [record for record in caplog.records if "--enable-threads" in record.getMessage()]
    assert len(named) == said
    stop(receiver)


def test_a_host_that_stops_threads_between_requests_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    receiver = make(Handled(), inbox=MemoryInbox())
    deliver(receiver, 1)
    assert "handle_here=False" in caplog.text
    stop(receiver)
    caplog.clear()
    elsewhere = make(Handled(), inbox=MemoryInbox(), handle_here=False)
    deliver(elsewhere, 1)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_worker_that_waits_costs_next_to_nothing(inbox: SqliteInbox) -> None:
    receiver = make(Handled(), inbox=inbox)
    deliver(receiver, 1)
    time.sleep(0.5)
    before = time.process_time()
    time.sleep(3)
    assert time.process_time() - before < 0.15  # some three milliseconds in fact
    stop(receiver)
