"""Pages in flight: a bounded number of them, given out in order, ended at once when nobody wants them any more."""

import asyncio
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from krebit.client import Call
from krebit.errors import ConfigurationError, RateLimited

# How often and how long (seconds) a page is tried again after its call has given up on a rate limit.
_PATIENT = 10
_LONGEST_WAIT = 300.0
# Seconds for ended calls to return. Only one that is still connecting takes longer: its thread ends by its deadline.
_GRACE = 1.0
# Seconds after which a waiting walk looks for signals.
_GLANCE = 0.25


@dataclass(eq=False, repr=False)
class Landing:
    """A page on its way by `call`, and what came of it. Not a Future: a signal that raises could leave its lock
    taken."""

    call: Call
    value: Any = None
    error: BaseException | None = None
    excused = landed = has_answer = False
    task: "asyncio.Task[Any] | None" = None

    def land(self, bring: Callable[[], Any]) -> None:
        """Take what `bring` returns or raises."""
        try:
            self.value = bring()
        except BaseException as error:  # noqa: BLE001 - whoever waits for the page raises it
            self.error = error
        self.has_answer = self.landed = True
        del self, bring  # the error's traceback holds this frame: together they would wait for the garbage collector


@dataclass
class _Ahead(ABC):
    """`begin` makes the call for a page, `sleep` waits as the client does, `start` is the first page, `width` how many
    may be in flight."""

    _begin: Callable[[int, Call], Callable[[], Any]]
    _sleep: Callable[[float], Awaitable[None]]
    _start: int
    _width: int
    _flying: dict[int, Landing] = field(default_factory=dict)
    _process: int = field(default_factory=os.getpid)

    @abstractmethod
    def _launch(self, page: int, run: Callable[[], Any]) -> None:
        """Have `run` fetch it."""

    @abstractmethod
    async def _arrival(self, number: int, horizon: int | None) -> None:
        """Wait until a page has landed, not for long."""

    async def get(self, number: int, horizon: int | None) -> Landing:
        """Page `number`, landed. Raises what it raised, but for rate limits that can be waited for."""
        if self._process != os.getpid() and (self._flying or self._width > 1):
            raise ConfigurationError("a walk that looks ahead cannot go on in a forked process: begin another there")
        waited = 0
        while True:
            self._look_ahead(number, horizon)
            head = self._flying.get(number)
            if head is None or not head.landed:
                await self._arrival(number, horizon)
                continue
            if isinstance(head.error, RateLimited) and not head.excused:
                await self._sleep(self._pause(number, head.error, waited))
                waited += 1
                # Whatever was under way met the limit that has been waited for.
                for landing in self._flying.values():
                    landing.excused = True
            del self._flying[number]
            if head.error is None:
                return head
            if not isinstance(head.error, RateLimited):
                try:
                    raise head.error
                finally:
                    del head  # as in `land`

    def _look_ahead(self, number: int, horizon: int | None) -> None:
        # Half as many again may have landed and wait for their turn: one slow page does not hold up the others. Before
        # the first page has come nobody knows how many there are.
        last = number if number == self._start else number + self._width + self._width // 2 - 1
        last = last if horizon is None else min(last, max(horizon, number))
        for page in [page for page in range(number, last + 1) if page not in self._flying]:
            if sum(not each.has_answer for each in self._flying.values()) >= self._width:
                return
            call = Call()
            run = self._begin(page, call)
            # It is noted before it flies: a signal that raises in between leaves none that nobody would end.
            self._flying[page] = Landing(call)
            self._launch(page, run)

    def _pause(self, number: int, error: RateLimited, waited: int) -> float:
        """A rate limit was met: seconds to wait, and fewer at once from here on. A walk that has not begun fails."""
        wait = error.retry_after if error.retry_after is not None else float(2**waited)
        if number == self._start or waited >= _PATIENT or wait > _LONGEST_WAIT:
            raise error
        self._width = max(1, self._width // 2)
        return wait


@dataclass
class Threads(_Ahead):
    """With threads of its own; with a width of 1 in the caller's. Nothing here suspends."""

    # Not `concurrent.futures.wait`: a signal that raises breaks its condition variables.
    _arrivals: SimpleQueue[None] = field(default_factory=SimpleQueue)
    _work: SimpleQueue[Callable[[], None] | None] = field(default_factory=SimpleQueue)
    _threads: list[threading.Thread] = field(default_factory=list)

    def _launch(self, page: int, run: Callable[[], Any]) -> None:
        landing = self._flying[page]
        if self._width == 1:
            landing.land(run)
            return
        self._work.put(partial(landing.land, run))
        if len(self._threads) < self._width:
            # A daemon: a program that ends in mid-walk does not wait for pages that nobody will see. Few are made: a
            # signal that raises while one starts is not to be had for every page.
            thread = threading.Thread(target=self._serve, name="krebit-page", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self) -> None:
        while (job := self._work.get()) is not None:
            job()
            del job  # the last page must not live until the next
            self._arrivals.put(None)
        self._work.put(None)  # for the next thread to end

    async def _arrival(self, number: int, horizon: int | None) -> None:
        with suppress(Empty):  # now and then: a signal that comes just before the wait does not end it
            self._arrivals.get(timeout=_GLANCE)

    def close(self) -> None:
        """End what is in flight, and the threads."""
        for landing in self._flying.values():
            landing.call.deadline.end()
        self._work.put(None)
        end = time.monotonic() + _GRACE
        # Not for its own end: the garbage collector may close a walk in one of its threads.
        for thread in {*self._threads} - {threading.current_thread()}:
            thread.join(max(0.0, end - time.monotonic()))


class Tasks(_Ahead):
    """With tasks of the running loop."""

    _wanted: tuple[int, int | None] | None = None

    def _launch(self, page: int, run: Callable[[], Any]) -> None:
        landing = self._flying[page]
        landing.call.answered = partial(self._on_answer, page)  # not the landing itself: a circle
        task = landing.task = asyncio.ensure_future(run())
        task.add_done_callback(lambda task: landing.land(task.result))

    def _on_answer(self, page: int) -> None:
        """Ask for the next page before this one is read: the server works while we do."""
        self._flying[page].has_answer = True
        if self._wanted is not None:
            self._look_ahead(*self._wanted)

    async def _arrival(self, number: int, horizon: int | None) -> None:
        self._wanted = number, horizon
        under_way = [each.task for each in self._flying.values() if each.task and not each.landed]
        await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        self._wanted = None

    async def aclose(self) -> None:
        """Cancel what is in flight, and see it end."""
        self._wanted = None
        tasks = [landing.task for landing in self._flying.values() if landing.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
