"""An inbox in one SQLite file, for the threads and processes of one machine."""

# ruff: noqa: S608 - statements are put together from constants of this file alone

import os
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from krebit.clock import monotonic
from krebit.errors import StoreUnsafe
from krebit.private_files import check_private, file_error, make_file
from krebit.webhooks.group_commit import GroupCommit, NewDelivery
from krebit.webhooks.inbox import CONFLICT, FailedDelivery, LeasedDelivery, StoreOutcome
from krebit.webhooks.processes import PerProcess

# A delivery has a body until it is handled, and a due time unless it has failed. A lease is a due time too.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, body BLOB,
    arrived REAL NOT NULL, due REAL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
    reason TEXT
);
CREATE INDEX IF NOT EXISTS undone ON deliveries (due, number) WHERE body IS NOT NULL;
CREATE TABLE IF NOT EXISTS conflicts (
    key TEXT NOT NULL, digest TEXT NOT NULL, body BLOB NOT NULL, arrived REAL NOT NULL, PRIMARY KEY (key, digest)
);
"""
# The key too: SQLite gives the number of a row that was pruned to another one.
_OURS = "number = ? AND key = ? AND attempts = ? AND body IS NOT NULL AND due IS NOT NULL"
# SQLite keeps an erased body in its write-ahead log until the log is truncated.
_TRUNCATE_AFTER = 10.0


class SqliteInbox:
    """Keeps deliveries in the file at `path`, made at the first use for its owner alone. See `Inbox` for its methods.

    The file must be on a local disk. `busy`: seconds to wait for another process's write. The methods raise
    StoreUnsafe when others could read or replace the file, and sqlite3.Error or StoreError when it cannot be used.
    On Windows the rights of the folder are not checked: choose one in the user's local application data.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy: float = 1.0) -> None:
        self._path = Path(path).absolute()
        self._busy = busy
        self._lock = threading.RLock()
        self._groups = PerProcess(lambda: GroupCommit(self._store_all, self._lock))
        self._connections: dict[str, sqlite3.Connection] = {}
        self._inode = 0
        self._erased: float | None = None
        if hasattr(os, "register_at_fork"):
            # SQLite takes the locks of a connection that crossed a fork for its own, and loses what is stored then:
            # https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._lock.release, after_in_child=self._lock.release
            )

    def __repr__(self) -> str:
        return f"SqliteInbox({str(self._path)!r})"

    def store(self, key: str, digest: str, body: bytes) -> StoreOutcome:
        """See `Inbox.store`. The delivery is on the disk when this returns."""
        return self._groups.get().store(NewDelivery(key, digest, body))

    def _store_all(self, deliveries: Sequence[NewDelivery]) -> list[StoreOutcome]:
        try:
            db = self._open()["FULL"]
            db.execute("BEGIN IMMEDIATE")
            outcomes: list[StoreOutcome] = [_insert(db, delivery) for delivery in deliveries]
            db.execute("COMMIT")
        except BaseException:
            self._disconnect()  # which rolls back
            raise
        return outcomes

    def take(self, lease: float) -> LeasedDelivery | None:
        self._truncate_log()
        now = time.time()
        due = "body IS NOT NULL AND due <= ?"
        found = f"SELECT number, attempts, tries, key, body FROM deliveries WHERE {due} ORDER BY due, number LIMIT 1"
        # The attempt decides which of several takers gets it. RETURNING would be shorter, and needs SQLite 3.35.
        sql = f"UPDATE deliveries SET due = ?, attempts = attempts + 1, tries = tries + 1 WHERE {_OURS} AND due <= ?"
        with self._lock:
            db = self._open()["NORMAL"]
            while rows := db.execute(found, (now,)).fetchall():
                number, attempts, tries, key, body = rows[0]
                if db.execute(sql, (now + lease, number, key, attempts, now)).rowcount:
                    return LeasedDelivery(number, key, body, attempts + 1, tries + 1)
        return None

    def renew(self, delivery: LeasedDelivery, lease: float) -> bool:
        return self._change(delivery, "due = ?", time.time() + lease)

    def complete(self, delivery: LeasedDelivery) -> bool:
        """See `Inbox.complete`. The body is gone from the file some ten seconds later, while a worker runs."""
        is_ours = self._change(delivery, "body = NULL")
        if self._erased is None:
            self._erased = monotonic()
        return is_ours

    def retry(self, delivery: LeasedDelivery, pause: float) -> bool:
        return self._change(delivery, "due = ?", time.time() + pause)

    def fail(self, delivery: LeasedDelivery, reason: str) -> bool:
        return self._change(delivery, "due = NULL, reason = ?", reason)

    def failures(self) -> list[FailedDelivery]:
        failed = "body IS NOT NULL AND due IS NULL"
        rows = self._read(f"SELECT key, body, arrived, reason FROM deliveries WHERE {failed} ORDER BY number")
        return [FailedDelivery(*row) for row in rows]

    def conflicts(self) -> list[FailedDelivery]:
        rows = self._read("SELECT key, body, arrived FROM conflicts ORDER BY rowid")
        return [FailedDelivery(key, body, arrived, CONFLICT) for key, body, arrived in rows]

    def redeliver(self, key: str) -> bool:
        sql = "UPDATE deliveries SET due = 0, tries = 0 WHERE key = ? AND body IS NOT NULL AND due IS NULL"
        return self._write(sql, key) == 1

    def prune(self, seconds: float, *, failures: bool = False) -> int:
        limit = time.time() - seconds
        self._write("DELETE FROM conflicts WHERE arrived < ?", limit)
        finished = "(body IS NULL OR due IS NULL)" if failures else "body IS NULL"
        pruned = self._write(f"DELETE FROM deliveries WHERE arrived < ? AND {finished}", limit)
        self._truncate_log(at_once=True)
        return pruned

    def close(self) -> None:
        with self._lock:
            self._disconnect()

    def _change(self, delivery: LeasedDelivery, change: str, *values: object) -> bool:
        sql = f"UPDATE deliveries SET {change} WHERE {_OURS}"
        with self._lock:
            # Without another look at the file: there was one when the delivery was taken.
            db = (self._connections or self._open())["NORMAL"]
            return db.execute(sql, (*values, delivery.number, delivery.key, delivery.attempt)).rowcount == 1

    def _read(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._open()["NORMAL"].execute(sql, values).fetchall()

    def _write(self, sql: str, *values: Any) -> int:
        """Run one statement as a transaction. Return how many rows it touched.

        It outlives the process. After a power cut it may be lost: then a delivery is handled again.
        """
        with self._lock:
            return self._open()["NORMAL"].execute(sql, values).rowcount

    def _open(self) -> dict[str, sqlite3.Connection]:
        """Return the connections by their durability, of the file that is at the path now."""
        if self._connections and not self._is_same_file():
            self._disconnect()  # what is stored in a file that somebody took away would go with it
        if not self._connections:
            try:
                self._connect()
            except BaseException:
                self._disconnect()
                raise
        return self._connections

    def _connect(self) -> None:
        self._check_folder()
        if not check_private(self._path):
            self._make_file()
        self._check_companions()
        deadline = monotonic() + self._busy
        for synchronous in ("FULL", "NORMAL"):
            db = sqlite3.connect(self._path, timeout=self._busy, isolation_level=None, check_same_thread=False)
            self._connections[synchronous] = db
            _use_write_ahead_log(db, deadline)
            db.execute(f"PRAGMA synchronous = {synchronous}")
            db.execute("PRAGMA secure_delete = ON")
        self._connections["NORMAL"].executescript(_SCHEMA)
        # In a folder that others can write to, they may have been there first.
        check_private(self._path)
        self._check_companions()
        self._inode = self._path.lstat().st_ino
        self._erased = monotonic()  # by a process before this one, perhaps

    def _check_folder(self) -> None:
        folder = self._path.parent
        try:
            mode = folder.stat().st_mode
        except OSError as error:
            raise file_error("open", self._path, error) from None
        if sys.platform != "win32" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise StoreUnsafe(f"{folder}: others can replace the inbox there; repair it with: chmod o-w {folder}")

    def _check_companions(self) -> None:
        """Raise StoreUnsafe if a file that SQLite reads beside the database is not of this user alone."""
        for suffix in ("-journal", "-wal", "-shm"):
            check_private(self._path.with_name(self._path.name + suffix))

    def _make_file(self) -> None:
        try:
            os.close(make_file(self._path))
        except FileExistsError:  # another process of ours is as far, or somebody else was faster
            check_private(self._path)
        except OSError as error:
            raise file_error("make", self._path, error) from None

    def _is_same_file(self) -> bool:
        try:
            return self._path.lstat().st_ino == self._inode
        except OSError:
            return False

    def _truncate_log(self, *, at_once: bool = False) -> None:
        """Remove erased bodies from the write-ahead log, some time after the first was erased."""
        erased = self._erased
        if not at_once and (erased is None or monotonic() - erased < _TRUNCATE_AFTER):
            return
        with self._lock, suppress(sqlite3.OperationalError):  # others read or write: at the next occasion
            busy = self._open()["NORMAL"].execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            self._erased = monotonic() if busy else None

    def _disconnect(self) -> None:
        connections, self._connections = self._connections, {}
        for db in connections.values():
            db.close()

    def _before_fork(self) -> None:
        self._lock.acquire()
        self._disconnect()


def _insert(db: sqlite3.Connection, delivery: NewDelivery) -> StoreOutcome:
    """Insert a delivery, within a transaction."""
    key, digest, now = delivery.key, delivery.digest, time.time()
    sql = "INSERT OR IGNORE INTO deliveries (key, digest, body, arrived) VALUES (?, ?, ?, ?)"
    if db.execute(sql, (key, digest, delivery.body, now)).rowcount:
        return "new"
    if db.execute("SELECT digest FROM deliveries WHERE key = ?", (key,)).fetchall() == [(digest,)]:
        return "same"
    sql = "INSERT OR IGNORE INTO conflicts (key, digest, body, arrived) VALUES (?, ?, ?, ?)"
    db.execute(sql, (key, digest, delivery.body, now))
    return "conflict"


def _use_write_ahead_log(db: sqlite3.Connection, deadline: float) -> None:
    """Switch the file to a write-ahead log. SQLite does not wait for others that do the same, so try again."""
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError:
            if monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
