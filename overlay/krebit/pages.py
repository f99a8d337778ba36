"""Walks through paginated lists: every record once, in order, with pages fetched ahead where that is asked for."""

import asyncio
import inspect
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from krebit._course import Course, ListDriftWarning, OnDrift, PageOf, Progress
from krebit._rows import row
from krebit.client import AsyncKrebit, Call, Krebit
from krebit.errors import ConfigurationError, KrebitError, RateLimited
from krebit.values import parse_time

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
F = TypeVar("F")

__all__ = ["AsyncWalk", "ListDriftWarning", "PageOf", "Walk", "paginate"]

_PATIENT = 10
_LONGEST_WAIT = 300.0


class Page(Protocol[T_co]):
    """What an operation of a list returns."""

    @property
    def data(self) -> Sequence[T_co]: ...


@overload
def paginate(operation: Callable[P, Awaitable[Page[T]]], *args: P.args, **kwargs: P.kwargs) -> "AsyncWalk[T]": ...
@overload
def paginate(operation: Callable[P, Page[T]], *args: P.args, **kwargs: P.kwargs) -> "Walk[T]": ...
def paginate(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Walk through a list: `for client in paginate(krebit.list_clients, limit=100)`, or `async for` with an
    AsyncKrebit.

    Takes an operation of a client and its arguments; `page=` is where the walk starts (default 1). Nothing is sent
    before the iteration begins. Raises what the operation raises, PageBeyondEnd when started behind the last page,
    and ListDrift if asked to.
    """
    owner = getattr(operation, "__self__", None)
    if not isinstance(owner, Krebit | AsyncKrebit):
        raise ConfigurationError("operation: must be a method of a client, such as krebit.list_clients")
    bound = inspect.signature(operation).bind(*args, **kwargs)
    if "page" not in bound.signature.parameters:
        raise ConfigurationError(f"operation: {operation.__name__} has no pages")
    bound.apply_defaults()
    start, limit = bound.arguments["page"], bound.arguments.get("limit")
    arguments = _Arguments(
        operation.__name__,
        owner,
        args,
        {name: value for name, value in kwargs.items() if name != "page"},
        start if isinstance(start, int) else 1,
        limit if isinstance(limit, int) else None,
    )
    if arguments.start < 1:
        raise ConfigurationError("page: must be 1 or more")
    return AsyncWalk(arguments, Options()) if isinstance(owner, AsyncKrebit) else Walk(arguments, Options())


@dataclass(frozen=True, slots=True)
class _Arguments:
    name: str
    owner: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    start: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Options:
    """How to walk; see `Walk.options`."""

    max_items: int | None = None
    prefetch: int = 1
    on_drift: OnDrift = "warn"
    progress: Progress | None = None
    updated_since: datetime | None = None


class _Walk(Generic[T]):
    def __init__(self, arguments: _Arguments, options: Options) -> None:
        self._arguments = arguments
        self._options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._arguments.name} from page {self._arguments.start}>"

    def options(
        self,
        *,
        max_items: int | None = None,
        prefetch: int | None = None,
        on_drift: OnDrift | None = None,
        progress: Progress | None = None,
        updated_since: "str | date | datetime | None" = None,
    ) -> Self:
        """The same walk, done otherwise.

        `max_items`: stop after so many records. `prefetch`: pages in flight at once, 1 to 64 (1: none ahead); order
        is kept. `on_drift`: what to do when the list changes on the way ("ignore", "warn" with ListDriftWarning,
        "raise" ListDrift); it can only be noticed where the server tells `total` or `last_page`. `progress`: called
        after each page with the records so far and the total, None where it is not told. `updated_since`: only
        records with an `updated_at` at or after it (no zone: UTC); filtered here, every page is still fetched, and
        records without `updated_at` pass. Raises ConfigurationError.
        """
        problems = []
        if max_items is not None and max_items < 0:
            problems.append("max_items: must be 0 or more")
        if prefetch is not None and not 1 <= prefetch <= 64:
            problems.append("prefetch: must be 1 to 64")
        if on_drift not in (None, "ignore", "warn", "raise"):
            problems.append('on_drift: must be "ignore", "warn" or "raise"')
        since = None
        try:
            since = _aware(parse_time(updated_since)) if updated_since is not None else None
        except ValueError as error:
            problems.append(f"updated_since: {error}")
        if problems:
            raise ConfigurationError(*problems)
        given = {
            "max_items": max_items,
            "prefetch": prefetch,
            "on_drift": on_drift,
            "progress": progress,
            "updated_since": since,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return type(self)(self._arguments, replace(self._options, **changes))

    def _course(self) -> Course[T]:
        found = self._options
        return Course(
            start=self._arguments.start,
            limit=self._arguments.limit,
            on_drift=found.on_drift,
            max_items=None if found.updated_since else found.max_items,
        )

    def _call(self, number: int) -> "tuple[Call, Callable[[], Any]]":
        """A call for one page on a view of its own, so that it can be ended alone, and its JSON be seen."""
        given, call = self._arguments, Call()
        operation = getattr(given.owner.observed(call), given.name)
        return call, lambda: operation(*given.args, **given.kwargs, page=number)

    def _take(self, course: Course[T], number: int, call: Call) -> PageOf[T]:
        raw = call.response
        assert raw is not None
        page = course.take(number, raw.content, list(raw.value.data))
        if self._options.progress is not None:
            self._options.progress(course.count, course.total)
        return page

    def _wanted(self, records: list[T]) -> list[T]:
        since = self._options.updated_since
        return records if since is None else [one for one in records if _is_since(one, since)]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_since(record: Any, since: datetime) -> bool:
    updated = getattr(record, "updated_at", None)
    return not isinstance(updated, datetime) or _aware(updated) >= since


class Walk(_Walk[T]):
    """Iterate over it for the records, over `.pages()` for whole pages, over `.rows()` for plain dictionaries.

    Each iteration walks anew. Leaving one early (break, an exception) ends the requests that are in flight.
    """

    def __iter__(self) -> Iterator[T]:
        left = self._options.max_items
        if left == 0:
            return
        with closing(self.pages()) as pages:
            for page in pages:
                for record in self._wanted(page.records):
                    yield record
                    if left is not None:
                        left -= 1
                        if left == 0:
                            return

    def rows(self) -> Iterator[dict[str, Any]]:
        """The records as dictionaries for a data frame: numbers that may be money as `Decimal`, times as `datetime`."""
        for record in self:
            yield row(record)

    def pages(self) -> "Generator[PageOf[T], None, None]":
        """The pages with their metadata, not filtered, and without `max_items`; records of earlier pages are
        dropped."""
        course = self._course()
        number = self._arguments.start
        with closing(_Threads(self._call, number, self._options.prefetch)) as ahead:
            while not course.ended:
                yield self._take(course, number, ahead.get(number, course.horizon))
                number += 1


class _Ahead(Generic[F]):
    """The pages in flight, a bounded number of them, given out in order."""

    def __init__(self, call: "Callable[[int], tuple[Call, Callable[[], Any]]]", start: int, width: int) -> None:
        self._call = call
        self._start = start
        self._width = width
        self._next = start
        self._flying: deque[tuple[Call, F]] = deque()

    def _launch(self, run: Callable[[], Any]) -> F:
        raise NotImplementedError

    def _begin(self, number: int) -> "tuple[Call, F]":
        call, run = self._call(number)
        return call, self._launch(run)

    def _fill(self, number: int, horizon: int | None) -> "tuple[Call, F]":
        """Start what may be in flight by now. Page `number` is at the head, until it has landed."""
        # Before the first page has come nobody knows how many there are.
        last = number if number == self._start else number + self._width - 1
        last = last if horizon is None else min(last, max(horizon, number))
        while self._next <= last:
            self._flying.append(self._begin(self._next))
            self._next += 1
        return self._flying[0]

    def _limited(self, number: int, error: RateLimited, waited: int) -> float:
        """A rate limit was met: seconds to wait, and fewer at once from here on. A walk that has not begun fails."""
        if number == self._start:
            raise error
        wait = error.retry_after if error.retry_after is not None else float(2**waited)
        if waited >= _PATIENT or wait > _LONGEST_WAIT:
            raise error
        self._width = max(1, self._width // 2)
        return wait

    def _again(self, number: int) -> "tuple[Call, F]":
        self._flying[0] = self._begin(number)
        return self._flying[0]


class _Threads(_Ahead["Future[Any]"]):
    def __init__(self, call: "Callable[[int], tuple[Call, Callable[[], Any]]]", start: int, width: int) -> None:
        super().__init__(call, start, width)
        self._pool = ThreadPoolExecutor(width, "krebit-page") if width > 1 else None

    def _launch(self, run: Callable[[], Any]) -> "Future[Any]":
        if self._pool is not None:
            return self._pool.submit(run)
        flight: Future[Any] = Future()
        try:
            flight.set_result(run())
        except KrebitError as error:
            flight.set_exception(error)
        return flight

    def get(self, number: int, horizon: int | None) -> "Call":
        call, flight = self._fill(number, horizon)
        waited = 0
        while True:
            try:
                flight.result()
            except RateLimited as error:
                time.sleep(self._limited(number, error, waited))
                waited += 1
                call, flight = self._again(number)
            else:
                self._flying.popleft()
                return call

    def close(self) -> None:
        for call, flight in self._flying:
            flight.cancel()
            call.end()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class AsyncWalk(_Walk[T]):
    """As `Walk`, with `async for`. Leaving it early cancels the requests in flight."""

    async def __aiter__(self) -> AsyncIterator[T]:
        left = self._options.max_items
        if left == 0:
            return
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for record in self._wanted(page.records):
                    yield record
                    if left is not None:
                        left -= 1
                        if left == 0:
                            return

    async def rows(self) -> AsyncIterator[dict[str, Any]]:
        """As `Walk.rows`."""
        async for record in self:
            yield row(record)

    async def pages(self) -> "AsyncGenerator[PageOf[T], None]":
        """As `Walk.pages`."""
        course = self._course()
        number = self._arguments.start
        ahead = _Tasks(self._call, number, self._options.prefetch)
        try:
            while not course.ended:
                yield self._take(course, number, await ahead.get(number, course.horizon))
                number += 1
        finally:
            await ahead.close()


class _Tasks(_Ahead["asyncio.Task[Any]"]):
    def _launch(self, run: Callable[[], Any]) -> "asyncio.Task[Any]":
        return asyncio.ensure_future(run())

    async def get(self, number: int, horizon: int | None) -> "Call":
        call, task = self._fill(number, horizon)
        waited = 0
        while True:
            try:
                await task
            except RateLimited as error:
                await asyncio.sleep(self._limited(number, error, waited))
                waited += 1
                call, task = self._again(number)
            else:
                self._flying.popleft()
                return call

    async def close(self) -> None:
        tasks = [task for _, task in self._flying]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
