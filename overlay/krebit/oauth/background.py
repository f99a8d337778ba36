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
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Generic, TypeVar

from krebit.error_summary import summarise
from krebit.errors import DeadlineExceeded, KrebitError
from krebit.http.deadline import Deadline
from krebit.oauth.token_endpoint import OPERATION

T = TypeVar("T")


class BackgroundWork(Generic[T]):
    """Work that takes at most `longest` seconds. `on_end` is called just before the callers get the result."""

    def __init__(self, work: Callable[[], T], on_end: Callable[[], object], longest: float) -> None:
        self._work = work
        self._on_end = on_end
        self._longest = longest
        self._future: Future[T] = Future()
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
        wait([self._future], deadline.remaining())
        return self._result(deadline)

    async def result_async(self, deadline: Deadline | None = None) -> T:
        """Do the same as `result`, on the event loop."""
        import asyncio  # blocking programs do without it

        deadline = deadline or Deadline(self._longest)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(ended.set)

        self._future.add_done_callback(wake)
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline.remaining()):
                await ended.wait()
        return self._result(deadline)

    def wait(self) -> None:
        """Wait for its end."""
        self.start()
        wait([self._future], self._longest)

    def _result(self, deadline: Deadline) -> T:
        if not self._future.done():
            raise DeadlineExceeded(
                f"{OPERATION}: no access token within {deadline.seconds:g} s (the refresh goes on); "
                "set a longer timeout",
                sent=False,
                operation=OPERATION,
            )
        if error := self._future.exception():
            raise copy.copy(error)  # many callers may raise it at once: each needs a traceback of its own
        return self._future.result()

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
            value = self._work()
        except KrebitError as error:
            error.__context__ = error.__cause__ = None  # their frames hold the request
            self._on_end()
            self._future.set_exception(error.with_traceback(None))
        except BaseException as error:  # noqa: BLE001 - a log handler may raise anything, and the callers wait
            self._on_end()
            self._future.set_exception(KrebitError(f"{OPERATION}: failed unexpectedly ({summarise(error)})"))
        else:
            self._on_end()
            self._future.set_result(value)

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
