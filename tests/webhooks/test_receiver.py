"""The receiver without I/O: memory, outages, a handler that fails, and what the log does not show."""

import asyncio
import gc
import logging
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from krebit.errors import ConfigurationError
from krebit.webhooks import AsgiReceiver, MemoryInbox, Receiver, SqliteInbox, WebhookEvent, verify
from krebit.webhooks.receiver import content_length
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.client import send
from tests.webhooks.servers import FRAMEWORKS, serving


def event_of(receiver: Receiver, body: bytes) -> WebhookEvent:
    answer, event = receiver.receive(body, signed(body))
    assert answer.status == 200
    assert event is not None
    return event


def test_a_blank_secret_is_refused_when_configured() -> None:
    with pytest.raises(ConfigurationError):
        Receiver(" ", print, inbox=MemoryInbox())


@pytest.mark.parametrize(
    ("header", "length"),
    [(None, 0), ("", 0), ("12abc", 0), (b"-5", 0), ("\u00b2", 0), ("0" * 10_000, 0), ("9" * 10_000, 0), (b"12", 12)],
)
def test_a_content_length_that_is_none_announces_nothing(header: str | bytes | None, length: int) -> None:
    assert content_length(header) == length


class Failing:
    """A handler that fails until it is repaired, with the payload in its exception's text."""

    def __init__(self) -> None:
        self.broken = True
        self.handled: list[WebhookEvent] = []

    def __call__(self, event: WebhookEvent) -> None:
        if self.broken:
            raise ValueError(f"cannot read {event.payload}")
        self.handled.append(event)


def test_what_a_handler_fails_on_stays_pending_and_is_logged_without_payload(caplog: pytest.LogCaptureFixture) -> None:
    handler = Failing()
    receiver = Receiver(SECRET, handler, inbox=MemoryInbox())
    body = act_created("evt_5", contact="anna@example.com")
    event = event_of(receiver, body)
    with caplog.at_level(logging.DEBUG, "krebit.webhooks"):
        receiver.handle(event)
        receiver.recover()
    assert len(caplog.records) == 2
    assert "ValueError" in caplog.text
    assert "evt_5" in caplog.text
    assert "in __call__" in caplog.text
    assert "anna" not in caplog.text
    assert "payload}" in caplog.text  # the line of the handler's source, not its value
    handler.broken = False
    receiver.recover()
    receiver.recover()
    assert handler.handled == [event]
    assert receiver.receive(body, signed(body))[1] is None


def test_a_recovery_is_due_at_first_and_when_a_delivery_is_sent_again_and_while_the_inbox_is_down() -> None:
    receiver = Receiver(SECRET, print, inbox=MemoryInbox())
    overdue = [receiver.overdue]
    receiver.recover()
    for _ in range(2):
        overdue.append(receiver.overdue)
        receiver.receive(act_created(), signed(act_created()))
    assert [*overdue, receiver.overdue] == [True, False, False, True]
    down = Receiver(SECRET, print, inbox=Down())
    down.recover()
    assert down.overdue


def test_the_subscription_survives_recovery(tmp_path: Path) -> None:
    handler = Failing()
    inbox = SqliteInbox(tmp_path / "inbox.db")
    receiver = Receiver({"acts \u00e5": SECRET}, handler, inbox=inbox)
    event = event_of(receiver, act_created())
    receiver.handle(event)
    handler.broken = False
    receiver.recover()
    assert handler.handled == [event]
    assert handler.handled[0].subscription == "acts \u00e5"
    inbox.close()


def test_a_handler_that_exits_is_let_through_and_the_delivery_stays(tmp_path: Path) -> None:
    def leave(event: WebhookEvent) -> None:
        raise SystemExit

    inbox = SqliteInbox(tmp_path / "inbox.db")
    receiver = Receiver(SECRET, leave, inbox=inbox)
    event = event_of(receiver, act_created())
    with pytest.raises(SystemExit):
        receiver.handle(event)
    inbox.close()  # as the end of its process would
    assert [pending.id for pending in receiver.pending()] == ["evt_1"]
    inbox.close()


async def asynchronous(event: WebhookEvent) -> None:
    """Does nothing."""


@pytest.mark.filterwarnings("ignore:coroutine 'asynchronous' was never awaited:RuntimeWarning")
@pytest.mark.parametrize("handler", [asynchronous, lambda event: asynchronous(event)])
def test_what_a_coroutine_would_handle_outside_asgi_stays_pending(
    handler: Callable[[WebhookEvent], object], caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver(SECRET, handler, inbox=MemoryInbox())
    receiver.handle(event_of(receiver, act_created()))
    assert "TypeError" in caplog.text
    assert len(list(receiver.pending())) == 1


class Down(MemoryInbox):
    """An inbox whose store is down, with an exception that nobody has heard of."""

    TEXT = "hunter2"

    def __getattribute__(self, name: str) -> object:
        if name in ("claim", "done", "failed", "pending"):
            raise LookupError(self.TEXT)
        return super().__getattribute__(name)


def test_any_exception_of_an_inbox_is_a_503_and_never_more(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, print, inbox=Down())
    body = act_created()
    answer, event = receiver.receive(body, signed(body))
    assert (answer.status, event) == (503, None)
    event = verify(body, signed(body), SECRET)
    receiver.handle(event)
    receiver.settle(event, ValueError())
    receiver.recover()
    assert "LookupError" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_store_that_is_locked_is_a_503_and_then_a_success(framework: str, tmp_path: Path) -> None:
    seen = threading.Event()
    inbox = SqliteInbox(tmp_path / "inbox.db", busy=0.05)
    with serving(framework, Receiver(SECRET, lambda event: seen.set(), inbox=inbox)) as port:
        first, second = act_created("first"), act_created("second")
        assert send(port, first, signed(first))[0] == 200
        assert seen.wait(30)
        other = sqlite3.connect(tmp_path / "inbox.db", timeout=30, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert send(port, second, signed(second))[0] == 503
        other.execute("COMMIT")
        other.close()
        seen.clear()
        assert send(port, second, signed(second))[0] == 200
        assert seen.wait(30)
    inbox.close()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_store_whose_folder_is_missing_is_a_503_and_then_a_success(framework: str, tmp_path: Path) -> None:
    seen = threading.Event()
    inbox = SqliteInbox(tmp_path / "disk" / "inbox.db")
    body = act_created()
    with serving(framework, Receiver(SECRET, lambda event: seen.set(), inbox=inbox)) as port:
        assert send(port, body, signed(body)) == (503, b"not stored, send it again\n")
        (tmp_path / "disk").mkdir()
        assert send(port, body, signed(body)) == (200, b"stored\n")
        assert seen.wait(30)
    inbox.close()


class Noted(Exception):
    """Known by a weak reference of its own."""

    def __init__(self, seen: list[weakref.ref[BaseException]]) -> None:
        seen.append(weakref.ref(self))


@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_what_a_handler_failed_with_does_not_wait_for_the_garbage_collector(way: str) -> None:
    """Its traceback holds frames, and they the payload: none of ours may hold it in turn."""
    seen: list[weakref.ref[BaseException]] = []

    def fail(event: WebhookEvent) -> None:
        raise Noted(seen)

    async def fail_awaited(event: WebhookEvent) -> None:
        raise Noted(seen)

    receiver = Receiver(SECRET, fail if way == "blocking" else fail_awaited, inbox=MemoryInbox())
    event = event_of(receiver, act_created("evt_6"))
    gc.disable()
    try:
        if way == "blocking":
            receiver.handle(event)
        else:
            app = AsgiReceiver(receiver)
            asyncio.run(app._handle(event))
            app._thread.submit(int).result()  # a worker lets go of its call when it takes the next one
        assert [each() for each in seen] == [None]
    finally:
        gc.enable()


class Body(bytearray):
    """Known by a weak reference."""


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [(b"x" * 101, [], 413), (b"{}", [], 401), (b"{", signed(b"{"), 400)],
    ids=["too large", "unsigned", "no JSON"],
)
def test_what_is_logged_of_a_refused_delivery_does_not_keep_its_body(
    caplog: pytest.LogCaptureFixture, sent: bytes, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    """A handler may keep its records, and an exception among them would keep its frames, and these the body."""
    caplog.set_level(logging.INFO, "krebit")
    receiver = Receiver(SECRET, lambda event: None, inbox=MemoryInbox(), max_body=100)
    body = Body(sent)
    seen = weakref.ref(body)
    assert receiver.receive(body, headers)[0].status == status
    assert caplog.records
    del body
    gc.collect()
    assert seen() is None
