"""Work that must not be interrupted half-way, in a thread of its own.

Cancelling a task, Ctrl-C or a signal handler that raises interrupts who waits, never the work: a pair that the server
granted is stored before the process goes on or ends. Blocking and asynchronous callers wait for the same thread, so
there is one code path for both.

A signal handler can raise between any two steps of the main thread. Nothing here holds a lock that others need while
it waits, which `threading.Event` and `concurrent.futures.Future` do: interrupted at the wrong step they would stay
locked, and the work would hang.
"""

import _thread
import copy
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from krebit.errors import KrebitError, StoreError

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
# Seconds after which an interrupted waiter looks for itself: an interrupted event loop may have lost its wake-up.
_LOOK = 0.5


class Flight(Generic[T]):
    """One piece of work. It takes off with the first who waits for it; `landed` is called just before they learn."""

    def __init__(self, work: Callable[[], T], landed: "Callable[[Flight[T]], object]") -> None:
        self._work = work
        self._landed = landed
        self._pilot = threading.Lock()  # taken once, by the thread that does the work
        self._started = False
        self._done = False
        self._value: T
        self._error: KrebitError | None = None
        self._waiters: list[Callable[[], object]] = []

    def result(self) -> T:
        """What a landed flight brought. Many callers may raise its error at once: each gets a copy with a traceback of
        its own."""
        if self._error is not None:
            raise copy.copy(self._error)
        return self._value

    def wait(self, seconds: float) -> bool:
        """Wait so many seconds; say whether it landed."""
        bell = _thread.allocate_lock()
        bell.acquire()
        self._waiters.append(bell.release)
        self._start()
        # Asked after joining the waiters: the flight says that it is done before it rings them.
        if not self._done:
            bell.acquire(timeout=min(max(seconds, 0.0), threading.TIMEOUT_MAX))
        return self._done

    async def await_(self, seconds: float) -> bool:
        """As `wait`, on the event loop."""
        import asyncio  # only here, where a loop runs: blocking programs do without

        loop = asyncio.get_running_loop()
        landed: asyncio.Future[None] = loop.create_future()

        def ring() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_set, landed)

        self._waiters.append(ring)
        self._start()
        if not self._done:
            await asyncio.wait({landed}, timeout=seconds)
        return self._done

    def settle(self, at_most: float) -> None:
        """Wait until it has landed, however often interrupted."""
        end = time.monotonic() + at_most
        while True:
            # All of the waiting stands inside: what interrupts between two rounds must not get through either.
            try:
                while not self._done and (left := end - time.monotonic()) > 0:
                    self.wait(min(left, _LOOK))
                return
            except BaseException:  # noqa: BLE001, S112 - raised again by whoever was interrupted first
                continue

    async def asettle(self, at_most: float) -> None:
        """As `settle`, on the event loop, against cancellation."""
        import asyncio

        end = time.monotonic() + at_most
        while not self._done and (left := end - time.monotonic()) > 0:
            with suppress(asyncio.CancelledError):
                await self.await_(min(left, _LOOK))

    def _start(self) -> None:
        if self._started:
            return
        # Not a daemon: the interpreter waits for it before it ends.
        thread = threading.Thread(target=self._fly, name="krebit-login", daemon=False)
        try:
            # `Thread.start` waits with a lock held that the new thread needs: no place to be interrupted at.
            _thread.start_new_thread(_start, (thread,))
        except RuntimeError:  # no more threads, or the interpreter is shutting down
            self._fly()
        self._started = True

    def _fly(self) -> None:
        if not self._pilot.acquire(blocking=False):
            return
        try:
            self._value = self._work()
        except KrebitError as error:
            # The frames hold the request; the message says what happened.
            error.__context__ = error.__cause__ = None
            self._error = error.with_traceback(None)
        except BaseException as error:  # noqa: BLE001 - a user's own store may raise anything; waiters must be told
            self._error = StoreError(f"the token store failed: {type(error).__name__}")
        self._landed(self)
        self._done = True
        while self._waiters:
            self._waiters.pop()()


def _set(landed: "asyncio.Future[None]") -> None:
    if not landed.done():
        landed.set_result(None)


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError:
        thread.run()
