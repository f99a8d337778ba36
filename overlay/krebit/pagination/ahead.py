"""Fetch pages ahead of the reader: a bounded number at once, handed out in order.

Leaving early stops asking. Tasks are cancelled and awaited. Threads cannot be: a page in flight ends by its own timeout
without being tried again, and as its thread is a daemon it holds up neither the caller nor the program's end.
"""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from krebit.errors import ConfigurationError, RateLimited

T = TypeVar("T")
# How often, and for how many seconds at most, a page waits after its call has given up on a rate limit.
_MOST_WAITS = 10
_LONGEST_WAIT = 300.0


class Window:
    """Decides which pages may be asked for, and how long to wait when a rate limit was met. No I/O.

    `start` is the first page of the walk, `width` how many pages may be in flight.
    """

    def __init__(self, start: int, width: int) -> None:
        self._start = start
        self._width = width
        # Half as many again may wait for their turn, so that one slow page does not hold up the others.
        self._size = width + width // 2
        self._waits = 0

    def pages(self, number: int, horizon: int | None) -> range:
        """Return the pages to have asked for while `number` is awaited."""
        if number == self._start:
            return range(number, number + 1)  # nobody knows how many pages there are before the first has come
        last = number + self._size - 1
        if horizon is not None:
            last = min(last, max(horizon, number))
        return range(number, last + 1)

    def arrived(self) -> None:
        """Note that a page came: waits are counted anew."""
        self._waits = 0

    def pause(self, number: int, error: RateLimited) -> float:
        """Return the seconds to wait, and ask for fewer pages at once from here on.

        Raises the error at the first page, after many waits, and for a wait that is too long.
        """
        seconds = float(2**self._waits) if error.retry_after is None else error.retry_after
        if number == self._start or self._waits >= _MOST_WAITS or seconds > _LONGEST_WAIT:
            raise error
        self._waits += 1
        self._width = max(1, self._width // 2)
        self._size = self._width
        return seconds


class _PendingPages(ABC, Generic[T]):
    """Pages that were asked for and not handed out yet."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._process = os.getpid()

    def _check_process(self, is_ahead: bool) -> None:
        if is_ahead and self._process != os.getpid():
            raise ConfigurationError("a walk that looks ahead cannot go on in a forked process; begin another there")

    @abstractmethod
    def _submit(self, number: int) -> None:
        """Ask for a page."""


class ThreadedPages(_PendingPages[T]):
    """Fetches pages in threads of its own; with a width of 1 in the caller's.

    `fetch` calls for a page and `sleep` waits.
    """

    def __init__(self, window: Window, width: int, fetch: Callable[[int], T], sleep: Callable[[float], None]) -> None:
        super().__init__(window)
        self._fetch = fetch
        self._sleep = sleep
        self._is_ahead = width > 1
        self._places = threading.BoundedSemaphore(width)
        self._futures: dict[int, Future[T]] = {}
        # Pages that were under way when a rate limit was met: it has been waited for on their behalf too.
        self._excused: set[Future[T]] = set()

    def get(self, number: int, horizon: int | None) -> T:
        """Return page `number`. Raises its error, but for a rate limit that can be waited for."""
        self._check_process(self._is_ahead)
        while True:
            try:
                page = self._take(number, horizon)
            except RateLimited as error:
                if not self._was_excused:
                    seconds = self._window.pause(number, error)
                    self._sleep(seconds)
                    self._excused = set(self._futures.values())
            else:
                self._window.arrived()
                return page

    def _take(self, number: int, horizon: int | None) -> T:
        self._was_excused = False
        if not self._is_ahead:
            return self._fetch(number)
        for page in self._window.pages(number, horizon):
            if page not in self._futures:
                self._submit(page)
        future = self._futures.pop(number)
        try:
            return future.result()
        finally:
            self._was_excused = future in self._excused
            del future  # else it and its error's traceback would keep each other alive

    def _submit(self, number: int) -> None:
        future: Future[T] = Future()
        # No ThreadPoolExecutor: the interpreter waits for its threads, after Ctrl-C too.
        thread = threading.Thread(target=self._run, args=(future, number), name="krebit-page", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise ConfigurationError("prefetch: no thread can be started here; walk with prefetch=1") from None
        self._futures[number] = future

    def _run(self, future: Future[T], number: int) -> None:
        with self._places:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self._fetch(number))
            except BaseException as error:  # noqa: BLE001 - the reader of the page raises it
                future.set_exception(error)
            finally:
                del future

    def close(self) -> None:
        """Ask for nothing more."""
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()


class TaskPages(_PendingPages[T]):
    """Fetches pages in tasks of the running loop."""

    def __init__(
        self,
        window: Window,
        width: int,
        fetch: Callable[[int], Awaitable[T]],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        import asyncio  # blocking programs do without it

        super().__init__(window)
        self._fetch = fetch
        self._sleep = sleep
        self._places = asyncio.Semaphore(width)
        self._tasks: dict[int, asyncio.Task[T]] = {}
        self._excused: set[asyncio.Task[T]] = set()

    async def get(self, number: int, horizon: int | None) -> T:
        """Return page `number`. Raises its error, but for a rate limit that can be waited for."""
        self._check_process(bool(self._tasks))
        while True:
            try:
                page = await self._take(number, horizon)
            except RateLimited as error:
                if not self._was_excused:
                    seconds = self._window.pause(number, error)
                    await self._sleep(seconds)
                    self._excused = set(self._tasks.values())
            else:
                self._window.arrived()
                return page

    async def _take(self, number: int, horizon: int | None) -> T:
        self._was_excused = False
        for page in self._window.pages(number, horizon):
            if page not in self._tasks:
                self._submit(page)
        task = self._tasks[number]
        try:
            return await task
        finally:
            self._was_excused = task in self._excused
            if task.done():
                del self._tasks[number]
            del task

    def _submit(self, number: int) -> None:
        import asyncio

        self._tasks[number] = asyncio.ensure_future(self._within_width(number))

    async def _within_width(self, number: int) -> T:
        async with self._places:
            return await self._fetch(number)

    async def aclose(self) -> None:
        """Cancel the pages in flight, and wait for their end."""
        import asyncio

        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
