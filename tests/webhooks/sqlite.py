"""Look into a SQLite inbox."""

import sqlite3
from pathlib import Path

from krebit.webhooks import SqliteInbox, StoreOutcome


def store(inbox: SqliteInbox, key: str, body: bytes = b"b") -> StoreOutcome:
    return inbox.store(key, "d", body)


def keys(path: Path) -> set[str]:
    """Return the keys that another connection sees."""
    with sqlite3.connect(path) as db:
        found = {key for (key,) in db.execute("SELECT key FROM deliveries")}
    db.close()
    return found
