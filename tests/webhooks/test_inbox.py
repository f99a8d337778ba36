"""What each inbox promises, and what the SQLite one promises beyond: across threads, processes, forks and crashes."""

import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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


def test_what_failed_is_handed_out_and_not_new(inbox: Inbox) -> None:
    assert inbox.claim("k", "d", b"b") == "new"
    assert list(inbox.pending()) == []
    inbox.failed("k")
    assert inbox.claim("k", "d", b"b") == "same"
    assert list(inbox.pending()) == [("k", b"b")]
    assert list(inbox.pending()) == []


def test_pending_hands_out_what_failed_once_and_in_order(inbox: Inbox) -> None:
    for key in "abcd":
        inbox.claim(key, key, key.encode())
    inbox.done("b")
    for key in "cad":
        inbox.failed(key)
    walk, another = inbox.pending(), inbox.pending()
    handed = [next(walk), *another]
    assert list(walk) == []
    assert sorted(handed) == [("a", b"a"), ("c", b"c"), ("d", b"d")]
    if isinstance(inbox, SqliteInbox):
        assert handed == sorted(handed)
    for key in "acd":
        inbox.failed(key)
    number = 0
    for key, _ in inbox.pending():
        inbox.failed(key)
        number += 1
    assert number == 3  # not handed out twice in one walk


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
    modes = {file.is_dir(): stat.S_IMODE(file.stat().st_mode) for file in path.parent.rglob("*")}
    inbox.close()
    assert modes == {True: 0o700, False: 0o600}


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
    owners = path.with_name(f"{path.name}.owners")
    assert len(list(owners.iterdir())) == 2
    assert list(here.pending()) == [("k", b"b")]
    assert list(here.pending()) == []
    assert len(list(owners.iterdir())) == 1  # the dead leave nothing behind
    here.close()


def test_a_file_that_comes_back_without_its_owners_is_free(path: Path) -> None:
    inbox = SqliteInbox(path)
    inbox.claim("k", "d", b"b")
    inbox.close()
    shutil.rmtree(path.with_name(f"{path.name}.owners"))  # as from a backup
    assert list(inbox.pending()) == [("k", b"b")]
    inbox.close()


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


def _between(inbox: SqliteInbox, begin: Any, claimed: Any, end: Any) -> None:
    inbox.claim("before", "d", b"b")
    begin.wait(30)
    claimed.wait(30)
    inbox.claim("after", "d", b"b")
    end.wait(30)


def test_what_a_fork_stores_is_there_when_its_parent_has_let_go(path: Path) -> None:
    inbox = SqliteInbox(path)
    inbox.claim("parent", "d", b"b")
    context = multiprocessing.get_context("fork")
    begin, claimed, end = (context.Barrier(2) for _ in range(3))
    child = context.Process(target=_between, args=(inbox, begin, claimed, end))
    child.start()
    begin.wait(30)
    inbox.close()  # which deletes SQLite's files beside the database, if nobody else has it open
    claimed.wait(30)
    end.wait(30)
    child.join()
    assert [key for key, _ in inbox.pending()] == ["parent", "before", "after"]
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


def test_claims_go_on_while_the_process_forks(path: Path) -> None:
    inbox = SqliteInbox(path)
    with ThreadPoolExecutor(1) as pool:
        claims = pool.submit(lambda: [inbox.claim(str(number), "d", b"b") for number in range(300)])
        while not claims.done():
            pid = os.fork()
            if pid == 0:
                os._exit(0 if inbox.claim("0", "d", b"b") in ("new", "same") else 1)
            assert os.waitpid(pid, 0)[1] == 0
        assert claims.result().count("new") >= 299
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


def test_a_disk_that_is_full_is_an_error_and_then_a_success(path: Path) -> None:
    inbox = SqliteInbox(path)
    inbox.claim("before", "d", b"b")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(sqlite3.Error):
            inbox.claim("k", "d", b"b" * 300_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert inbox.claim("k", "d", b"b" * 300_000) == "new"
    assert inbox.claim("before", "d", b"b") == "same"
    inbox.close()


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
