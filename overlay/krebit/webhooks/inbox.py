"""The memory of what was delivered, so that each delivery is handled once.

Nothing in a delivery's signature dates it: a repetition can be told only by what was seen before.
"""

from collections.abc import Iterator
from typing import Literal, Protocol, TypeAlias

Claim: TypeAlias = Literal["new", "same", "conflict"]


class Inbox(Protocol):
    """What a receiver asks of its memory. Any exception of `claim` means: not stored, let it be sent again (503).

    It may also have `together()`, a context manager: what is claimed within it is stored when it ends, or, if a claim
    or its end raises, nothing of it. AsgiReceiver then claims at once what came at the same time, as one transaction.
    """

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        """Store a delivery, and say whether the caller is the one to handle it.

        "new": it is the caller's. "same": it is stored already. "conflict": `key` is known with another body; this one
        is kept beside it, and not to be handled.
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
        self._known: dict[str, tuple[str, bytes]] = {}
        self._failed: dict[str, bytes] = {}

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        ours = (digest, body)
        known = self._known.setdefault(key, ours)
        if known is ours:
            return "new"
        if known[0] == digest:
            return "same"
        self.conflicts.append((key, body))
        return "conflict"

    def done(self, key: str) -> None:
        """There is nothing to do: only what failed is handed out."""

    def failed(self, key: str) -> None:
        self._failed[key] = self._known[key][1]

    def pending(self) -> Iterator[tuple[str, bytes]]:
        for key in list(self._failed):
            if (body := self._failed.pop(key, None)) is not None:  # nobody else has taken it
                yield key, body
