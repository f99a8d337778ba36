"""Work that nothing interrupts, in a thread of its own. Only a caller who waits for it is interrupted.

A refresh must not stop between the server's answer and the save: the old refresh token is dead by then. Cancelling a
task, Ctrl-C or a signal handler that raises ends the waiting, and the work goes on.

The thread is not a daemon: the interpreter waits for it before it ends, and so does a child of multiprocessing. No
thread survives SIGTERM with its default disposition, or SIGKILL.
"""

import atexit
import copy
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar, cast

from krebit.error_summary import summarise
from krebit.errors import DeadlineExceeded, KrebitError
from krebit.http.deadline import Deadline
from krebit.oauth.token_endpoint import OPERATION

T = TypeVar("T")


class BackgroundWork(Generic[T]):
    """Work that takes at most `longest` seconds. `on_end` is called just before the callers get the result.

    Callers and the thread share no lock. A signal handler that raises in a method of `Future` or `Event` leaves its
    lock taken, and the thread would wait for it for ever.
    """

    def __init__(self, work: Callable[[], T], on_end: Callable[[], object], longest: float) -> None:
        self._work = work
        self._on_end = on_end
        self._longest = longest
        self._value: T | None = None
        self._error: KrebitError | None = None
        self._has_ended = False
        # Each wakes one caller. All may be called twice.
        self._wakers: list[Callable[[], object]] = []
        self._has_started = False
        self._is_taken = threading.Lock()

    def start(self) -> None:
        """Begin in a new thread, or in this one where no thread can start, as at the end of the interpreter.

        Each caller who joins calls it: a signal may have interrupted the first one before the thread was there. Work
        that has begun does not begin again.
        """
        if self._has_started:
            return
        try:
            threading.Thread(target=self._run, name="krebit-login").start()
        except RuntimeError:
            self._run()
        self._has_started = True

    def result(self, deadline: Deadline | None = None) -> T:
        """Return the work's result. Raises its error, or DeadlineExceeded while it goes on."""
        deadline = deadline or Deadline(self._longest)
        self._wait(deadline.remaining())
        return self._result(deadline)

    async def result_async(self, deadline: Deadline | None = None) -> T:
        """Do the same as `result`, on the event loop."""
        import asyncio  # blocking programs do without it

        deadline = deadline or Deadline(self._longest)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(ended.set)

        self._call_at_end(wake)
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline.remaining()):
                await ended.wait()
        return self._result(deadline)

    def wait(self) -> None:
        """Wait for its end."""
        self.start()
        self._wait(self._longest)

    def _wait(self, seconds: float) -> None:
        ended: SimpleQueue[None] = SimpleQueue()
        self._call_at_end(lambda: ended.put(None))
        with suppress(Empty):
            ended.get(timeout=seconds)

    def _call_at_end(self, waker: Callable[[], object]) -> None:
        self._wakers.append(waker)
        if self._has_ended:  # perhaps before the waker was in the list
            waker()

    def _result(self, deadline: Deadline) -> T:
        if not self._has_ended:
            raise DeadlineExceeded(
                f"{OPERATION}: no access token within {deadline.seconds:g} s (the refresh goes on); "
                "set a longer timeout",
                sent=False,
                operation=OPERATION,
            )
        if self._error is not None:
            raise copy.copy(self._error)  # many callers may raise it at once: each needs a traceback of its own
        return cast(T, self._value)

    def _run(self) -> None:
        if not self._is_taken.acquire(blocking=False):
            return  # another thread does it
        # The interpreter waits for threads first, but a second Ctrl-C interrupts that wait: then this hook waits. It is
        # registered in the thread, because an interrupted start would leave a hook without work.
        unregister = _call_at_exit(self._wait_at_exit)
        try:
            self._run_work()
        finally:
            unregister()

    def _run_work(self) -> None:
        try:
            self._value = self._work()
        except KrebitError as error:
            error.__context__ = error.__cause__ = None  # their frames hold the request
            self._error = error.with_traceback(None)
        except BaseException as error:  # noqa: BLE001 - a log handler may raise anything, and the callers wait
            self._error = KrebitError(f"{OPERATION}: failed unexpectedly ({summarise(error)})")
        self._on_end()
        self._has_ended = True
        for wake in list(self._wakers):
            wake()

    def _wait_at_exit(self) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.wait()


def _call_at_exit(function: Callable[[], object]) -> Callable[[], object]:
    """Register a function that is called when the process ends. Return a function that unregisters it."""
    atexit.register(function)
    if "multiprocessing.util" not in sys.modules:
        return lambda: atexit.unregister(function)
    # A child of multiprocessing runs no atexit functions before Python 3.13, only its own finalizers:
    # https://github.com/python/cpython/issues/83856
    from multiprocessing.util import Finalize

    finalizer = Finalize(None, function, exitpriority=100)

    def unregister() -> None:
        atexit.unregister(function)
        finalizer.cancel()

    return unregister
