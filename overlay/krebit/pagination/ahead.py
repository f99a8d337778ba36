"""Make numbered calls ahead of the reader: a bounded number at once, results in order, with waits for rate limits.

A walk numbers its pages, `each` its arguments. Leaving early makes no new call. Tasks are cancelled and awaited.
Threads cannot be cancelled: their calls end by their own timeout and are not tried again. The threads are daemons, so
that neither the caller nor the program's end waits for them.
"""

import logging
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, cast

from krebit.errors import ConfigurationError, RateLimited
from krebit.pagination.schedule import Schedule

if TYPE_CHECKING:
    from asyncio import Task

T = TypeVar("T")
_Result: TypeAlias = "SimpleQueue[tuple[T | None, BaseException | None]]"
_log = logging.getLogger("krebit")
# Seconds above which a person who looks at a log wonders why nothing happens.
_LOGGED_WAIT = 1.0


class ThreadedCalls(Generic[T]):
    """Makes calls in threads of its own, or in the caller's thread if the width is 1."""

    def __init__(self, schedule: Schedule, call: Callable[[int], T]) -> None:
        self._schedule = schedule
        self._width = schedule.width
        self._call = call
        self._process = os.getpid()
        # No Futures: a signal handler that raises in one leaves its lock taken.
        self._results: dict[int, _Result[T]] = {}
        self._jobs: SimpleQueue[tuple[int, _Result[T]] | None] = SimpleQueue()
        self._threads = 0
        self._closed = False
        self._changed = threading.Condition()

    def get(self, number: int, last: int | None) -> T:
        """Return the result of call `number`. Raises its error, but for a rate limit that can be waited for."""
        if self._width == 1:
            return self._made(number)
        if self._process != os.getpid():
            raise ConfigurationError("calls ahead cannot go on in a forked process; begin the iteration anew there")
        for each in self._schedule.numbers(number, last):
            if each not in self._results:
                self._submit(each)
        value, error = self._results.pop(number).get()
        if error is None:
            return cast("T", value)
        try:
            raise error
        finally:
            del error  # else it and this frame, which is in its traceback, would keep each other alive

    def _submit(self, number: int) -> None:
        result: _Result[T] = SimpleQueue()
        self._results[number] = result
        self._jobs.put((number, result))
        if self._threads < self._width:
            self._start_thread()

    def _start_thread(self) -> None:
        # No ThreadPoolExecutor: the interpreter waits for its threads, after Ctrl-C too.
        # In the caller's context, as a task is: a tracer finds there which span a request belongs to.
        thread = threading.Thread(target=copy_context().run, args=(self._work,), name="krebit-call", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if self._threads == 0:
                raise ConfigurationError("no thread can be started here; make one call at a time") from None
        else:
            self._threads += 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            number, result = job
            try:
                result.put((self._made(number), None))
            except BaseException as error:  # noqa: BLE001 - the reader of the result raises it
                result.put((None, error))
            del job, result  # the last result must not live until the next
        self._jobs.put(None)  # ends the next thread

    def _made(self, number: int) -> T:
        """Make the call when the schedule allows it, again after each rate limit that can be waited for."""
        waits = 0
        while True:
            pauses = self._begin()
            succeeded = False
            try:
                result = self._call(number)
                succeeded = True
                return result
            except RateLimited as error:
                with self._changed:
                    _log_pause(error, self._schedule.note_limit(error, pauses=pauses, waits=waits))
                waits += 1
            finally:
                with self._changed:
                    self._schedule.end(succeeded=succeeded)
                    self._changed.notify_all()

    def _begin(self) -> int:
        with self._changed:
            while not self._closed:
                delay = self._schedule.delay()
                if delay == 0:
                    return self._schedule.begin()
                self._changed.wait(delay)
        raise CancelledError

    def close(self) -> None:
        """Make no new call.

        A forked child has none of the threads, and a lock that one of them held at the fork stays locked there.
        """
        if self._process != os.getpid():
            return
        self._results.clear()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._jobs.put(None)


class TaskCalls(Generic[T]):
    """Makes calls in tasks of the running loop."""

    def __init__(self, schedule: Schedule, call: Callable[[int], Awaitable[T]]) -> None:
        import asyncio  # blocking programs do without it

        self._schedule = schedule
        self._call = call
        self._places = asyncio.Semaphore(schedule.width)
        self._ended = asyncio.Event()
        self._tasks: dict[int, Task[T]] = {}

    async def get(self, number: int, last: int | None) -> T:
        """Return the result of call `number`. Raises its error, but for a rate limit that can be waited for."""
        import asyncio

        for each in self._schedule.numbers(number, last):
            if each not in self._tasks:
                self._tasks[each] = asyncio.ensure_future(self._made_in_place(each))
        task = self._tasks[number]
        try:
            return await task
        finally:
            if task.done():
                del self._tasks[number]
            del task

    async def _made_in_place(self, number: int) -> T:
        async with self._places:
            return await self._made(number)

    async def _made(self, number: int) -> T:
        """Make the call when the schedule allows it, again after each rate limit that can be waited for."""
        waits = 0
        while True:
            pauses = await self._begin()
            succeeded = False
            try:
                result = await self._call(number)
                succeeded = True
                return result
            except RateLimited as error:
                _log_pause(error, self._schedule.note_limit(error, pauses=pauses, waits=waits))
                waits += 1
            finally:
                self._schedule.end(succeeded=succeeded)
                # Wakes those who wait now. Whoever waits later waits for the end of another call.
                self._ended.set()
                self._ended.clear()

    async def _begin(self) -> int:
        import asyncio

        while True:
            delay = self._schedule.delay()
            if delay is None:
                await self._ended.wait()
            elif delay > 0:
                await asyncio.sleep(delay)
            else:
                return self._schedule.begin()

    async def aclose(self) -> None:
        """Cancel the calls under way, and wait for their end."""
        import asyncio

        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_pause(error: RateLimited, seconds: float) -> None:
    if seconds > _LOGGED_WAIT:
        _log.info("%s: rate limit, all calls wait %.1f s", error.operation, seconds)
