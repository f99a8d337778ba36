"""The worker: within `running()`, or by itself in a thread; woken at once, stopped cleanly."""

import asyncio
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from krebit.webhooks import LeasedDelivery, MemoryInbox, SqliteInbox, WebhookEvent
from tests.waiting import wait_for
from tests.webhooks.cases import act_created, signed
from tests.webhooks.workers import Handled, deliver, make, stop, worker_threads

INTERRUPTED = """
import random, signal, sys, threading
from krebit.webhooks import MemoryInbox, SqliteInbox
from tests.waiting import wait_for
from tests.webhooks.cases import act_created, signed
from tests.webhooks.workers import Handled, deliver, make

class TooLate(BaseException):
    pass

def raise_too_late(number, frame):
    raise TooLate

signal.signal(signal.SIGALRM, raise_too_late)
def receive(name):
    # What was stored together with an interrupted delivery is refused: the sender sends it again.
    body = act_created(name)
    receiver.receive(body, signed(body))

handled = Handled()
receiver = make(handled, inbox=SqliteInbox(sys.argv[1]) if sys.argv[1:] else MemoryInbox())
others = threading.Thread(target=lambda: [receive(f"other {number}") for number in range(500)], daemon=True)
others.start()
for number in range(2000):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.0003))
        deliver(receiver, number)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except TooLate:
        continue
signal.signal(signal.SIGALRM, signal.SIG_IGN)
others.join(60)
assert not others.is_alive()
threading.Thread(target=deliver, args=(receiver, "last"), daemon=True).start()
wait_for(lambda: "last" in handled)
"""


def test_by_itself_a_thread_starts_with_the_first_delivery_and_handles_what_was_left(inbox: SqliteInbox) -> None:
    earlier = make(Handled(), inbox=inbox, handle_here=False)
    deliver(earlier, 1, 2)
    handled = Handled()
    before = worker_threads()
    receiver = make(handled, inbox=inbox)
    body = act_created("forged")
    assert receiver.receive(body, signed(b"other")).status == 401
    assert worker_threads() <= before
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
    together = threading.Barrier(1)

    def handle(event: WebhookEvent) -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
            order.append(event.id)
        together.wait(30)  # for as many as may run
        time.sleep(0.02)  # one too many would begin meanwhile
        with lock:
            running -= 1

    for concurrency in (1, 4):
        at_once.clear()
        order.clear()
        together = threading.Barrier(concurrency)
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


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("place", [[], ["inbox.db"]], ids=["memory", "sqlite"])
def test_signals_that_raise_while_deliveries_are_received_do_not_stop_the_worker(
    tmp_path: Path, place: list[str]
) -> None:
    """They hit any bytecode. A lock that one left taken would stop the worker and every further delivery."""
    command = [sys.executable, "-c", INTERRUPTED, *(str(tmp_path / name) for name in place)]
    subprocess.run(command, timeout=120, check=True)


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
    assert statistics.median(took) < 0.3  # some two milliseconds in fact; polling alone would need half a second


def test_what_another_process_stores_is_handled_too(inbox: SqliteInbox) -> None:
    handled = Handled()
    receiver = make(handled, inbox=inbox)
    deliver(receiver, 1)
    wait_for(lambda: handled == [1])
    deliver(make(Handled(), inbox=inbox, handle_here=False), 2)  # which wakes nobody here
    wait_for(lambda: handled == [1, 2])
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
