"""An inbox in one SQLite file: for the threads and processes of one machine, and on the disk before the answer."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from krebit.webhooks.inbox import Claim

# A delivery has a body while it is undone (what was handled leaves no personal data behind), and an owner while
# somebody is at it. What is in conflict with the first of its key belongs to "conflict", for good.
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL, owner TEXT, body BLOB,
    UNIQUE (key, digest)
);
CREATE INDEX IF NOT EXISTS undone ON deliveries (seq) WHERE body IS NOT NULL;
"""


class SqliteInbox:
    """An inbox in the file at `path` (mode 0600), opened at the first use. See `Inbox` for what its methods promise.

    A process holds a kernel lock on a small file beside it while it lives, so that what a killed process was at is free
    at once, without a time-out. `busy`: seconds to wait for another process's write; the sender waits about three.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy: float = 2.0) -> None:
        self._path = Path(path).absolute()
        self._owners = self._path.with_name(f"{self._path.name}.owners")
        self._busy = busy
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._new_owner()
        if hasattr(os, "register_at_fork"):
            release = self._lock.release
            os.register_at_fork(before=self._before_fork, after_in_parent=release, after_in_child=self._after_fork)

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        """On the disk when this returns. Raises sqlite3.Error or OSError."""
        with self._transaction() as db:
            first = db.execute("SELECT digest FROM deliveries WHERE key = ? ORDER BY seq LIMIT 1", (key,)).fetchone()
            row = (key, digest, int(time.time()), "conflict" if first else self._owner, body)
            db.execute("INSERT OR IGNORE INTO deliveries (key, digest, at, owner, body) VALUES (?, ?, ?, ?, ?)", row)
        if first is None:
            return "new"
        return "same" if first == (digest,) else "conflict"

    def done(self, key: str) -> None:
        """Outlives the process at once, and a power cut from the next claim on."""
        with self._transaction("NORMAL") as db:
            handled = "UPDATE deliveries SET body = NULL, owner = NULL WHERE key = ? AND owner = ?"
            db.execute(handled, (key, self._owner))

    def failed(self, key: str) -> None:
        with self._transaction("NORMAL") as db:
            db.execute("UPDATE deliveries SET owner = NULL WHERE key = ? AND owner = ?", (key, self._owner))

    def pending(self) -> Iterator[tuple[str, bytes]]:
        with self._transaction() as db:
            self._free_what_the_dead_were_at(db)
            found = db.execute("SELECT seq FROM deliveries WHERE body IS NOT NULL AND owner IS NULL ORDER BY seq")
            numbers = found.fetchall()
        for number in numbers:
            with self._transaction() as db:
                take = "UPDATE deliveries SET owner = ? WHERE seq = ? AND body IS NOT NULL AND owner IS NULL"
                taken = db.execute(take, (self._owner, *number)).rowcount
                delivery = db.execute("SELECT key, body FROM deliveries WHERE seq = ?", number).fetchone()
            if taken:
                yield delivery

    def conflicts(self) -> list[tuple[str, bytes]]:
        """Key and body of what came with a known id and another body."""
        with self._transaction() as db:
            return db.execute("SELECT key, body FROM deliveries WHERE owner = 'conflict' ORDER BY seq").fetchall()

    def prune(self, seconds: float) -> int:
        """Forget what was handled and came longer than `seconds` ago, and its conflicts: sent again, it would be new.

        Returns how many deliveries.
        """
        old = "SELECT key FROM deliveries WHERE body IS NULL AND at < ?"
        with self._transaction() as db:
            return db.execute(f"DELETE FROM deliveries WHERE key IN ({old})", (time.time() - seconds,)).rowcount

    def close(self) -> None:
        """Let go of the file; what this inbox was at is free for others. A later use opens it again."""
        with self._lock:
            self._disconnect()
            self._alive.release(force=True)
            self._new_owner()

    @contextmanager
    def _transaction(self, synchronous: str = "FULL") -> Iterator[sqlite3.Connection]:
        with self._lock, self._open() as db:
            db.execute(f"PRAGMA synchronous = {synchronous}")
            db.execute("BEGIN IMMEDIATE")
            yield db

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._owners.mkdir(mode=0o700, exist_ok=True)
            self._path.touch(0o600)
            # One at a time: processes that switch a file to WAL at the same time are told that it is locked.
            opening = FileLock(f"{self._path}.lock", self._busy, 0o600, fallback_to_soft=False)
            with opening, closing(sqlite3.connect(self._path, self._busy)) as db:
                db.executescript(_SCHEMA)
            self._alive.acquire()
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
        """What an owner holds while it lives."""
        # Where the system has no flock it must fail: a lock by a file's existence outlives a killed holder.
        return FileLock(self._owners / owner, patience, 0o600, thread_local=False, fallback_to_soft=False)

    def _free_what_the_dead_were_at(self, db: sqlite3.Connection) -> None:
        """Only in a transaction: two who try one lock take each other for alive."""
        alive = [self._owner, "conflict"]
        for file in self._owners.iterdir():
            try:
                with self._life(file.name, 0):
                    file.unlink()
            except Timeout:
                alive.append(file.name)
        marks = ", ".join("?" * len(alive))
        db.execute(f"UPDATE deliveries SET owner = NULL WHERE body IS NOT NULL AND owner NOT IN ({marks})", alive)

    def _before_fork(self) -> None:
        # SQLite takes the locks of a connection that crossed a fork for its own, and loses what is stored then.
        self._lock.acquire()
        self._disconnect()

    def _after_fork(self) -> None:
        self._new_owner()
        self._lock.release()
