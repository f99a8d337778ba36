"""How stored deliveries are handled: tried again, given up, logged without payload, kept from others meanwhile."""

import asyncio
import gc
import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from krebit.webhooks import LeasedDelivery, MemoryInbox, Receiver, SqliteInbox, WebhookEvent
from krebit.webhooks.handling import DeliveryProcessor
from krebit.webhooks.worker import Worker
from tests.waiting import wait_for
from tests.webhooks.cases import SECRET, act_created, signed


def deliver(receiver: Receiver, *names: object, **more: object) -> None:
    for name in names:
        body = act_created(name, **more)
        assert receiver.receive(body, signed(body)).status == 200


TEXT = "hunter2"
Make = Callable[..., Receiver]
make: Make = partial(Receiver, SECRET, handle_here=False)


class Failing:
    """A handler that fails so many times, with the payload in its exception's text."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.calls = 0
        self.handled: list[WebhookEvent] = []

    def __call__(self, event: WebhookEvent) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise ValueError(f"cannot read {event.payload}")
        self.handled.append(event)


def test_a_handler_that_fails_is_called_again_after_each_pause(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Failing(3)
    receiver = make(handler, inbox=MemoryInbox(), pauses=[0, 0, 1800, 3600])
    deliver(receiver, "evt_5", contact="anna@example.com")
    assert receiver.drain() == 3
    assert receiver.drain() == 0
    later = time.time() + 1801
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: later)
        assert receiver.drain() == 1
    assert [event.id for event in handler.handled] == ["evt_5"]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        f'the handler failed on delivery ["", "id", "evt_5"], the next try is in {pause} s'
        for pause in ("0", "0", "1800")
    ]
    assert "in __call__" in caplog.text
    assert "payload}" in caplog.text  # the line of the handler's source, not its value
    assert "anna" not in caplog.text


def test_after_the_last_try_it_is_kept_and_redelivered_by_hand(caplog: pytest.LogCaptureFixture) -> None:
    handler = Failing(5)
    receiver = make(handler, inbox=MemoryInbox(), pauses=[0, 0])
    deliver(receiver, "a", "b")
    assert receiver.drain() == 6
    assert [event.id for event in handler.handled] == ["b"]
    (failure,) = receiver.inbox.failures()
    assert failure.event().id == "a"
    assert failure.reason.startswith("ValueError in __call__ (test_handling.py:")
    assert "for the last time" in caplog.text
    deliver(receiver, "a")  # which changes nothing
    assert receiver.drain() == 0
    assert receiver.inbox.redeliver(failure.key)
    assert receiver.drain() == 1
    assert [event.id for event in handler.handled] == ["b", "a"]
    assert receiver.inbox.failures() == []


def test_a_delivery_that_ends_its_process_each_time_is_kept_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    handler = Failing(0)
    receiver = make(handler, inbox=MemoryInbox(), pauses=[0])
    deliver(receiver, "a")
    for _ in range(2):
        assert receiver.inbox.take(0.0) is not None  # and nothing more is heard of the taker
    receiver.drain()
    assert handler.calls == 0
    assert [kept.reason for kept in receiver.inbox.failures()] == ["each try ended with its process or its lease"]
    assert "each try ended" in caplog.text


async def asynchronous(event: WebhookEvent, seen: list[object]) -> None:
    await asyncio.sleep(0)
    seen.append(event.id)


class Asynchronous:
    """An object with an asynchronous `__call__`."""

    def __init__(self, seen: list[object]) -> None:
        self.seen = seen

    async def __call__(self, event: WebhookEvent) -> None:
        await asynchronous(event, self.seen)


@pytest.mark.parametrize(
    "kind",
    [lambda seen: partial(asynchronous, seen=seen), Asynchronous, lambda seen: lambda event: asynchronous(event, seen)],
)
def test_every_kind_of_asynchronous_handler_is_awaited(kind: Callable[[list[object]], Any]) -> None:
    seen: list[object] = []
    receiver = make(kind(seen), inbox=MemoryInbox())
    deliver(receiver, 1, 2, 3)
    assert receiver.drain() == 3
    assert seen == [1, 2, 3]


def test_asynchronous_handlers_share_a_loop() -> None:
    """So that a client which one call has made serves the next."""
    loops: list[object] = []

    async def handle(event: WebhookEvent) -> None:
        loops.append(asyncio.get_running_loop())

    receiver = make(handle, inbox=MemoryInbox())
    deliver(receiver, 1, 2, 3)
    receiver.drain()
    assert len({*map(id, loops)}) == 1


def test_drain_does_not_block_a_loop() -> None:
    receiver = make(Failing(0), inbox=MemoryInbox())
    deliver(receiver, "a")

    async def drain() -> None:
        with pytest.raises(RuntimeError, match="to_thread"):
            receiver.drain()
        assert await asyncio.to_thread(receiver.drain) == 1

    asyncio.run(drain())


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, KeyboardInterrupt])
def test_what_is_no_exception_leaves_the_delivery_to_the_next_try(error: type[BaseException]) -> None:
    calls: list[object] = []

    def handle(event: WebhookEvent) -> None:
        calls.append(event.id)
        if len(calls) == 1:
            raise error

    receiver = make(handle, inbox=MemoryInbox(), pauses=[0])
    deliver(receiver, "a")
    if error is KeyboardInterrupt:  # a person wants the program to end
        with pytest.raises(KeyboardInterrupt):
            receiver.drain()
    receiver.drain()
    assert calls == ["a", "a"]


def test_the_lease_is_renewed_while_the_handler_runs(tmp_path: Path) -> None:
    """In time, over and over: a third of the lease after it was taken, and after each renewal."""
    path = tmp_path / "inbox.db"
    inbox = SqliteInbox(path, busy=10.0)

    def end_of_lease() -> float:
        with closing(sqlite3.connect(path, timeout=10)) as db:
            found: float = db.execute("SELECT due FROM deliveries").fetchone()[0]
            return found

    def handle(event: WebhookEvent) -> None:
        for _ in range(3):
            before = end_of_lease()
            wait_for(lambda before=before: end_of_lease() > before)  # type: ignore[misc]

    receiver = make(handle, inbox=inbox, lease=1.0)
    deliver(receiver, "a")
    assert receiver.drain() == 1
    assert receiver.drain() == 0
    inbox.close()


class TakenOver(MemoryInbox):
    """Says of each lease that it has ended, as after this process was stopped for long."""

    def renew(self, delivery: LeasedDelivery, lease: float) -> bool:
        return False

    def complete(self, delivery: LeasedDelivery) -> bool:
        return False


def test_a_lease_that_is_lost_is_said(caplog: pytest.LogCaptureFixture) -> None:
    def handle(event: WebhookEvent) -> None:
        wait_for(lambda: "the lease of delivery" in caplog.text)

    receiver = make(handle, inbox=TakenOver(), lease=0.3)
    deliver(receiver, "a")
    receiver.drain()
    assert "next try" not in caplog.text  # the handler did not fail
    assert "may be handled again: its lease had ended" in caplog.text


class Sometimes(MemoryInbox):
    """Fails so many times to note that a delivery was handled."""

    fails = 0

    def complete(self, delivery: LeasedDelivery) -> bool:
        if self.fails:
            self.fails -= 1
            raise LookupError(TEXT)
        return super().complete(delivery)


def test_what_is_handled_is_noted_when_the_inbox_is_back(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Sometimes()
    inbox.fails = 2
    handler = Failing(0)
    receiver = make(handler, inbox=inbox, lease=60.0)
    deliver(receiver, "a")
    assert receiver.drain() == 1
    assert handler.calls == 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_an_inbox_that_stays_down_is_said_and_the_delivery_is_handled_again(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Sometimes()
    inbox.fails = 1_000
    handler = Failing(0)
    receiver = make(handler, inbox=inbox, lease=0.2, pauses=[0])
    deliver(receiver, "a")
    assert receiver.inbox is inbox
    thread = threading.Thread(target=receiver.drain, daemon=True)
    thread.start()
    wait_for(lambda: handler.calls >= 2)
    inbox.fails = 0
    thread.join(30)
    assert "LookupError" in caplog.text
    assert TEXT not in caplog.text


def test_the_subscription_is_kept_with_the_delivery(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.db")
    handler = Failing(0)
    receiver = Receiver({"acts \u00e5\0": SECRET}, handler, inbox=inbox, handle_here=False)
    deliver(receiver, "a")
    receiver.drain()
    assert handler.handled[0].subscription == "acts \u00e5\0"
    inbox.close()


class Noted(Exception):
    """Known by a weak reference of its own."""

    def __init__(self, seen: list[weakref.ref[BaseException]]) -> None:
        seen.append(weakref.ref(self))


def _fail(event: WebhookEvent, seen: list[weakref.ref[BaseException]]) -> None:
    raise Noted(seen)


async def _fail_awaited(event: WebhookEvent, seen: list[weakref.ref[BaseException]]) -> None:
    raise Noted(seen)


@pytest.mark.parametrize("handler", [_fail, _fail_awaited])
@pytest.mark.parametrize("way", ["drain", "running"])
def test_an_exception_of_a_handler_does_not_wait_for_the_garbage_collector(
    handler: Callable[..., Awaitable[None] | None], way: str
) -> None:
    """Its traceback holds frames, and they the payload: none of ours may hold it in turn."""
    seen: list[weakref.ref[BaseException]] = []
    inbox = MemoryInbox()
    receiver = make(partial(handler, seen=seen), inbox=inbox, pauses=[])
    deliver(receiver, "evt_6")

    async def run() -> None:
        async with receiver.running():
            await asyncio.to_thread(wait_for, inbox.failures)
            await asyncio.to_thread(wait_for, lambda: [each() for each in seen] == [None])

    gc.disable()
    try:
        if way == "drain":
            receiver.drain()
        else:
            asyncio.run(run())
        assert [each() for each in seen] == [None]
    finally:
        gc.enable()


def test_whoever_starts_a_worker_that_stops_does_not_wait_for_its_handler() -> None:
    """Start it again and again while it stops, as a receiver does with each delivery."""
    entered, release, ended = threading.Event(), threading.Event(), threading.Event()

    def handle(event: WebhookEvent) -> None:
        entered.set()
        release.wait(60)

    inbox = MemoryInbox()
    deliver(make(handle, inbox=inbox), "evt_7")
    worker = Worker(DeliveryProcessor(inbox, handle, lease=60.0, pauses=[]))

    def start_often() -> None:
        for _ in range(50):
            worker.start()
            time.sleep(0.01)  # so that the stopping thread gets on meanwhile
        ended.set()

    worker.start()
    assert entered.wait(60)
    threads = [threading.Thread(target=target, daemon=True) for target in (worker.stop, start_often)]
    for thread in threads:
        thread.start()
    try:
        assert ended.wait(20)
    finally:
        release.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
