"""Places for calls: so many are under way at once, and the others wait in line. The timeout of a call begins after.

Our own line stands before that of the connection pool, because waiting there would take of the time of the call.
"""

import queue
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from krebit.errors import ConfigurationError, DeadlineExceeded

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class LoopTable(Generic[T]):
    """One value for each event loop. Those of loops that are closed drop out."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: dict[asyncio.AbstractEventLoop, T] = {}

    def get(self) -> T:
        """Return the value of the running loop; it is made at the first use. Raises ConfigurationError."""
        loop = running_loop()
        if loop not in self._values:
            self._drop_closed_loops()
            self._values[loop] = self._make()
        return self._values[loop]

    def pop(self) -> T | None:
        """Take the value of the running loop out."""
        self._drop_closed_loops()
        return self._values.pop(running_loop(), None)

    def _drop_closed_loops(self) -> None:
        for loop in list(self._values):
            if loop.is_closed():
                self._values.pop(loop, None)


def running_loop() -> "asyncio.AbstractEventLoop":
    """Return the event loop of asyncio. Raises ConfigurationError where there is none, as under trio."""
    import asyncio  # blocking programs do without it

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise ConfigurationError(
        "AsyncKrebit: needs an event loop of asyncio (or uvloop), and none is running; under trio run Krebit in threads"
    )


class BlockingPlaces:
    """Places for calls of threads. A signal handler may take one too: a SimpleQueue is reentrant."""

    def __init__(self, count: int) -> None:
        self._free: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(None)

    def take(self, operation: str, longest: float | None) -> Callable[[], object]:
        """Take a place, after a wait of `longest` seconds at most. Return the function that gives it back.

        Raises DeadlineExceeded.
        """
        try:
            self._free.get(timeout=longest)
        except queue.Empty:
            pass
        else:
            return self._give_back
        raise _no_place(operation, longest)

    def _give_back(self) -> None:
        self._free.put(None)


class AsyncPlaces:
    """Places for calls of tasks, so many on each event loop."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._semaphores = LoopTable(self._make)

    def _make(self) -> "asyncio.Semaphore":
        import asyncio

        return asyncio.Semaphore(self._count)

    async def take(self, operation: str, longest: float | None) -> Callable[[], object]:
        """Do as `BlockingPlaces.take`."""
        import asyncio

        semaphore = self._semaphores.get()
        limit = asyncio.timeout(longest)
        try:
            async with limit:
                await semaphore.acquire()
        except TimeoutError:
            if not limit.expired():
                raise
        else:
            return lambda: _release(semaphore)
        raise _no_place(operation, longest)


def _release(semaphore: "asyncio.Semaphore") -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
        semaphore.release()


def _no_place(operation: str, longest: float | None) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"{operation}: no place among the calls under way became free within {longest:g} s (queue_timeout): "
        "make fewer calls at once, or wait longer",
        sent=False,
        operation=operation,
    )
