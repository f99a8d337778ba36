"""Walks through paginated lists: every record once, in order, with pages fetched ahead where that is asked for."""

import copy
import inspect
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain, islice
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from krebit._ahead import Landing, Tasks, Threads
from krebit._call import unsuspended
from krebit._course import Course, OnDrift, Options, PageOf, Progress
from krebit.client import AsyncKrebit, Call, client_of, observing
from krebit.errors import ConfigurationError
from krebit_api.types import Unset, parse_time, plain

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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
    return (AsyncWalk if isinstance(client_of(operation), AsyncKrebit) else Walk)(operation, args, kwargs)


class _Walk(Generic[T]):
    """An operation with its arguments, to be called for one page after the other."""

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._operation = operation
        self._client = client_of(operation)
        signature = inspect.signature(operation)
        if "page" not in signature.parameters:
            raise ConfigurationError(f"operation: {operation.__name__} has no pages")
        self._bind = partial(signature.bind, *args, **kwargs)
        self._options = Options()
        try:
            bound = self._bind()
        except TypeError as error:
            raise TypeError(f"{operation.__name__}() {error}") from None
        bound.apply_defaults()
        start, limit = bound.arguments["page"], bound.arguments.get("limit")
        self._start = 1 if start is None or isinstance(start, Unset) else start
        self._limit = limit if isinstance(limit, int) else None
        if not _whole(self._start, 1):
            raise ConfigurationError("page: must be a whole number, 1 or more")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._operation.__name__} from page {self._start}>"

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
        wrong = {
            "max_items: must be 0 or more": max_items is not None and not _whole(max_items, 0),
            "prefetch: must be 1 to 64": prefetch is not None and not _whole(prefetch, 1, 64),
            'on_drift: must be "ignore", "warn" or "raise"': on_drift not in (None, "ignore", "warn", "raise"),
            "progress: must be a function": not (progress is None or callable(progress)),
            "updated_since: must be a text, a date or a datetime": not isinstance(updated_since, str | date | None),
        }
        if any(wrong.values()):
            raise ConfigurationError(*(problem for problem, found in wrong.items() if found))
        try:
            since = _aware(parse_time(updated_since)) if updated_since is not None else None
        except ValueError as error:
            raise ConfigurationError(f"updated_since: {error}") from None
        given: dict[str, Any] = {
            "max_items": max_items,
            "prefetch": prefetch,
            "on_drift": on_drift,
            "progress": progress,
            "updated_since": since,
        }
        walk = copy.copy(self)
        walk._options = replace(self._options, **{name: value for name, value in given.items() if value is not None})
        return walk

    def _begin(self, number: int, call: Call) -> Callable[[], Any]:
        """What fetches one page, on a view of its own, so that it can be ended alone, and its JSON be seen."""
        # The page may stand anywhere among the arguments.
        given = self._bind()
        given.arguments["page"] = number
        return partial(observing(self._operation, call), *given.args, **given.kwargs)

    def _take(self, course: Course[T], landing: Landing) -> PageOf[T]:
        if not hasattr(landing.value, "data"):
            raise ConfigurationError(f"operation: what {self._operation.__name__} returns has no `data`")
        page = course.take(landing.call.told().content, list(landing.value.data or ()))
        if self._options.progress is not None:
            self._options.progress(course.count, page.total)
        return page

    def _wanted(self, page: PageOf[T]) -> list[T]:
        since = self._options.updated_since
        return page.records if since is None else [one for one in page.records if _is_since(one, since)]


def _whole(value: Any, least: int, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


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
        with closing(self.pages()) as pages:
            yield from islice(chain.from_iterable(map(self._wanted, pages)), self._options.max_items)

    def rows(self) -> Generator[dict[str, Any], None, None]:
        """The records as dictionaries for a data frame: numbers that may be money as `Decimal`, times as `datetime`,
        None for what is missing."""
        with closing(iter(self)) as records:
            yield from map(plain, records)

    def pages(self) -> Generator[PageOf[T], None, None]:
        """Whole pages with their metadata: not filtered, and up to the page in which `max_items` is reached; what
        earlier pages had is dropped."""
        course: Course[T] = Course(self._start, self._limit, self._options)
        with closing(Threads(self._begin, self._client._sleep, self._start, self._options.prefetch)) as ahead:
            while not course.ended:
                yield self._take(course, unsuspended(ahead.get(course.number, course.horizon)))


class AsyncWalk(_Walk[T]):
    """As `Walk`, with `async for`. Leaving it early cancels the requests in flight: in the next rounds of the event
    loop after a `break`, before going on in `async with contextlib.aclosing(aiter(walk)) as records`."""

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        taken = 0
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for record in self._wanted(page):
                    yield record
                    taken += 1
                    if taken == self._options.max_items:
                        return

    async def rows(self) -> AsyncGenerator[dict[str, Any], None]:
        """As `Walk.rows`."""
        async with aclosing(aiter(self)) as records:
            async for record in records:
                yield plain(record)

    async def pages(self) -> AsyncGenerator[PageOf[T], None]:
        """As `Walk.pages`."""
        course: Course[T] = Course(self._start, self._limit, self._options)
        async with aclosing(Tasks(self._begin, self._client._sleep, self._start, self._options.prefetch)) as ahead:
            while not course.ended:
                yield self._take(course, await ahead.get(course.number, course.horizon))
