"""Walks through paginated lists: every record once, in order, with pages fetched ahead where that is asked for."""

import inspect
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from krebit._ahead import Tasks, Threads
from krebit._course import Course, ListDriftWarning, OnDrift, PageOf, Progress
from krebit._rows import row
from krebit.client import AsyncKrebit, Call, Krebit
from krebit.errors import ConfigurationError
from krebit.values import parse_time
from krebit_api.types import Unset

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

__all__ = ["AsyncWalk", "ListDriftWarning", "PageOf", "Walk", "paginate"]


class Page(Protocol[T_co]):
    """What an operation of a list returns."""

    @property
    def data(self) -> Sequence[T_co] | Unset | None: ...


@overload
def paginate(operation: Callable[P, Awaitable[Page[T]]], *args: P.args, **kwargs: P.kwargs) -> "AsyncWalk[T]": ...
@overload
def paginate(operation: Callable[P, Page[T]], *args: P.args, **kwargs: P.kwargs) -> "Walk[T]": ...
def paginate(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Walk through a list: `for client in paginate(krebit.list_clients, limit=100)`, or `async for` with an
    AsyncKrebit.

    Takes an operation of a client and its arguments; `page=` is where the walk starts (default 1). Nothing is sent
    before the iteration begins. Raises what the operation raises, PageBeyondEnd when started behind the last page,
    and ListDrift if asked to; ConfigurationError for an operation that has no pages.
    """
    owner = getattr(operation, "__self__", None)
    if not isinstance(owner, Krebit | AsyncKrebit):
        raise ConfigurationError("operation: must be a method of a client, such as krebit.list_clients")
    walk = AsyncWalk if isinstance(owner, AsyncKrebit) else Walk
    return walk(_Source(operation, args, kwargs), Options())


class _Source:
    """An operation with its arguments, to be called for one page after the other."""

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.name: str = operation.__name__
        self._owner, self._function = operation.__self__, operation.__func__
        self._bound = inspect.signature(operation).bind(*args, **kwargs)
        self._bound.apply_defaults()
        if "page" not in self._bound.arguments:
            raise ConfigurationError(f"operation: {self.name} has no pages")
        start, limit = self._bound.arguments["page"], self._bound.arguments.get("limit")
        start = 1 if start is None or isinstance(start, Unset) else start
        if not isinstance(start, int) or start < 1:
            raise ConfigurationError("page: must be a whole number, 1 or more")
        self.start = start
        self.limit = limit if isinstance(limit, int) else None

    def call(self, number: int) -> tuple[Call, Callable[[], Any]]:
        """A call for one page, on a view of its own, so that it can be ended alone, and its JSON be seen."""
        call = Call()
        # The page may stand anywhere among the arguments.
        given = inspect.BoundArguments(self._bound.signature, OrderedDict(self._bound.arguments, page=number))
        return call, partial(self._function, self._owner.observed(call), *given.args, **given.kwargs)


@dataclass(frozen=True, slots=True)
class Options:
    """How to walk; see `Walk.options`."""

    max_items: int | None = None
    prefetch: int = 1
    on_drift: OnDrift = "warn"
    progress: Progress | None = None
    updated_since: datetime | None = None


class _Walk(Generic[T]):
    def __init__(self, source: _Source, options: Options) -> None:
        self._source = source
        self._options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._source.name} from page {self._source.start}>"

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

        `max_items`: stop after so many records. `prefetch`: pages in flight at once, 1 to 64 (1: none ahead), while
        up to half as many wait to be read; order is kept. `on_drift`: what to do when the list changes on the way
        ("ignore", "warn" with ListDriftWarning, "raise" ListDrift); it can only be noticed where the server tells
        `total` or `last_page`. `progress`: called after each page with the records so far and the total, None where
        it is not told. `updated_since`: only records with an `updated_at` at or after it (no zone: UTC); filtered
        here, every page is still fetched, and records without `updated_at` pass. Raises ConfigurationError.
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
        return type(self)(self._source, replace(self._options, **changes))

    def _course(self) -> Course[T]:
        found = self._options
        # Of records that are filtered here nobody knows how many pages they take.
        most = found.max_items if found.updated_since is None or found.max_items == 0 else None
        return Course(start=self._source.start, limit=self._source.limit, on_drift=found.on_drift, max_items=most)

    def _take(self, course: Course[T], number: int, found: Any, call: Call) -> PageOf[T]:
        if not hasattr(found, "data"):
            raise ConfigurationError(f"operation: what {self._source.name} returns has no `data`")
        page = course.take(number, call.told().content, list(found.data or ()))
        if self._options.progress is not None:
            self._options.progress(course.count, course.total)
        return page

    def _wanted(self, records: list[T], left: int | None) -> list[T]:
        since = self._options.updated_since
        return (records if since is None else [one for one in records if _is_since(one, since)])[:left]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_since(record: Any, since: datetime) -> bool:
    updated = getattr(record, "updated_at", None)
    return not isinstance(updated, datetime) or _aware(updated) >= since


class Walk(_Walk[T]):
    """Iterate over it for the records, over `.pages()` for whole pages, over `.rows()` for plain dictionaries.

    Each iteration walks anew. Leaving one early (break, an exception) ends the requests that are in flight.
    """

    def __iter__(self) -> Generator[T, None, None]:
        left = self._options.max_items
        with closing(self.pages()) as pages:
            for page in pages:
                wanted = self._wanted(page.records, left)
                yield from wanted
                if left is not None:
                    left -= len(wanted)
                    if left == 0:
                        return

    def rows(self) -> Generator[dict[str, Any], None, None]:
        """The records as dictionaries for a data frame: numbers that may be money as `Decimal`, times as `datetime`,
        None for what is missing."""
        with closing(iter(self)) as records:
            for record in records:
                yield row(record)

    def pages(self) -> Generator[PageOf[T], None, None]:
        """Whole pages with their metadata: not filtered, and up to the page in which `max_items` is reached; what
        earlier pages had is dropped."""
        course = self._course()
        number = self._source.start
        with closing(Threads(self._source.call, number, self._options.prefetch)) as ahead:
            while not course.ended:
                yield self._take(course, number, *ahead.get(number, course.horizon))
                number += 1


class AsyncWalk(_Walk[T]):
    """As `Walk`, with `async for`. Leaving it early cancels the requests in flight: in the next rounds of the event
    loop after a `break`, before going on in `async with contextlib.aclosing(aiter(walk)) as records`."""

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        left = self._options.max_items
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                wanted = self._wanted(page.records, left)
                for record in wanted:
                    yield record
                if left is not None:
                    left -= len(wanted)
                    if left == 0:
                        return

    async def rows(self) -> AsyncGenerator[dict[str, Any], None]:
        """As `Walk.rows`."""
        async with aclosing(aiter(self)) as records:
            async for record in records:
                yield row(record)

    async def pages(self) -> AsyncGenerator[PageOf[T], None]:
        """As `Walk.pages`."""
        course = self._course()
        number = self._source.start
        async with aclosing(Tasks(self._source.call, number, self._options.prefetch)) as ahead:
            while not course.ended:
                yield self._take(course, number, *(await ahead.get(number, course.horizon)))
                number += 1
