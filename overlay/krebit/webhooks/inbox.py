"""The memory of what was delivered, so that each delivery is handled once.

Nothing in a delivery's signature dates it: a repetition can be told only by what was seen before.
"""

import threading
from collections.abc import Iterator
from typing import Literal, Protocol, TypeAlias

Claim: TypeAlias = Literal["new", "same", "conflict"]


class Inbox(Protocol):
    """What a receiver asks of its memory. Any exception of `claim` means: not stored, let it be sent again (503)."""

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        """Store a delivery, and say whether the caller is the one to handle it.

        "new": it is the caller's. "same": it was handled, or somebody is at it. "conflict": `key` is known with another
        body; this one is kept beside it, and not to be handled. What is undone with nobody at it is "new" again.
        """
        ...

    def done(self, key: str) -> None:
        """The delivery was handled: never hand it out again."""
        ...

    def failed(self, key: str) -> None:
        """It was not handled, and the caller has let go of it."""
        ...

    def pending(self) -> Iterator[tuple[str, bytes]]:
        """Key and body of all that is undone with nobody at it, oldest first; each is the caller's once it is out."""
        ...


class MemoryInbox:
    """An inbox for tests: it forgets with the process, and knows of no other."""

    def __init__(self) -> None:
        self.conflicts: list[tuple[str, bytes]] = []
        self._lock = threading.Lock()
        self._digests: dict[str, str] = {}
        self._held: dict[str, bytes] = {}
        self._free: dict[str, bytes] = {}

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        with self._lock:
            first = key not in self._digests
            if self._digests.setdefault(key, digest) != digest:
                self.conflicts.append((key, body))
                return "conflict"
            if not first and key not in self._free:
                return "same"
            self._held[key] = self._free.pop(key, body)
            return "new"

    def done(self, key: str) -> None:
        with self._lock:
            self._held.pop(key, None)

    def failed(self, key: str) -> None:
        with self._lock:
            if key in self._held:
                self._free[key] = self._held.pop(key)

    def pending(self) -> Iterator[tuple[str, bytes]]:
        for key in list(self._free):
            with self._lock:
                body = self._held[key] = self._free.pop(key, b"")
            if body:
                yield key, body
