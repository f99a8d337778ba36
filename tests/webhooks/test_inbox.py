"""What each inbox promises, and what the SQLite one promises beyond: across threads, processes, forks and crashes."""

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from krebit.webhooks import Inbox, MemoryInbox, SqliteInbox


@pytest.fixture(params=["memory", "sqlite"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryInbox | SqliteInbox]:
    if request.param == "memory":
        yield MemoryInbox()
        return
    inbox = SqliteInbox(tmp_path / "inbox.db")
    yield inbox
    inbox.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


def test_a_delivery_is_new_once(inbox: Inbox) -> None:
    assert [inbox.claim("k", "d", b"b") for _ in range(3)] == ["new", "same", "same"]
    inbox.done("k")
    assert inbox.claim("k", "d", b"b") == "same"
    assert list(inbox.pending()) == []


def test_another_body_is_a_conflict_that_is_kept(inbox: MemoryInbox | SqliteInbox) -> None:
    assert inbox.claim("k", "d", b"first") == "new"
    assert inbox.claim("k", "e", b"second") == "conflict"
    inbox.done("k")
    assert inbox.claim("k", "e", b"second") == "conflict"
    assert inbox.claim("k", "d", b"first") == "same"
    kept = inbox.conflicts() if isinstance(inbox, SqliteInbox) else inbox.conflicts
    assert set(kept) == {("k", b"second")}


def test_what_failed_is_new_when_it_is_sent_again(inbox: Inbox) -> None:
    assert inbox.claim("k", "d", b"b") == "new"
    inbox.failed("k")
    assert inbox.claim("k", "d", b"b") == "new"
    assert inbox.claim("k", "d", b"b") == "same"


def test_pending_hands_out_what_failed_once_and_in_order(inbox: Inbox) -> None:
    for key in "abcd":
        inbox.claim(key, key, key.encode())
    inbox.done("b")
    for key in "cad":
        inbox.failed(key)
    inbox.claim("d", "d", b"d")  # somebody is at it again
    handed = []
    for key, body in inbox.pending():
        handed.append((key, body))
        inbox.failed(key)  # not handed out twice in one walk
    assert sorted(handed) == [("a", b"a"), ("c", b"c")]
    if isinstance(inbox, SqliteInbox):
        assert handed == sorted(handed)
    assert len(list(inbox.pending())) == 2
    assert list(inbox.pending()) == []


def test_many_threads_one_is_first(inbox: Inbox) -> None:
    barrier = threading.Barrier(16)

    def claim(number: int) -> list[str]:
        barrier.wait(30)
        return [inbox.claim(str(key), "d", b"b") for key in range(20)]

    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(claim, range(16)))
    for key in range(20):
        assert sorted(claim[key] for claim in claims) == ["new"] + ["same"] * 15


def test_what_was_handled_leaves_no_body_behind(path: Path) -> None:
    inbox = SqliteInbox(path)
    inbox.claim("k", "d", b"anna@example.com")
    inbox.done("k")
    inbox.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT key, body FROM deliveries").fetchall() == [("k", None)]
    db.close()


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    inbox = SqliteInbox(path)
    mask = os.umask(0)
    try:
        inbox.claim("k", "d", b"b")
    finally:
        os.umask(mask)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    inbox.close()
    assert modes == {0o600}


def test_prune_forgets_what_was_handled_and_nothing_else(path: Path) -> None:
    inbox = SqliteInbox(path)
    for key in "ab":
        inbox.claim(key, "d", b"b")
    inbox.claim("a", "e", b"b")
    inbox.done("a")
    assert inbox.prune(60) == 0
    assert len(inbox.conflicts()) == 1
    assert inbox.prune(-60) == 1
    assert inbox.conflicts() == []
    assert inbox.claim("a", "d", b"b") == "new"
    assert inbox.claim("b", "d", b"b") == "same"
    inbox.close()


def test_a_closed_inbox_frees_what_it_was_at_and_opens_again(path: Path) -> None:
    first, second = SqliteInbox(path), SqliteInbox(path)
    first.claim("k", "d", b"b")
    assert second.claim("k", "d", b"b") == "same"
    assert list(second.pending()) == []
    first.close()
    assert list(second.pending()) == [("k", b"b")]
    assert first.claim("k", "d", b"b") == "same"
    second.close()
    first.close()
    assert not list(path.parent.glob("*.owner"))


CLAIM = "import sys; from krebit.webhooks import SqliteInbox; inbox = SqliteInbox(sys.argv[1])\n"
STAY = CLAIM + "print(inbox.claim('k', 'd', b'b'), flush=True); sys.stdin.read()"


def test_what_a_killed_process_was_at_is_free_at_once(path: Path) -> None:
    here = SqliteInbox(path)
    with subprocess.Popen(
        [sys.executable, "-c", STAY, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"new\n"
        assert here.claim("k", "d", b"b") == "same"
        assert list(here.pending()) == []
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert here.claim("k", "d", b"b") == "new"
    here.close()


def _child(inbox: SqliteInbox, results: "multiprocessing.SimpleQueue[object]") -> None:
    results.put([inbox.claim("k", "d", b"b"), inbox.claim("child", "d", b"b")])
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_fork_has_its_own_connection_and_is_nobody_s_owner(path: Path) -> None:
    inbox = SqliteInbox(path)
    assert inbox.claim("k", "d", b"b") == "new"
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[object] = context.SimpleQueue()
    child = context.Process(target=_child, args=(inbox, results))
    child.start()
    assert results.get() == ["same", "new"]
    child.join()
    assert inbox.claim("k", "d", b"b") == "same"  # the parent still is at it
    assert list(inbox.pending()) == [("child", b"b")]
    inbox.close()


def test_a_fork_that_outlives_its_parent_holds_nothing_of_it(path: Path) -> None:
    script = CLAIM + (
        "import os\ninbox.claim('k', 'd', b'b')\npid = os.fork()\n"
        "if pid == 0: print(flush=True); sys.stdin.read(); os._exit(0)\n"
        "os.kill(os.getpid(), 9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        parent.wait()
        inbox = SqliteInbox(path)
        assert list(inbox.pending()) == [("k", b"b")]
    inbox.close()


def _first(path: Path, barrier: Any, results: "multiprocessing.SimpleQueue[object]") -> None:
    inbox = SqliteInbox(path)
    barrier.wait(30)
    try:
        results.put(inbox.claim("k", "d", b"b"))
    finally:
        barrier.wait(30)  # alive until all have claimed


def test_processes_that_make_the_file_at_the_same_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for number in range(10):
        barrier = context.Barrier(6)
        results: multiprocessing.SimpleQueue[object] = context.SimpleQueue()
        path = tmp_path / f"{number}.db"
        processes = [context.Process(target=_first, args=(path, barrier, results)) for _ in range(6)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert sorted(str(results.get()) for _ in processes) == ["new"] + ["same"] * 5
        assert path.exists()
        assert not list(tmp_path.glob("*.new"))


def test_several_together_are_stored_or_not_as_one(path: Path) -> None:
    inbox = SqliteInbox(path)
    with suppress(ZeroDivisionError), inbox.together():
        assert inbox.claim("a", "d", b"b") == "new"
        inbox.done("a")
        raise ZeroDivisionError
    with inbox.together():
        assert inbox.claim("a", "d", b"b") == "new"
        assert inbox.claim("a", "d", b"b") == "same"
    assert inbox.claim("a", "d", b"b") == "same"
    inbox.close()


class Unsure(sqlite3.Connection):
    """Commits, and then says that it failed: as a disk may, whose last write went through."""

    failures = 1

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        cursor = super().execute(sql, *arguments)
        if sql == "COMMIT" and Unsure.failures:
            Unsure.failures -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return cursor


def test_what_was_stored_although_storing_failed_is_new_when_it_is_sent_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = SqliteInbox(path)
    assert inbox.claim("before", "d", b"b") == "new"
    inbox.close()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=Unsure, **more))
    with pytest.raises(sqlite3.OperationalError):
        inbox.claim("k", "d", b"b")
    assert inbox.claim("k", "d", b"b") == "new"
    assert inbox.claim("k", "d", b"b") == "same"
    inbox.close()


def test_an_owner_whose_file_was_removed_takes_another(path: Path) -> None:
    inbox = SqliteInbox(path / "inbox.db")
    path.mkdir()
    assert inbox.claim("k", "d", b"b") == "new"
    for file in path.iterdir():
        file.unlink()
    with suppress(sqlite3.OperationalError), inbox.together():
        raise sqlite3.OperationalError  # after which it opens anew
    assert inbox.claim("k", "d", b"b") == "new"
    assert inbox.claim("k", "d", b"b") == "same"
    inbox.close()
    assert not list(path.glob("*.owner"))


def test_a_store_that_is_down_raises_and_works_when_it_is_back(path: Path) -> None:
    inbox = SqliteInbox(path / "folder" / "inbox.db")
    with pytest.raises(FileNotFoundError):
        inbox.claim("k", "d", b"b")
    (path / "folder").mkdir(parents=True)
    assert inbox.claim("k", "d", b"b") == "new"
    inbox.close()


def test_a_file_that_is_no_database_is_not_overwritten(path: Path) -> None:
    path.write_bytes(b"precious" * 200)
    inbox = SqliteInbox(path)
    with pytest.raises(sqlite3.DatabaseError):
        inbox.claim("k", "d", b"b")
    assert path.read_bytes() == b"precious" * 200
    inbox.close()
