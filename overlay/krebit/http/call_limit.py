"""Limit the calls under way. A call waits for a slot before its timeout begins.

The limit stands before the connection pool's own, because a wait in the pool would count towards the call's timeout.
"""

import queue
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from krebit.errors import DeadlineExceeded
from krebit.http.event_loops import PerEventLoop

if TYPE_CHECKING:
    import asyncio


class BlockingCallLimit:
    """At most `count` calls of threads at once. A signal handler may call too: a SimpleQueue is reentrant."""

    def __init__(self, count: int) -> None:
        self._free: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(None)

    def acquire(self, operation: str, longest: float | None) -> Callable[[], object]:
        """Wait for a slot. Return the function that releases it. Raises DeadlineExceeded after `longest` seconds."""
        try:
            self._free.get(timeout=longest)
        except queue.Empty:
            pass
        else:
            return self._release
        raise _no_slot(operation, longest)

    def _release(self) -> None:
        self._free.put(None)


class AsyncCallLimit:
    """At most `count` calls of tasks at once on each event loop."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._semaphores = PerEventLoop(self._make)

    def _make(self) -> "asyncio.Semaphore":
        import asyncio

        return asyncio.Semaphore(self._count)

    async def acquire(self, operation: str, longest: float | None) -> Callable[[], object]:
        """Do the same as `BlockingCallLimit.acquire`."""
        import asyncio

        semaphore = self._semaphores.get()
        if longest is None:
            await semaphore.acquire()
            return lambda: _release_semaphore(semaphore)
        limit = asyncio.timeout(longest)
        try:
            async with limit:
                await semaphore.acquire()
        except TimeoutError:
            if not limit.expired():
                raise
        else:
            return lambda: _release_semaphore(semaphore)
        raise _no_slot(operation, longest)


def _release_semaphore(semaphore: "asyncio.Semaphore") -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
        semaphore.release()


def _no_slot(operation: str, longest: float | None) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"{operation}: no place among the calls under way became free within {longest:g} s; "
        "make fewer calls at the same time, or set a longer queue_timeout",
        sent=False,
        operation=operation,
    )
