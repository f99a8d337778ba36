"""Work that must not be interrupted half-way, in a thread of its own.

Cancelling a task, Ctrl-C or a signal handler that raises interrupts who waits, never the work: a pair that the server
granted is stored before the process goes on or ends. Blocking and asynchronous callers wait for the same thread, so
there is one code path for both.

A signal handler can raise between any two steps of the main thread. Nothing here holds a lock that others need while
it waits, which `threading.Event` and `concurrent.futures.Future` do: interrupted at the wrong step they would stay
locked, and the work would hang.
"""

import _thread
import atexit
import copy
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

import anyio

from krebit._deadline import Deadline
from krebit.errors import DeadlineExceeded, KrebitError, StoreError
from krebit.oauth.exchange import OPERATION

T = TypeVar("T")
# Seconds after which an interrupted waiter looks for itself: an interrupted event loop may have lost its wake-up.
_LOOK = 0.5


class Flight(Generic[T]):
    """One piece of work, of at most `longest` seconds. It takes off with the first who joins it; `landed` is called
    just before they learn of its end."""

    def __init__(self, work: Callable[[], T], landed: Callable[[], object], longest: float) -> None:
        self._work = work
        self._landed = landed
        self._longest = longest
        self._process = os.getpid()
        self._pilot = threading.Lock()  # taken once, by the thread that does the work
        self._started = False
        self._done = False
        self._value: T
        self._error: KrebitError | None = None
        self._waiters: list[Callable[[], object]] = []

    def join(self, deadline: Deadline | None = None) -> T:
        """What it brings. Raises what it raised, or DeadlineExceeded while it goes on; what interrupts the waiting is
        raised when it has landed."""
        deadline = deadline or Deadline(self._longest)
        try:
            self._wait(deadline.remaining())
        except BaseException:
            self.settle()
            raise
        return self._result(deadline)

    async def ajoin(self, deadline: Deadline | None = None) -> T:
        """As `join`, on the event loop."""
        import asyncio  # only here, where a loop runs: blocking programs do without

        deadline = deadline or Deadline(self._longest)
        loop = asyncio.get_running_loop()
        landed: asyncio.Future[None] = loop.create_future()
        self._tell(lambda: loop.call_soon_threadsafe(landed.set_result, None))
        try:
            try:
                if not self._done:
                    await asyncio.wait({landed}, timeout=deadline.remaining())
            except asyncio.CancelledError:
                patience = Deadline(self._longest)
                # A scope that is cancelled would wake us at every turn of the loop.
                with anyio.CancelScope(shield=True):
                    while not self._done and not patience.passed():
                        with suppress(asyncio.CancelledError):
                            await asyncio.wait({landed}, timeout=_LOOK)
                raise
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError | GeneratorExit):
                self.settle()  # Ctrl-C: the loop itself is coming to its end, and awaits nothing any more
            raise
        return self._result(deadline)

    def settle(self) -> BaseException | None:
        """Wait until it has landed, however often interrupted, and return the first of what interrupted. A forked child
        has no thread that would land it."""
        interruption: BaseException | None = None
        patience = Deadline(self._longest)
        while True:
            # All of the waiting stands inside: what interrupts between two rounds must not get through either.
            try:
                while not self._done and not patience.passed() and self._process == os.getpid():
                    self._wait(_LOOK)
                return interruption
            except BaseException as error:  # noqa: BLE001 - whoever waits raises it, or was interrupted before
                interruption = interruption or error

    def _result(self, deadline: Deadline) -> T:
        if not self._done:
            raise DeadlineExceeded(
                f"{OPERATION}: no access token within {deadline.seconds:g} s (the refresh goes on)",
                sent=False,
                operation=OPERATION,
            )
        if self._error is not None:
            raise copy.copy(self._error)  # many callers may raise it at once: each has a traceback of its own
        return self._value

    def _wait(self, seconds: float) -> None:
        bell = _thread.allocate_lock()
        bell.acquire()
        self._tell(bell.release)
        if not self._done:
            bell.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))

    def _tell(self, ring: Callable[[], object]) -> None:
        """Have `ring` called when it lands. It may have landed before: ask whether it is done afterwards."""
        self._waiters.append(ring)
        if self._started:
            return
        # The interpreter waits for it before it ends, but not for ever: somebody's store may hang.
        atexit.register(self.settle)
        thread = threading.Thread(target=self._fly, name="krebit-login", daemon=True)
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
        self._landed()
        self._done = True
        while self._waiters:
            with suppress(RuntimeError):  # a loop that is closed: nobody waits there any more
                self._waiters.pop()()
        atexit.unregister(self.settle)


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError:
        thread.run()
