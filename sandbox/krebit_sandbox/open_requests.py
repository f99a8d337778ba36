"""The requests that a fault holds or leaves without an answer, until somebody releases or aborts them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from krebit_sandbox.connection import Connection


class OpenRequests:
    """The requests that are held, and those that never get a whole answer.

    Only `wait_for_held` may be called from other threads than that of the server's loop.
    """

    def __init__(self) -> None:
        self._held: set[_HeldRequest] = set()
        self._unanswered: set[Connection] = set()
        self._changed = threading.Condition()

    async def hold(self, connection: Connection) -> bool:
        """Wait until the request is released, and return True; return False when it was aborted instead."""
        request = _HeldRequest(connection)
        with self._changed:
            self._held.add(request)
            self._changed.notify_all()
        try:
            await request.released.wait()
        finally:
            with self._changed:
                self._held.discard(request)
        return not request.aborted

    @contextmanager
    def unanswered(self, connection: Connection) -> Iterator[None]:
        """Let `abort` end this connection while the block runs."""
        self._unanswered.add(connection)
        try:
            yield
        finally:
            self._unanswered.discard(connection)

    def release(self) -> None:
        """Let held requests go on."""
        for request in list(self._held):
            request.released.set()

    def abort(self) -> None:
        """Reset the connections of all requests that are held or stay without an answer."""
        for request in list(self._held):
            request.aborted = True
            request.connection.abort()
            request.released.set()
        for connection in list(self._unanswered):
            connection.abort()

    def wait_for_held(self, count: int, timeout: float) -> None:
        """Block until `count` requests are held; TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._held) >= count, timeout):
                raise TimeoutError(f"{len(self._held)} requests are held after {timeout} s, not {count}")


class _HeldRequest:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.released = asyncio.Event()
        self.aborted = False
