"""Pages in flight: a bounded number of them, given out in order, ended at once when nobody wants them any more."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from krebit.client import Call
from krebit.errors import ConfigurationError, RateLimited

F = TypeVar("F", bound="Landing | asyncio.Task[Any]")
Begin = Callable[[int], tuple[Call, Callable[[], Any]]]

# How often and how long (seconds) a page is tried again after its call has given up on a rate limit.
_PATIENT = 10
_LONGEST_WAIT = 300.0
# Seconds for ended calls to return. Only one that is still connecting takes longer: its thread ends by its deadline.
_GRACE = 1.0
# Seconds after which a waiting walk looks for signals.
_GLANCE = 0.25


class _Ahead(Generic[F]):
    """`begin` makes the call for a page, `start` is the first page, `width` how many may be in flight."""

    def __init__(self, begin: Begin, start: int, width: int) -> None:
        self._begin = begin
        self._start = start
        self._width = width
        self._calls: dict[int, Call] = {}
        self._flying: dict[int, F] = {}
        self._excused: set[int] = set()
        # Pages whose answer has come, and is being read.
        self._answered: set[int] = set()

    def _launch(self, page: int, run: Callable[[], Any]) -> F:
        raise NotImplementedError

    def _under_way(self) -> dict[int, F]:
        return {page: flight for page, flight in self._flying.items() if not flight.done()}

    def _waits(self, number: int, horizon: int | None) -> Iterator[float | None]:
        """What to wait for, until page `number` has landed: so many seconds, or None for any page to land."""
        waited = 0
        while True:
            self._look_ahead(number, horizon)
            head = self._flying.get(number)
            if head is None or not head.done():
                yield None
                continue
            error = head.exception()
            if not isinstance(error, RateLimited):
                return
            if number not in self._excused:
                yield self._pause(number, error, waited)
                waited += 1
                # Whatever was under way met the limit that has been waited for.
                self._excused = set(self._flying)
            self._excused.discard(number)
            del self._flying[number]

    def _look_ahead(self, number: int, horizon: int | None) -> None:
        # Half as many again may have landed and wait for their turn: one slow page does not hold up the others. Before
        # the first page has come nobody knows how many there are.
        last = number if number == self._start else number + self._width + self._width // 2 - 1
        last = last if horizon is None else min(last, max(horizon, number))
        for page in [page for page in range(number, last + 1) if page not in self._flying]:
            if len(self._under_way().keys() - self._answered) >= self._width:
                return
            # The call is noted before it begins: a signal that raises in between leaves none that nobody would end.
            self._calls[page], run = self._begin(page)
            self._flying[page] = self._launch(page, run)

    def _pause(self, number: int, error: RateLimited, waited: int) -> float:
        """A rate limit was met: seconds to wait, and fewer at once from here on. A walk that has not begun fails."""
        wait = error.retry_after if error.retry_after is not None else float(2**waited)
        if number == self._start or waited >= _PATIENT or wait > _LONGEST_WAIT:
            raise error
        self._width = max(1, self._width // 2)
        return wait

    def _landed(self, number: int) -> tuple[Any, Call]:
        return self._flying.pop(number).result(), self._calls.pop(number)


class Landing:
    """What came of a page. Not a Future: a signal that raises could leave its lock taken."""

    def __init__(self) -> None:
        self._outcome: Any = None

    def land(self, run: Callable[[], Any]) -> None:
        """Fetch the page, in whatever thread this is called."""
        try:
            self._outcome = run(), None
        except BaseException as error:  # noqa: BLE001 - whoever waits for the page raises it
            self._outcome = None, error
        del self  # the error's traceback holds this frame: together they would wait for the garbage collector

    def done(self) -> bool:
        return self._outcome is not None

    def exception(self) -> BaseException | None:
        error: BaseException | None = self._outcome[1]
        return error

    def result(self) -> Any:
        if self._outcome[1] is not None:
            raise self._outcome[1]
        return self._outcome[0]


class Threads(_Ahead[Landing]):
    """With threads of its own; with a width of 1 in the caller's."""

    def __init__(self, begin: Begin, start: int, width: int) -> None:
        super().__init__(begin, start, width)
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # Not `concurrent.futures.wait`: a signal that raises breaks its condition variables.
        self._arrivals: SimpleQueue[None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._process = os.getpid()

    def _launch(self, page: int, run: Callable[[], Any]) -> Landing:
        landing = Landing()
        if self._width == 1:
            landing.land(run)
            return landing
        self._work.put(partial(landing.land, run))
        if len(self._threads) < self._width:
            # A daemon: a program that ends in mid-walk does not wait for pages that nobody will see.
            thread = threading.Thread(target=self._serve, name="krebit-page", daemon=True)
            thread.start()
            self._threads.append(thread)
        return landing

    def _serve(self) -> None:
        while (job := self._work.get()) is not None:
            job()
            del job  # the last page must not live until the next
            self._arrivals.put(None)
        self._work.put(None)  # for the next thread to end

    def get(self, number: int, horizon: int | None) -> tuple[Any, Call]:
        """What came of page `number`, and its call. Raises what it raised, but for rate limits that can be waited
        for."""
        if self._threads and self._process != os.getpid():
            raise ConfigurationError("a walk that looks ahead cannot go on in a forked process: begin another there")
        for seconds in self._waits(number, horizon):
            if seconds is None:
                with suppress(Empty):  # now and then: a signal that comes just before the wait does not end it
                    self._arrivals.get(timeout=_GLANCE)
            else:
                time.sleep(seconds)
        return self._landed(number)

    def close(self) -> None:
        """End what is in flight, and the threads."""
        for call in self._calls.values():
            call.deadline.end()
        self._work.put(None)
        end = time.monotonic() + _GRACE
        # Not for its own end: the garbage collector may close a walk in one of its threads.
        for thread in {*self._threads} - {threading.current_thread()}:
            thread.join(max(0.0, end - time.monotonic()))


class Tasks(_Ahead["asyncio.Task[Any]"]):
    """With tasks of the running loop."""

    _wanted: tuple[int, int | None] | None = None

    def _launch(self, page: int, run: Callable[[], Any]) -> "asyncio.Task[Any]":
        self._calls[page].answered = partial(self._on_answer, page)
        return asyncio.ensure_future(run())

    def _on_answer(self, page: int) -> None:
        """Ask for the next page before this one is read: the server works while we do."""
        self._answered.add(page)
        if self._wanted is not None:
            self._look_ahead(*self._wanted)

    async def get(self, number: int, horizon: int | None) -> tuple[Any, Call]:
        """As `Threads.get`."""
        for seconds in self._waits(number, horizon):
            if seconds is None:
                self._wanted = number, horizon
                await asyncio.wait(self._under_way().values(), return_when=asyncio.FIRST_COMPLETED)
                self._wanted = None
            else:
                await asyncio.sleep(seconds)
        return self._landed(number)

    async def aclose(self) -> None:
        """Cancel what is in flight, and see it end."""
        self._wanted = None
        for task in self._flying.values():
            task.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)
