"""Make numbered calls ahead of the reader: a bounded number at once, results in order, rate limits waited for.

A walk numbers its pages, `each` its arguments. Leaving early makes no new call. Tasks are cancelled and awaited.
Threads cannot be: a call in flight ends by its own timeout without being tried again, and as its thread is a daemon it
holds up neither the caller nor the program's end.
"""

import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from krebit.errors import ConfigurationError, RateLimited

if TYPE_CHECKING:
    from asyncio import Task

T = TypeVar("T")
# How often in a row, and for how many seconds at most, a call waits after it has given up on a rate limit.
_MOST_WAITS = 10
_LONGEST_WAIT = 300.0


class Window:
    """Decides how many calls may be under way, and how long to wait when a rate limit was met. No I/O.

    `width` is how many may be in flight at once. `first_alone` says that nobody knows how many there are before the
    first has come back: it is then made alone, and its rate limit is the caller's to handle.
    """

    def __init__(self, start: int, width: int, *, first_alone: bool) -> None:
        self._start = start
        self._most = width
        self._width = width
        # Half as many again may wait to be read, so that one slow call does not hold up the others.
        self._size = width + width // 2
        self._first_alone = first_alone
        self._waits = 0
        self._arrivals = 0

    def numbers(self, number: int, last: int | None) -> range:
        """Return the calls to have made while `number` is awaited; none behind `last`, where that is known."""
        if self._first_alone and number == self._start:
            return range(number, number + 1)
        end = number + self._size
        if last is not None:
            end = min(end, max(last, number) + 1)
        return range(number, end)

    def arrived(self) -> None:
        """Note that a result came. After as many as are in flight, there may be one more at once again."""
        self._waits = 0
        self._arrivals += 1
        if self._arrivals >= self._width < self._most:
            self._arrivals = 0
            self._width += 1
            self._size = self._width + self._width // 2

    def keep_to(self, remaining: int) -> None:
        """Make no more calls at once than the server still allows, but one at least."""
        self._size = max(1, min(self._width + self._width // 2, remaining))

    def pause(self, number: int, error: RateLimited) -> float:
        """Return the seconds to wait, and make fewer calls at once from here on.

        Raises the error where the first call is alone, after many waits in a row, and for a wait that is too long.
        """
        seconds = float(2**self._waits) if error.retry_after is None else error.retry_after
        is_alone = self._first_alone and number == self._start
        if is_alone or self._waits >= _MOST_WAITS or seconds > _LONGEST_WAIT:
            raise error
        self._waits += 1
        self._arrivals = 0
        self._width = max(1, self._width // 2)
        self._size = self._width
        return seconds


class ThreadedCalls(Generic[T]):
    """Makes calls in threads of its own; with a width of 1 in the caller's."""

    def __init__(self, window: Window, width: int, call: Callable[[int], T], sleep: Callable[[float], None]) -> None:
        self._window = window
        self._width = width
        self._call = call
        self._sleep = sleep
        self._process = os.getpid()
        self._futures: dict[int, Future[T]] = {}
        # Calls that were under way when a rate limit was met: it has been waited for on their behalf too.
        self._excused: set[Future[T]] = set()
        self._jobs: SimpleQueue[tuple[Future[T], int] | None] = SimpleQueue()
        self._threads = 0

    def get(self, number: int, last: int | None) -> T:
        """Return the result of call `number`. Raises its error, but for a rate limit that can be waited for."""
        while True:
            future = self._submitted(number, last)
            try:
                result = future.result()
            except RateLimited as error:
                if future not in self._excused:
                    self._sleep(self._window.pause(number, error))
                    self._excused = set(self._futures.values())
            else:
                self._window.arrived()
                return result
            finally:
                del future  # else it and its error's traceback would keep each other alive

    def _submitted(self, number: int, last: int | None) -> Future[T]:
        """Make the calls that the window allows. Return that of `number`, which is handed out with it."""
        if self._width == 1:
            return self._made_here(number)
        if self._process != os.getpid():
            raise ConfigurationError("calls ahead cannot go on in a forked process; begin anew there")
        for each in self._window.numbers(number, last):
            if each not in self._futures:
                self._submit(each)
        return self._futures.pop(number)

    def _made_here(self, number: int) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(self._call(number))
        except RateLimited as error:
            future.set_exception(error)
        return future

    def _submit(self, number: int) -> None:
        future: Future[T] = Future()
        self._futures[number] = future
        self._jobs.put((future, number))
        if self._threads < self._width:
            self._start_thread()

    def _start_thread(self) -> None:
        # No ThreadPoolExecutor: the interpreter waits for its threads, after Ctrl-C too.
        thread = threading.Thread(target=self._work, name="krebit-call", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if self._threads == 0:
                raise ConfigurationError("no thread can be started here; make one call at a time") from None
        else:
            self._threads += 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._run(*job)
            del job  # the last result must not live until the next
        self._jobs.put(None)  # for the next thread to end

    def _run(self, future: Future[T], number: int) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(self._call(number))
        except BaseException as error:  # noqa: BLE001 - the reader of the result raises it
            future.set_exception(error)
        finally:
            del future  # else it and its error's traceback would keep each other alive

    def close(self) -> None:
        """Make no new call."""
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()
        self._jobs.put(None)


class TaskCalls(Generic[T]):
    """Makes calls in tasks of the running loop."""

    def __init__(
        self,
        window: Window,
        width: int,
        call: Callable[[int], Awaitable[T]],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        import asyncio  # blocking programs do without it

        self._window = window
        self._call = call
        self._sleep = sleep
        self._places = asyncio.Semaphore(width)
        self._tasks: dict[int, Task[T]] = {}
        self._excused: set[Task[T]] = set()

    async def get(self, number: int, last: int | None) -> T:
        """Return the result of call `number`. Raises its error, but for a rate limit that can be waited for."""
        while True:
            task = self._submitted(number, last)
            try:
                result = await task
            except RateLimited as error:
                if task not in self._excused:
                    await self._sleep(self._window.pause(number, error))
                    self._excused = set(self._tasks.values())
            else:
                self._window.arrived()
                return result
            finally:
                if task.done():
                    del self._tasks[number]
                del task

    def _submitted(self, number: int, last: int | None) -> "Task[T]":
        import asyncio

        for each in self._window.numbers(number, last):
            if each not in self._tasks:
                self._tasks[each] = asyncio.ensure_future(self._within_width(each))
        return self._tasks[number]

    async def _within_width(self, number: int) -> T:
        async with self._places:
            return await self._call(number)

    async def aclose(self) -> None:
        """Cancel the calls in flight, and wait for their end."""
        import asyncio

        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
