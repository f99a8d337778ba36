"""An inbox in one SQLite file: for the threads and processes of one machine, and on the disk before the answer."""

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from krebit.webhooks.inbox import Claim

# A delivery has a body as long as it is undone: what was handled leaves no personal data behind.
_SCHEMA = """
CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, at INTEGER NOT NULL, owner TEXT, body BLOB
);
CREATE INDEX undone ON deliveries (seq) WHERE body IS NOT NULL;
CREATE TABLE conflicts (
    key TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (key, digest)
);
"""
_INSERT = "INSERT INTO deliveries (key, digest, at, owner, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class SqliteInbox:
    """An inbox in the file at `path` (mode 0600), opened at the first use. See `Inbox` for what its methods promise.

    A process holds a kernel lock on a small file beside it while it lives, so that what a killed process was at is free
    at once, without a time-out. `busy`: seconds to wait for another process's write; the sender waits about three.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy: float = 2.0) -> None:
        self._path = Path(path).absolute()
        self._busy = busy
        self._forget()
        _inboxes.add(self)

    def _forget(self) -> None:
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._owner, self._owner_fd = "", -1
        self._claiming: set[str] = set()  # keys of this transaction
        self._unsure: set[str] = set()  # of those that failed: nobody is at them, even if they were stored

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        """On the disk when this returns. Raises sqlite3.Error or OSError."""
        now = int(time.time())
        with self._transaction() as db:
            if db.execute(_INSERT, (key, digest, now, self._owner, body)).rowcount:
                return self._new(key)
            found = db.execute("SELECT digest, body IS NULL, owner FROM deliveries WHERE key = ?", (key,))
            known, handled, owner = found.fetchone()
            if known != digest:
                db.execute("INSERT OR IGNORE INTO conflicts VALUES (?, ?, ?, ?)", (key, digest, now, body))
                return "conflict"
            if handled or not (key in self._unsure or self._free(owner)):
                return "same"
            db.execute("UPDATE deliveries SET owner = ? WHERE key = ?", (self._owner, key))
            return self._new(key)

    def _new(self, key: str) -> Claim:
        self._unsure.discard(key)
        self._claiming.add(key)
        return "new"

    def done(self, key: str) -> None:
        """Outlives the process at once, and a power cut from the next claim on."""
        with self._transaction("NORMAL") as db:
            db.execute("UPDATE deliveries SET body = NULL, owner = NULL WHERE key = ?", (key,))

    def failed(self, key: str) -> None:
        with self._transaction("NORMAL") as db:
            db.execute("UPDATE deliveries SET owner = NULL WHERE key = ? AND owner = ?", (key, self._owner))

    def pending(self) -> Iterator[tuple[str, bytes]]:
        later = "SELECT seq, owner FROM deliveries WHERE body IS NOT NULL AND seq > ? ORDER BY seq"
        seq = 0
        while True:
            with self._transaction() as db, closing(db.execute(later, (seq,))) as rows:
                seq = next((number for number, owner in rows if self._free(owner)), 0)
                db.execute("UPDATE deliveries SET owner = ? WHERE seq = ?", (self._owner, seq))
                found = db.execute("SELECT key, body FROM deliveries WHERE seq = ?", (seq,)).fetchone()
            if found is None:
                return
            yield found

    def conflicts(self) -> list[tuple[str, bytes]]:
        """Key and body of what came with a known id and another body."""
        with self._transaction() as db:
            return db.execute("SELECT key, body FROM conflicts ORDER BY at").fetchall()

    def prune(self, seconds: float) -> int:
        """Forget what was handled, and conflicts, that came longer than `seconds` ago: sent again, they would be new.

        Returns how many deliveries.
        """
        with self._transaction() as db:
            before = int(time.time() - seconds)
            db.execute("DELETE FROM conflicts WHERE at < ?", (before,))
            return db.execute("DELETE FROM deliveries WHERE body IS NULL AND at < ?", (before,)).rowcount

    def close(self) -> None:
        """Let go of the file; what this inbox was at is free for others. A later use opens it again."""
        with self._lock:
            self._disconnect()
            if self._owner:
                self._owner_file(self._owner).unlink(missing_ok=True)
                os.close(self._owner_fd)
            self._owner, self._owner_fd = "", -1

    def together(self) -> AbstractContextManager[object]:
        """What this thread does within it is one transaction, which costs little more than one of its parts."""
        return self._transaction()

    @contextmanager
    def _transaction(self, synchronous: str = "FULL") -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._db is not None and self._db.in_transaction:
                yield self._db
                return
            try:
                db = self._db or self._connect()
                db.execute(f"PRAGMA synchronous = {synchronous}")
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException:
                # Which rolls back. And the next use opens anew: by then the file or its disk may be back.
                self._unsure |= self._claiming
                self._disconnect()
                raise
            finally:
                self._claiming.clear()

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._create()
        if not self._owner or not self._owner_file(self._owner).exists():
            owner = uuid4().hex
            fd = os.open(self._owner_file(owner), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if self._owner:
                os.close(self._owner_fd)
            self._owner, self._owner_fd = owner, fd
        self._db = sqlite3.connect(self._path, timeout=self._busy, isolation_level=None, check_same_thread=False)
        return self._db

    def _create(self) -> None:
        # Whole or not at all: processes that switch one file to WAL at the same time are told that it is locked.
        draft = self._path.with_name(f"{self._path.name}-{uuid4().hex}.new")
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with closing(sqlite3.connect(draft)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
            with suppress(FileExistsError):
                os.link(draft, self._path)
        finally:
            draft.unlink()

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _owner_file(self, owner: str) -> Path:
        return self._path.with_name(f"{self._path.name}-{owner}.owner")

    def _free(self, owner: str | None) -> bool:
        """Whether nobody is at it. Only inside a transaction: two who try one lock take each other for alive."""
        if owner is None:
            return True
        with suppress(FileNotFoundError), self._owner_file(owner).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._owner_file(owner).unlink()
        return True

    def _forked(self) -> None:
        # The lock is the parent's and must not outlive it; SQLite forbids even closing the parent's connection here.
        _abandoned.append(self._db)
        if self._owner:
            os.close(self._owner_fd)
        self._forget()


_inboxes: weakref.WeakSet[SqliteInbox] = weakref.WeakSet()
_abandoned: list[sqlite3.Connection | None] = []


def _after_fork() -> None:
    for inbox in list(_inboxes):
        inbox._forked()


os.register_at_fork(after_in_child=_after_fork)
