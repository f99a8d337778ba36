"""The SQLite inbox beyond what any inbox promises: fast, and shared by processes, threads, forks and crashes."""

import multiprocessing
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from krebit.errors import StoreError
from krebit.webhooks import SqliteInbox, StoreOutcome
from tests.full_disk import full_disk
from tests.webhooks.sqlite import keys, store
from tests.webhooks.workers import seconds_to_claim


def test_a_claim_is_as_fast_among_a_hundred_thousand(inbox: SqliteInbox, path: Path) -> None:
    other = SqliteInbox(path.with_name("other.db"), busy=10.0)

    def fill(place: Path, number: int) -> None:
        with sqlite3.connect(place) as db:
            rows = ((f"{number} {each}", "d", b"b", 0.0) for each in range(number))
            db.executemany("INSERT INTO deliveries (key, digest, body, arrived) VALUES (?, ?, ?, ?)", rows)
        db.close()

    for each in (inbox, other):
        store(each, "first")
    fill(path, 1_000)
    fill(path.with_name("other.db"), 100_000)
    took = [(seconds_to_claim(inbox), seconds_to_claim(other)) for _ in range(5)]  # in turn: the load changes
    other.close()
    few, many = (min(column) for column in zip(*took, strict=True))
    assert many < 5 * few + 0.5  # without an index some five seconds
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
                try:
                    os._exit(0 if store(inbox, "0") in ("new", "same") else 1)
                finally:
                    os._exit(2)
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
    with full_disk(200_000), pytest.raises(sqlite3.Error):
        store(inbox, "k", b"b" * 300_000)
    assert store(inbox, "k", b"b" * 300_000) == "new"
    assert store(inbox, "before") == "same"


def test_a_store_that_is_down_raises_and_works_when_it_is_back(path: Path) -> None:
    inbox = SqliteInbox(path.parent / "missing" / "inbox.db")
    with pytest.raises(StoreError, match="No such file"):
        store(inbox, "k")
    (path.parent / "missing").mkdir()
    assert store(inbox, "k") == "new"
    inbox.close()


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


def test_threads_that_store_at_the_same_time_store_each_delivery_once(inbox: SqliteInbox, path: Path) -> None:
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
