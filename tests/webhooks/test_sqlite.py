"""The SQLite inbox beyond what any inbox promises: one file, private, shared by processes, forks and crashes."""

import multiprocessing
import os
import resource
import shutil
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from krebit.errors import StoreError, StoreUnsafe
from krebit.webhooks import SqliteInbox, StoreOutcome
from tests.needs import needs_root

NOBODY = 65_534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir(0o755)
    return folder / "inbox.db"


@pytest.fixture
def inbox(path: Path) -> Iterator[SqliteInbox]:
    inbox = SqliteInbox(path, busy=10.0)
    yield inbox
    inbox.close()


def store(inbox: SqliteInbox, key: str, body: bytes = b"b") -> StoreOutcome:
    return inbox.store(key, "d", body)


def keys(path: Path) -> set[str]:
    """What another connection sees."""
    with sqlite3.connect(path) as db:
        found = {key for (key,) in db.execute("SELECT key FROM deliveries")}
    db.close()
    return found


def as_another_user(work: Callable[[], object]) -> str:
    """Return the name and the text of the error that `work` ends with in a child under another uid, or "done"."""
    needs_root()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            work()
            text = "done"
        except BaseException as error:  # noqa: BLE001 - the parent reads it
            text = f"{type(error).__name__}: {error}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as output:
        return output.read()


@pytest.mark.parametrize("mask", [0, 0o777])
def test_the_files_are_for_their_owner_alone_whatever_the_umask(path: Path, mask: int) -> None:
    path.parent.chmod(0o1777)

    def work() -> None:
        os.umask(mask)
        inbox = SqliteInbox(path)
        assert store(inbox, "a") == "new"

    for parent in path.parents[1:-1]:
        if parent.stat().st_uid == os.geteuid() and parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    assert as_another_user(work) == "done"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_file_of_somebody_else_is_refused(path: Path, suffix: str) -> None:
    """Whoever can write it could have rows handled without any signature."""
    needs_root()
    path.parent.chmod(0o1777)
    theirs = path.with_name(path.name + suffix)
    theirs.touch(0o600)
    os.chown(theirs, NOBODY, NOBODY)
    with pytest.raises(StoreUnsafe, match="belongs to another user"):
        store(SqliteInbox(path), "a")
    assert theirs.read_bytes() == b""


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "open to others"])
def test_what_is_no_file_of_ours_alone_is_refused_and_left_as_it_is(path: Path, suffix: str, kind: str) -> None:
    theirs, victim = path.with_name(path.name + suffix), path.with_name("victim")
    victim.write_bytes(b"precious")
    if kind == "link":
        theirs.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(theirs, 0o600)
    elif kind == "folder":
        theirs.mkdir()
    else:
        theirs.touch()
        theirs.chmod(0o660)
    with pytest.raises(StoreUnsafe, match=r"chmod 600|rm "):
        store(SqliteInbox(path), "a")
    assert victim.read_bytes() == b"precious"
    assert theirs.is_symlink() or theirs.exists()


def test_a_folder_in_which_anybody_can_replace_it_is_refused(path: Path) -> None:
    path.parent.chmod(0o777)
    with pytest.raises(StoreUnsafe, match="chmod o-w"):
        store(SqliteInbox(path), "a")
    assert list(path.parent.iterdir()) == []
    path.parent.chmod(0o1777)  # as /tmp is: others cannot replace it there
    inbox = SqliteInbox(path)
    assert store(inbox, "a") == "new"
    inbox.close()


@pytest.mark.slow
def test_bodies_of_handled_deliveries_are_gone_from_every_file(path: Path, inbox: SqliteInbox) -> None:
    for number in range(50):
        store(inbox, f"small {number}", b"anna@example.com" * (number + 1))
        store(inbox, f"large {number}", b"anna@example.com" * 2_000)
    assert b"anna@example.com" in b"".join(file.read_bytes() for file in path.parent.iterdir())
    while (taken := inbox.take(60)) is not None:
        assert inbox.complete(taken)
    wait_until_erased(path, inbox)
    assert {file.name for file in path.parent.iterdir()} == {"inbox.db", "inbox.db-wal", "inbox.db-shm"}
    assert len(keys(path)) == 100


@pytest.mark.slow
def test_bodies_that_a_killed_process_has_erased_are_gone_as_well(path: Path, inbox: SqliteInbox) -> None:
    pid = os.fork()
    if pid == 0:
        store(inbox, "a", b"anna@example.com")
        taken = inbox.take(60)
        assert taken is not None
        inbox.complete(taken)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert b"anna@" in path.with_name("inbox.db-wal").read_bytes()
    wait_until_erased(path, inbox)


def wait_until_erased(path: Path, inbox: SqliteInbox) -> None:
    """Ask for deliveries as a worker does, until no file holds a body any more."""
    end = time.monotonic() + 60
    while any(b"anna@" in file.read_bytes() for file in path.parent.iterdir()):
        assert time.monotonic() < end, "a body is still there"
        assert inbox.take(60) is None
        time.sleep(0.5)


def test_pruned_conflicts_are_gone_at_once(path: Path, inbox: SqliteInbox) -> None:
    store(inbox, "a")
    inbox.store("a", "another", b"anna@example.com")
    inbox.prune(-60)
    for file in path.parent.iterdir():
        assert b"anna@" not in file.read_bytes(), file.name


def test_a_claim_is_as_fast_among_a_hundred_thousand(inbox: SqliteInbox, path: Path) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        for _ in range(50):
            taken = inbox.take(3600)
            assert taken is not None
            inbox.retry(taken, 3600)
        return time.perf_counter() - began

    def fill(number: int) -> None:
        with sqlite3.connect(path) as db:
            rows = ((f"{number} {each}", "d", b"b", 0.0) for each in range(number))
            db.executemany("INSERT INTO deliveries (key, digest, body, arrived) VALUES (?, ?, ?, ?)", rows)
        db.close()

    store(inbox, "first")
    fill(1_000)
    few = min(seconds() for _ in range(3))
    fill(100_000)
    many = min(seconds() for _ in range(3))
    assert many < 5 * few + 0.1
    with sqlite3.connect(path) as db:
        sql = "SELECT number FROM deliveries WHERE body IS NOT NULL AND due <= 1 ORDER BY due, number LIMIT 1"
        plan = str(db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
    db.close()
    assert "undone (due<?)" in plan
    assert "TEMP B-TREE" not in plan


def _child(inbox: SqliteInbox, results: "multiprocessing.SimpleQueue[object]") -> None:
    results.put([store(inbox, "k"), store(inbox, "child")])
    os.kill(os.getpid(), 9)


def test_a_fork_has_its_own_connections(inbox: SqliteInbox) -> None:
    assert store(inbox, "k") == "new"
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[object] = context.SimpleQueue()
    child = context.Process(target=_child, args=(inbox, results))
    child.start()
    assert results.get() == ["same", "new"]
    child.join()
    assert store(inbox, "child") == "same"


def _between(inbox: SqliteInbox, begin: Any, stored: Any, end: Any) -> None:
    store(inbox, "before")
    begin.wait(30)
    stored.wait(30)
    store(inbox, "after")
    end.wait(30)


def test_what_a_fork_stores_is_there_when_its_parent_has_let_go(path: Path, inbox: SqliteInbox) -> None:
    store(inbox, "parent")
    context = multiprocessing.get_context("fork")
    begin, stored, end = (context.Barrier(2) for _ in range(3))
    child = context.Process(target=_between, args=(inbox, begin, stored, end))
    child.start()
    begin.wait(30)
    inbox.close()  # which deletes SQLite's files beside the database, if nobody else has it open
    stored.wait(30)
    end.wait(30)
    child.join()
    assert keys(path) == {"parent", "before", "after"}


def test_deliveries_are_stored_while_the_process_forks(inbox: SqliteInbox) -> None:
    with ThreadPoolExecutor(1) as pool:
        stored = pool.submit(lambda: [store(inbox, str(number)) for number in range(200)])
        while not stored.done():
            pid = os.fork()
            if pid == 0:
                os._exit(0 if store(inbox, "0") in ("new", "same") else 1)
            assert os.waitpid(pid, 0)[1] == 0
        assert stored.result().count("new") >= 199


def _first(path: Path, barrier: Any, results: "multiprocessing.SimpleQueue[object]") -> None:
    inbox = SqliteInbox(path, busy=30.0)
    barrier.wait(30)
    try:
        results.put(store(inbox, "k"))
    finally:
        barrier.wait(60)


def test_processes_that_make_the_file_at_the_same_time(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for number in range(10):
        barrier = context.Barrier(6)
        results: multiprocessing.SimpleQueue[object] = context.SimpleQueue()
        processes = [
            context.Process(target=_first, args=(path.with_name(f"{number}.db"), barrier, results)) for _ in range(6)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert sorted(str(results.get()) for _ in processes) == ["new"] + ["same"] * 5


def test_a_disk_that_is_full_is_an_error_and_then_a_success(inbox: SqliteInbox) -> None:
    store(inbox, "before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(sqlite3.Error):
            store(inbox, "k", b"b" * 300_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store(inbox, "k", b"b" * 300_000) == "new"
    assert store(inbox, "before") == "same"


def test_a_store_that_is_down_raises_and_works_when_it_is_back(path: Path) -> None:
    inbox = SqliteInbox(path.parent / "missing" / "inbox.db")
    with pytest.raises(StoreError, match="No such file"):
        store(inbox, "k")
    (path.parent / "missing").mkdir()
    assert store(inbox, "k") == "new"
    inbox.close()


def test_a_file_that_is_no_database_is_not_overwritten(path: Path, inbox: SqliteInbox) -> None:
    path.touch(0o600)
    path.write_bytes(b"precious" * 200)
    with pytest.raises(sqlite3.DatabaseError):
        store(inbox, "k")
    assert path.read_bytes() == b"precious" * 200


def _the_file(path: Path) -> None:
    path.unlink()


def _all_its_files(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()


def _to_elsewhere(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("take_away", [_the_file, _all_its_files, _to_elsewhere])
def test_a_delivery_that_comes_after_the_file_was_taken_away_is_stored_in_a_new_one(
    path: Path, inbox: SqliteInbox, take_away: Callable[[Path], None]
) -> None:
    other = SqliteInbox(path, busy=10.0)
    assert [store(each, "before") for each in (inbox, other)] == ["new", "same"]
    take_away(path)
    assert store(inbox, "after") == "new"
    assert store(other, "after") == "same"
    assert store(other, "later") == "new"
    assert keys(path) == {"after", "later"}
    other.close()


def test_threads_do_not_wait_for_sqlite_s_own_lock(inbox: SqliteInbox) -> None:
    """SQLite sleeps longer and longer when it finds the file locked; in one process nobody has to."""

    def work(name: str) -> None:
        for number in range(50):
            store(inbox, f"{name} {number}")
            taken = inbox.take(60)
            assert taken is not None
            inbox.complete(taken)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inbox.take(60) is None


def test_threads_that_store_at_the_same_time_share_transactions(inbox: SqliteInbox, path: Path) -> None:
    def work(name: str) -> list[StoreOutcome]:
        return [store(inbox, f"{name} {number}") for number in range(50)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, "abcdabcd"))
    assert sorted(answer for each in answers for answer in each) == ["new"] * 200 + ["same"] * 200
    assert len(keys(path)) == 200


def test_when_the_file_is_locked_each_thread_is_told_so_and_stores_later(path: Path) -> None:
    inbox = SqliteInbox(path, busy=0.2)
    store(inbox, "before")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(5) as pool:
        stored = [pool.submit(store, inbox, name) for name in "abcde"]
        assert all(isinstance(each.exception(30), sqlite3.Error | StoreError) for each in stored)
        other.execute("COMMIT")
        assert keys(path) == {"before"}
        assert list(pool.map(lambda name: store(inbox, name), "abcde")) == ["new"] * 5
    other.close()
    inbox.close()
