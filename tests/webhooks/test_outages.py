"""The inbox's file is locked, broken or taken away, a process forks, a handler is cut short: nobody is told that a
delivery is stored when it is not, and none is left behind."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from krebit.webhooks import AsgiReceiver, MemoryInbox, Receiver, SqliteInbox
from krebit.webhooks.inbox import Claim
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.client import send
from tests.webhooks.exchange import Exchange, run
from tests.webhooks.servers import FRAMEWORKS, serving


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder / "inbox.db"


def keys(path: Path) -> set[str]:
    """What another connection sees."""
    with sqlite3.connect(path) as db:
        found = {key for (key,) in db.execute("SELECT key FROM deliveries")}
    db.close()
    return found


def _the_file(path: Path) -> None:
    path.unlink()


def _all_its_files(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()


def _to_elsewhere(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("take_away", [_the_file, _all_its_files, _to_elsewhere])
def test_what_comes_after_the_file_was_taken_away_is_stored_in_a_new_one(
    path: Path, take_away: Callable[[Path], None]
) -> None:
    inbox, other = SqliteInbox(path), SqliteInbox(path)
    inbox.claim("before", "d", b"b")
    take_away(path)
    assert inbox.claim("after", "d", b"b") == "new"
    assert keys(path) == {"after"}
    assert list(other.pending()) == []  # its owner is known to live
    with inbox.together():
        assert inbox.claim("after", "d", b"b") == "same"
    inbox.close()
    assert list(other.pending()) == [("after", b"b")]
    other.close()


@pytest.mark.parametrize("take_away", [_the_file, _all_its_files, _to_elsewhere])
def test_whom_another_one_has_anticipated_goes_on_in_the_new_file(
    path: Path, take_away: Callable[[Path], None]
) -> None:
    inbox, other = SqliteInbox(path), SqliteInbox(path)
    inbox.claim("before", "d", b"b")
    other.claim("before", "d", b"b")
    take_away(path)
    assert inbox.claim("after", "d", b"b") == "new"
    assert other.claim("after", "d", b"b") == "same"
    assert other.claim("later", "d", b"b") == "new"
    assert keys(path) == {"after", "later"}
    inbox.close()
    other.close()


def test_a_file_that_is_replaced_within_a_batch_ends_the_batch_where_it_began(path: Path) -> None:
    inbox, other = SqliteInbox(path), SqliteInbox(path)
    with inbox.together():
        assert inbox.claim("one", "d", b"b") == "new"
        _the_file(path)
        other.claim("elsewhere", "d", b"b")
        assert inbox.claim("two", "d", b"b") == "new"
    assert keys(path) == {"elsewhere"}
    assert [inbox.claim(key, "d", b"b") for key in ("one", "two")] == ["new", "new"]
    inbox.close()
    other.close()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_file_that_is_broken_is_a_503_until_somebody_takes_it_away(framework: str, path: Path) -> None:
    inbox = SqliteInbox(path)
    body = act_created()
    path.write_bytes(b"broken" * 2_000)
    with serving(framework, Receiver(SECRET, lambda event: None, inbox=inbox)) as port:
        assert send(port, body, signed(body)) == (503, b"not stored, send it again\n")
        assert path.read_bytes() == b"broken" * 2_000
        path.unlink()
        assert send(port, body, signed(body)) == (200, b"stored\n")
    assert len(keys(path)) == 1
    inbox.close()


class Counting(SqliteInbox):
    """Counts how often it is asked."""

    asked = 0

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        self.asked += 1
        return super().claim(key, digest, body)

    @contextmanager
    def together(self) -> Iterator[None]:
        self.asked += 1
        with super().together():
            yield


def test_all_that_wait_for_a_store_that_is_locked_wait_once(path: Path) -> None:
    """Else the last of a hundred would be answered when the sender has long gone."""
    inbox = Counting(path, busy=0.05)
    receiver = Receiver(SECRET, print, inbox=inbox)
    inbox.claim("before", "d", b"b")
    inbox.asked = 0
    bodies = [act_created(number) for number in range(5)]
    several = [*((body, signed(body), 0) for body in bodies), (b"{}", signed(b"forged"), 0)]
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert [(answer.status, event) for answer, event in receiver.receive_all(several)] == [(503, None)] * 5 + [
        (401, None)
    ]
    assert inbox.asked == 1
    other.execute("COMMIT")
    other.close()
    assert [answer.status for answer, _ in receiver.receive_all(several)] == [200] * 5 + [401]
    inbox.close()


def test_a_forked_child_receives_with_what_its_parent_has_used(path: Path) -> None:
    """As a server does that loads the application, which recovers, before it forks its workers."""
    app = AsgiReceiver(Receiver(SECRET, lambda event: None, inbox=SqliteInbox(path)))
    asyncio.run(app.recover())
    pid = os.fork()
    if pid == 0:
        try:
            exchange = Exchange(act_created())

            async def deliver() -> None:
                await asyncio.wait_for(exchange.start(app), 20)

            run(deliver)
            os._exit(0 if exchange.sent[0]["status"] == 200 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(keys(path)) == 1


def test_a_handler_that_is_cancelled_by_what_it_waits_for_leaves_the_delivery_pending() -> None:
    async def test() -> None:
        attempts: list[object] = []

        async def handle(event: object) -> None:
            attempts.append(event)
            if len(attempts) == 1:
                raise asyncio.CancelledError

        receiver = Receiver(SECRET, handle, inbox=MemoryInbox())
        app = AsgiReceiver(receiver)
        exchange = Exchange(act_created())
        with pytest.raises(asyncio.CancelledError):
            await exchange.start(app)
        assert exchange.sent[1]["body"] == b"stored\n"
        await app.recover()
        assert len(attempts) == 2

    run(test)


def test_a_handler_that_exits_leaves_the_delivery_pending_also_while_its_process_lives() -> None:
    def leave(event: object) -> None:
        raise SystemExit

    receiver = Receiver(SECRET, leave, inbox=MemoryInbox())
    _, event = receiver.receive(act_created(), signed(act_created()))
    assert event is not None
    with pytest.raises(SystemExit):
        receiver.handle(event)
    assert list(receiver.pending()) == [event]
