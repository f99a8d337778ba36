"""The receiver without I/O: memory, outages, a handler that fails, and what the log does not show."""

import logging
import sqlite3
import threading
import tracemalloc
from pathlib import Path

import pytest
from krebit.errors import ConfigurationError, WebhookError
from krebit.webhooks import MemoryInbox, Receiver, SqliteInbox, WebhookEvent, WsgiReceiver
from krebit.webhooks.receiver import Body

from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.client import send
from tests.webhooks.servers import FRAMEWORKS, serving


def event_of(receiver: Receiver, body: bytes) -> WebhookEvent:
    collected = receiver.body(str(len(body)))
    collected.feed(body)
    return receiver.verify(collected, signed(body))


def test_a_blank_secret_is_refused_when_configured() -> None:
    with pytest.raises(ConfigurationError):
        Receiver(" ", print, inbox=MemoryInbox())


@pytest.mark.parametrize("declared", ["1000001", "9" * 10_000])
def test_a_body_announced_too_large_is_refused_before_any_of_it(declared: str) -> None:
    with pytest.raises(WebhookError) as caught:
        Receiver(SECRET, print, inbox=MemoryInbox(), max_body=1_000_000).body(declared)
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("declared", [None, "", "12abc", "-5", "\u0665", "3", "0" * 10_000])
def test_what_counts_is_what_comes(declared: str | None) -> None:
    body = Receiver(SECRET, print, inbox=MemoryInbox(), max_body=10).body(declared)
    body.feed(b"x" * 10)
    with pytest.raises(WebhookError):
        body.feed(b"x")


def feed(body: Body, chunk: bytes, times: int) -> None:
    for _ in range(times):
        body.feed(chunk)


def test_memory_stays_within_twice_the_limit() -> None:
    limit = 4 * 1024 * 1024
    receiver = Receiver(SECRET, print, inbox=MemoryInbox(), max_body=limit)
    chunk = b"x" * 65_536
    tracemalloc.start()
    try:
        body = receiver.body(None)
        with pytest.raises(WebhookError):
            feed(body, chunk, 1_000)
        large = receiver.body(None)
        feed(large, chunk, limit // len(chunk))
        with pytest.raises(WebhookError):
            receiver.verify(large, [(b"x-signature", b"0" * 64)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert limit <= peak <= 2 * limit


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
    event = event_of(receiver, act_created("evt_5", contact="anna@example.com"))
    answer, ours = receiver.claim(event)
    assert (answer.status, ours) == (200, True)
    with caplog.at_level(logging.DEBUG, "krebit.webhooks"):
        receiver.handle(event)
        assert receiver.recover() == 1
    assert len(caplog.records) == 2
    assert "ValueError" in caplog.text
    assert "evt_5" in caplog.text
    assert "in __call__" in caplog.text
    assert "anna" not in caplog.text
    assert "payload}" in caplog.text  # the line of the handler's source, not its value
    handler.broken = False
    assert receiver.recover() == 1
    assert handler.handled == [event]
    assert receiver.recover() == 0
    assert receiver.claim(event)[1] is False


def test_sent_again_after_a_failure_it_is_handled_again() -> None:
    handler = Failing()
    receiver = Receiver(SECRET, handler, inbox=MemoryInbox())
    event = event_of(receiver, act_created())
    receiver.claim(event)
    receiver.handle(event)
    assert receiver.claim(event)[1] is True


def test_the_subscription_survives_recovery(tmp_path: Path) -> None:
    handler = Failing()
    inbox = SqliteInbox(tmp_path / "inbox.db")
    receiver = Receiver({"acts \u00e5": SECRET}, handler, inbox=inbox)
    event = event_of(receiver, act_created())
    receiver.claim(event)
    receiver.handle(event)
    handler.broken = False
    receiver.recover()
    assert handler.handled == [event]
    assert handler.handled[0].subscription == "acts \u00e5"
    inbox.close()


def test_a_handler_that_exits_is_let_through_and_the_delivery_stays() -> None:
    def leave(event: WebhookEvent) -> None:
        raise SystemExit

    receiver = Receiver(SECRET, leave, inbox=MemoryInbox())
    event = event_of(receiver, act_created())
    receiver.claim(event)
    with pytest.raises(SystemExit):
        receiver.handle(event)
    assert [pending.id for pending in receiver.pending()] == ["evt_1"]


async def asynchronous(event: WebhookEvent) -> None:
    """Does nothing."""


def test_a_coroutine_under_wsgi_is_refused_or_stays_pending(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigurationError):
        WsgiReceiver(Receiver(SECRET, asynchronous, inbox=MemoryInbox()))
    disguised = Receiver(SECRET, lambda event: asynchronous(event), inbox=MemoryInbox())
    event = event_of(disguised, act_created())
    disguised.claim(event)
    disguised.handle(event)
    assert "TypeError" in caplog.text
    assert len(list(disguised.pending())) == 1


class Down(MemoryInbox):
    """An inbox whose store is down, with an exception that nobody has heard of."""

    TEXT = "hunter2"

    def __getattribute__(self, name: str) -> object:
        if name in ("claim", "done", "failed", "pending"):
            raise LookupError(self.TEXT)
        return super().__getattribute__(name)


def test_any_exception_of_an_inbox_is_a_503_and_never_more(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, print, inbox=Down())
    event = event_of(receiver, act_created())
    answer, ours = receiver.claim(event)
    assert (answer.status, ours) == (503, False)
    receiver.handle(event)
    receiver.failed(event, ValueError())
    assert receiver.recover() == 0
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
