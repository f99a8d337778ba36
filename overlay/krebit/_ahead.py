"""Pages in flight: a bounded number of them, given out in order, ended at once when nobody wants them any more."""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from krebit.client import Call
from krebit.errors import RateLimited

F = TypeVar("F", bound="Future[Any] | asyncio.Task[Any]")
Begin = Callable[[int], tuple[Call, Callable[[], Any]]]

# How often and how long (seconds) a page is tried again after its call has given up on a rate limit.
_PATIENT = 10
_LONGEST_WAIT = 300.0
# Seconds for ended calls to return. Only one that is still connecting takes longer: its thread ends by its deadline.
_GRACE = 1.0


@dataclass(slots=True)
class _Flight(Generic[F]):
    call: Call
    result: F
    begun: float


class _Ahead(Generic[F]):
    """`begin` makes the call for a page, `start` is the first page, `width` how many may be in flight."""

    def __init__(self, begin: Begin, start: int, width: int) -> None:
        self._begin = begin
        self._start = start
        self._width = width
        self._next = start
        self._resumed = 0.0
        self._flying: deque[_Flight[F]] = deque()

    def _launch(self, run: Callable[[], Any]) -> F:
        raise NotImplementedError

    def _fly(self, number: int) -> _Flight[F]:
        call, run = self._begin(number)
        begun = time.monotonic()
        return _Flight(call, self._launch(run), begun)

    def _head(self, number: int, horizon: int | None) -> _Flight[F]:
        """The flight of page `number`, after starting what may be in flight by now. It stays at the head until it has
        landed."""
        # Half as many again may have landed and wait for their turn: one slow page does not hold up the others. Before
        # the first page has come nobody knows how many there are.
        last = number if number == self._start else number + self._width + self._width // 2 - 1
        last = last if horizon is None else min(last, max(horizon, number))
        while self._next <= last and (self._next == number or self._airborne() < self._width):
            self._flying.append(self._fly(self._next))
            self._next += 1
        return self._flying[0]

    def _airborne(self) -> int:
        return sum(not flight.result.done() for flight in self._flying)

    def _again(self, number: int) -> None:
        self._resumed = time.monotonic()
        self._flying[0] = self._fly(number)

    def _pause(self, number: int, flight: _Flight[F], error: RateLimited, waited: int) -> float:
        """A rate limit was met: seconds to wait, and fewer at once from here on. A walk that has not begun fails."""
        if number == self._start or waited >= _PATIENT:
            raise error
        if flight.begun < self._resumed:
            return 0.0  # it met the limit that has been waited for since
        wait = error.retry_after if error.retry_after is not None else float(2**waited)
        if wait > _LONGEST_WAIT:
            raise error
        self._width = max(1, self._width // 2)
        return wait


class Threads(_Ahead["Future[Any]"]):
    """With threads of its own; with a width of 1 in the caller's."""

    def __init__(self, begin: Begin, start: int, width: int) -> None:
        super().__init__(begin, start, width)
        self._most = width if width > 1 else 0
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._landed: SimpleQueue[Future[Any]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._process = os.getpid()

    def _launch(self, run: Callable[[], Any]) -> "Future[Any]":
        flight: Future[Any] = Future()
        flight.add_done_callback(self._landed.put)
        self._work.put((flight, run))
        if len(self._threads) < self._most:
            # A daemon: a program that ends in mid-walk does not wait for pages that nobody will see.
            thread = threading.Thread(target=_serve, args=(self._work,), name="krebit-page", daemon=True)
            thread.start()
            self._threads.append(thread)
        elif not self._most:
            self._work.put(None)
            _serve(self._work)
        return flight

    def get(self, number: int, horizon: int | None) -> tuple[Any, Call]:
        """What came of page `number`, and its call. Raises what it raised, but for rate limits that can be waited
        for."""
        waited = 0
        while True:
            flight = self._head(number, horizon)
            if not flight.result.done():
                self._landed.get()
                continue
            try:
                found = flight.result.result()
            except RateLimited as error:
                time.sleep(self._pause(number, flight, error, waited))
                self._again(number)
                waited += 1
            else:
                return found, self._flying.popleft().call

    def close(self) -> None:
        """End what is in flight, and the threads."""
        if os.getpid() != self._process:
            return  # a forked child has none of the threads, and the connections are its parent's
        for flight in self._flying:
            flight.result.cancel()
            flight.call.end()
        for _ in self._threads:
            self._work.put(None)
        end = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))


def _serve(work: "SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]") -> None:
    while (item := work.get()) is not None:
        flight, run = item
        if flight.set_running_or_notify_cancel():
            try:
                flight.set_result(run())
            except Exception as error:  # noqa: BLE001 - whoever waits for the page raises it
                flight.set_exception(error)
        del item, flight, run  # the last page must not live until the next


class Tasks(_Ahead["asyncio.Task[Any]"]):
    """With tasks of the running loop."""

    def __init__(self, begin: Begin, start: int, width: int) -> None:
        super().__init__(begin, start, width)
        self._landed = asyncio.Event()

    def _launch(self, run: Callable[[], Any]) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.ensure_future(run())
        task.add_done_callback(lambda _: self._landed.set())
        return task

    async def get(self, number: int, horizon: int | None) -> tuple[Any, Call]:
        """As `Threads.get`."""
        waited = 0
        while True:
            flight = self._head(number, horizon)
            if not flight.result.done():
                self._landed.clear()
                await self._landed.wait()
                continue
            try:
                found = flight.result.result()
            except RateLimited as error:
                await asyncio.sleep(self._pause(number, flight, error, waited))
                self._again(number)
                waited += 1
            else:
                return found, self._flying.popleft().call

    async def aclose(self) -> None:
        """Cancel what is in flight, and see it end."""
        tasks = [flight.result for flight in self._flying]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
