"""An inbox in one SQLite file: for the threads and processes of one machine, and on the disk before the answer."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from krebit.webhooks.inbox import Claim

# A delivery has a body while it is undone (what was handled leaves no personal data behind), and an owner while
# somebody is at it.
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, owner TEXT, body BLOB,
    at INTEGER NOT NULL DEFAULT (strftime('%s', 'now'))
);
CREATE INDEX IF NOT EXISTS undone ON deliveries (owner, seq) WHERE body IS NOT NULL;
CREATE TABLE IF NOT EXISTS conflicts (
    key TEXT NOT NULL, digest TEXT NOT NULL, body BLOB NOT NULL, at INTEGER NOT NULL DEFAULT (strftime('%s', 'now')),
    PRIMARY KEY (key, digest)
);
"""


class SqliteInbox:
    """An inbox in the file at `path` (mode 0600), opened at the first use. See `Inbox` for what its methods promise.

    A process holds a kernel lock on a small file of its own, in a folder beside it, while it lives: what a killed
    process was at is free at once, without a time-out. `busy`: seconds to wait for another process's write; the sender
    waits about three, also for those that came before.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy: float = 1.0) -> None:
        self._path = Path(path).absolute()
        self._owners = self._path.with_name(f"{self._path.name}.owners")
        self._busy = busy
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._new_owner()
        if hasattr(os, "register_at_fork"):  # which keeps the inbox for good: make one for a process
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._lock.release, after_in_child=self._after_fork
            )

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        """On the disk when this returns. Raises sqlite3.Error, or OSError."""
        if self._write(
            "INSERT OR IGNORE INTO deliveries (key, digest, owner, body) VALUES (?, ?, ?, ?)",
            *(key, digest, self._owner, body),
        ):
            return "new"
        if self._read("SELECT digest FROM deliveries WHERE key = ?", key) == [(digest,)]:
            return "same"
        self._write("INSERT OR IGNORE INTO conflicts (key, digest, body) VALUES (?, ?, ?)", key, digest, body)
        return "conflict"

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of what this thread claims within it: on the disk when it ends, or not at all."""
        with self._lock, self._open():  # which rolls back
            self._write("BEGIN IMMEDIATE")
            yield
            self._write("COMMIT")  # an error also where SQLite itself has rolled back, as when the disk is full

    def done(self, key: str) -> None:
        """Outlives the process at once, and a power cut from the next claim on."""
        self._write("UPDATE deliveries SET body = NULL, owner = NULL WHERE key = ?", key, synchronous="NORMAL")

    def failed(self, key: str) -> None:
        self._write("UPDATE deliveries SET owner = NULL WHERE key = ? AND owner = ?", key, self._owner)

    def pending(self) -> Iterator[tuple[str, bytes]]:
        at_work = self._read("SELECT DISTINCT owner FROM deliveries WHERE body IS NOT NULL AND owner IS NOT NULL")
        for owner in {file.name for file in self._owners.iterdir()}.union(*at_work):
            # Whoever lives holds it. Of several who look at the same time, one frees what the dead were at.
            with suppress(Timeout), self._life(owner, 0):
                self._write("UPDATE deliveries SET owner = NULL WHERE body IS NOT NULL AND owner = ?", owner)
                (self._owners / owner).unlink(missing_ok=True)
        for number in self._read("SELECT seq FROM deliveries WHERE body IS NOT NULL AND owner IS NULL ORDER BY seq"):
            if self._write(
                "UPDATE deliveries SET owner = ? WHERE seq = ? AND body IS NOT NULL AND owner IS NULL",
                *(self._owner, *number),
            ):
                yield from self._read("SELECT key, body FROM deliveries WHERE seq = ?", *number)

    def conflicts(self) -> list[tuple[str, bytes]]:
        """Key and body of what came with a known id and another body."""
        return self._read("SELECT key, body FROM conflicts ORDER BY rowid")

    def prune(self, seconds: float) -> int:
        """Forget what was handled, and conflicts, that came longer than `seconds` ago: sent again, they would be new.

        Returns how many deliveries.
        """
        self._write("DELETE FROM conflicts WHERE at < strftime('%s', 'now') - ?", seconds)
        return self._write("DELETE FROM deliveries WHERE body IS NULL AND at < strftime('%s', 'now') - ?", seconds)

    def close(self) -> None:
        """Let go of the file; what this inbox was at is free for others. A later use opens it again."""
        with self._lock:
            self._disconnect()
            self._alive.release(force=True)
            self._new_owner()

    def _read(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._open().execute(sql, values).fetchall()

    def _write(self, sql: str, *values: Any, synchronous: str = "FULL") -> int:
        """A transaction of its own, or part of the one that is open. Returns how many rows it touched."""
        with self._lock:
            db = self._open()
            if not db.in_transaction:
                db.execute(f"PRAGMA synchronous = {synchronous}")
            return db.execute(sql, values).rowcount

    def _open(self) -> sqlite3.Connection:
        if (
            self._db is not None
            and not self._db.in_transaction  # which ends where it began
            and not (self._path.exists() and self._path.stat().st_ino == self._file)
        ):
            # Somebody took the file away, and may have put another there: what it is told would go with it. The
            # owner's may be gone too.
            self._disconnect()
            self._alive.release(force=True)
        if self._db is None:
            self._owners.mkdir(mode=0o700, exist_ok=True)
            self._path.touch(0o600)
            self._alive.acquire()
            # One at a time: processes that switch a file to WAL at the same time are told that it is locked.
            with self._life("opening", self._busy), closing(sqlite3.connect(self._path, self._busy)) as db:
                db.executescript(_SCHEMA)
            self._file: int = self._path.stat().st_ino
            self._db = sqlite3.connect(self._path, self._busy, isolation_level=None, check_same_thread=False)
        return self._db

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _new_owner(self) -> None:
        self._owner = uuid4().hex
        self._alive = self._life(self._owner, self._busy)

    def _life(self, owner: str, patience: float) -> FileLock:
        """What an owner holds while it lives; the system lets go of it for the dead."""
        # Where the system has no flock it must fail: a lock by a file's existence outlives a killed holder.
        return FileLock(self._owners / owner, patience, 0o600, thread_local=False, fallback_to_soft=False)

    def _before_fork(self) -> None:
        # SQLite takes the locks of a connection that crossed a fork for its own, and loses what is stored then.
        self._lock.acquire()
        self._disconnect()

    def _after_fork(self) -> None:
        self._new_owner()
        self._lock.release()
