"""The receiver: what it stores and answers, outages, and what the log does not show."""

import gc
import logging
import sqlite3
import weakref
from pathlib import Path
from typing import Any

import pytest

from krebit.errors import ConfigurationError
from krebit.webhooks import MemoryInbox, Receiver, SqliteInbox, WebhookEvent
from krebit.webhooks.receiver import content_length
from tests.webhooks.cases import SECRET, act_created, signed


def deliver(receiver: Receiver, body: bytes) -> tuple[int, bytes]:
    answer = receiver.receive(body, signed(body))
    return answer.status, answer.body


def ignore(event: WebhookEvent) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    "settings",
    [{"secrets": " "}, {"concurrency": 0}, {"lease": 0}, {"lease": -1.0}, {"pauses": (1.0, -1.0)}],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_refused_when_configured(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Receiver(**{"secrets": SECRET, "handler": ignore, "inbox": MemoryInbox(), **settings})


@pytest.mark.parametrize(
    ("header", "length"),
    [(None, 0), ("", 0), ("12abc", 0), (b"-5", 0), ("\u00b2", 0), ("0" * 10_000, 0), ("9" * 10_000, 0), (b"12", 12)],
)
def test_a_content_length_that_is_not_a_number_announces_nothing(header: str | bytes | None, length: int) -> None:
    assert content_length(header) == length


def test_each_delivery_is_stored_once_and_a_conflict_is_kept() -> None:
    receiver = Receiver(SECRET, ignore, inbox=MemoryInbox(), handle_here=False)
    assert deliver(receiver, act_created()) == (200, b"stored\n")
    assert deliver(receiver, act_created()) == (200, b"known\n")
    assert deliver(receiver, act_created(more=1)) == (200, b"kept\n")
    assert receiver.drain() == 1
    assert deliver(receiver, act_created()) == (200, b"known\n")
    (conflict,) = receiver.inbox.conflicts()
    assert conflict.event().payload["more"] == 1


def test_a_repetition_makes_nothing_due() -> None:
    """Whoever has recorded one delivery must not be able to run handlers."""
    calls: list[object] = []

    def fail(event: WebhookEvent) -> None:
        calls.append(event.id)
        raise ValueError

    receiver = Receiver(SECRET, fail, inbox=MemoryInbox(), handle_here=False, pauses=[3600])
    for name in ("a", "b", "c"):
        deliver(receiver, act_created(name))
    receiver.drain()
    for _ in range(5):
        assert deliver(receiver, act_created("a")) == (200, b"known\n")
        assert receiver.drain() == 0
    assert calls == ["a", "b", "c"]


TEXT = "hunter2"


class Down(MemoryInbox):
    """An inbox whose store is down, with an exception that nobody has heard of."""

    def store(self, key: str, digest: str, body: bytes) -> Any:
        raise LookupError(TEXT)


def test_any_exception_of_an_inbox_is_a_503_and_never_more(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, ignore, inbox=Down())
    assert deliver(receiver, act_created()) == (503, b"not stored, send it again\n")
    assert "LookupError" in caplog.text
    assert TEXT not in caplog.text


def test_a_store_that_is_locked_is_a_503_and_then_a_success(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.db", busy=0.05)
    receiver = Receiver(SECRET, ignore, inbox=inbox, handle_here=False)
    assert deliver(receiver, act_created("first"))[0] == 200
    other = sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert deliver(receiver, act_created("second"))[0] == 503
    other.execute("COMMIT")
    other.close()
    assert deliver(receiver, act_created("second")) == (200, b"stored\n")
    inbox.close()


def test_a_store_whose_folder_is_missing_is_a_503_and_then_a_success(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = SqliteInbox(tmp_path / "disk" / "inbox.db")
    receiver = Receiver(SECRET, ignore, inbox=inbox, handle_here=False)
    assert deliver(receiver, act_created()) == (503, b"not stored, send it again\n")
    assert "No such file" in caplog.text
    (tmp_path / "disk").mkdir()
    assert deliver(receiver, act_created()) == (200, b"stored\n")
    inbox.close()


def test_a_file_that_others_can_write_is_a_503_and_the_log_says_how_to_repair_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "inbox.db"
    path.touch(0o600)
    path.chmod(0o666)
    receiver = Receiver(SECRET, ignore, inbox=SqliteInbox(path), handle_here=False)
    assert deliver(receiver, act_created())[0] == 503
    assert "chmod 600" in caplog.text


class Body(bytearray):
    """Known by a weak reference."""


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [(b"x" * 101, [], 413), (b"{}", [], 401), (b"{", signed(b"{"), 400)],
    ids=["too large", "unsigned", "no JSON"],
)
def test_the_log_of_a_refused_delivery_does_not_keep_its_body(
    caplog: pytest.LogCaptureFixture, sent: bytes, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    """A handler may keep its records, and an exception among them would keep its frames, and these the body."""
    caplog.set_level(logging.INFO, "krebit")
    receiver = Receiver(SECRET, ignore, inbox=MemoryInbox(), max_body=100)
    body = Body(sent)
    seen = weakref.ref(body)
    assert receiver.receive(body, headers).status == status
    assert caplog.records
    del body
    gc.collect()
    assert seen() is None
