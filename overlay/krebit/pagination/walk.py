"""Walk through a paginated list: every record once, in order, with pages fetched ahead where that is asked for."""

import inspect
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, Self, TypeVar, overload

from krebit.bound_operation import client_of, on_view
from krebit.client import AsyncKrebit, Krebit
from krebit.errors import ConfigurationError, NotFound
from krebit.pagination.ahead import TaskCalls, ThreadedCalls
from krebit.pagination.schedule import Schedule
from krebit.pagination.sequence import OnDrift, Page, PageSequence, Progress, WalkOptions
from krebit.raw_response import RawResponse
from krebit_api.types import Unset, parse_time, plain

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ListAnswer(Protocol[T_co]):
    """The result of an operation that returns a list."""

    @property
    def data(self) -> Sequence[T_co] | Unset | None: ...


class _FetchedPage(NamedTuple):
    """A page: the operation's result, and the JSON that it was read from."""

    result: Any
    content: Any


@overload
def paginate(operation: Callable[P, Awaitable[ListAnswer[T]]], *args: P.args, **kwargs: P.kwargs) -> "AsyncWalk[T]": ...
@overload
def paginate(operation: Callable[P, ListAnswer[T]], *args: P.args, **kwargs: P.kwargs) -> "Walk[T]": ...
def paginate(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Walk through a list: `for client in paginate(api.list_clients, limit=100)`, or `async for` with an AsyncKrebit.

    Takes an operation of a client and its arguments. `page=` is where the walk starts (default 1). Nothing is sent
    before the iteration begins. The iteration raises the errors of the operation, PageBeyondEnd if it starts behind the
    last page, and ListDrift with `on_drift="raise"`. Raises ConfigurationError for an operation that has no pages.
    """
    if isinstance(getattr(operation, "__self__", None), AsyncKrebit):
        return AsyncWalk(operation, args, kwargs, WalkOptions())
    client_of(operation, Krebit)  # raises for anything but an operation
    return Walk(operation, args, kwargs, WalkOptions())


class _Walk(Generic[T]):
    """An operation with its arguments, to be called for one page after the other."""

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], options: WalkOptions) -> None:
        self._operation = operation
        self._signature = inspect.signature(operation)
        self._args = args
        self._kwargs = kwargs
        self._options = options
        if "page" not in self._signature.parameters:
            raise ConfigurationError(f"operation: {operation.__name__} has no pages; call it without paginate")
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{operation.__name__}() {error}") from None
        bound.apply_defaults()
        start, limit = bound.arguments["page"], bound.arguments.get("limit")
        self._start = 1 if start is None or isinstance(start, Unset) else start
        self._limit = limit if isinstance(limit, int) else None
        if not _is_whole(self._start, 1):
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
        """Return the same walk with other options.

        - `max_items`: stop after so many records.
        - `prefetch`: the most calls under way at the same time, 1 to 64. The value 1 fetches no page ahead. Up to
          half as many pages wait to be read. The order stays.
        - `on_drift`: what to do when the list changes on the way: "ignore", "warn" (ListDriftWarning) or "raise"
          (ListDrift). A change is only found if the server sends `total` or `last_page`.
        - `progress`: called after each page with the number of records so far and the total, or None if it is unknown.
        - `updated_since`: only records with an `updated_at` at or after it (no zone: UTC). Every page is still fetched,
          and records without `updated_at` pass. A new act does not change its client's `updated_at`.

        Raises ConfigurationError.
        """
        problems = []
        if max_items is not None and not _is_whole(max_items, 0):
            problems.append("max_items: must be 0 or more")
        if prefetch is not None and not _is_whole(prefetch, 1, 64):
            problems.append("prefetch: must be 1 to 64")
        if on_drift not in (None, "ignore", "warn", "raise"):
            problems.append('on_drift: must be "ignore", "warn" or "raise"')
        if not _is_function_or_none(progress):
            problems.append("progress: must be a function")
        if problems:
            raise ConfigurationError(*problems)
        changes: dict[str, Any] = {
            "max_items": max_items,
            "prefetch": prefetch,
            "on_drift": on_drift,
            "progress": progress,
            "updated_since": None if updated_since is None else _parse_since(updated_since),
        }
        given = {name: value for name, value in changes.items() if value is not None}
        return type(self)(self._operation, self._args, self._kwargs, replace(self._options, **given))

    def _arguments(self, number: int) -> inspect.BoundArguments:
        """Return the operation's arguments for one page. The page may stand anywhere among them."""
        bound = self._signature.bind(*self._args, **self._kwargs)
        bound.arguments["page"] = number
        return bound

    def _take(self, sequence: PageSequence[T], fetched: _FetchedPage) -> Page[T]:
        if not hasattr(fetched.result, "data"):
            raise ConfigurationError(f"operation: the result of {self._operation.__name__} has no `data`")
        page = sequence.take(fetched.content, list(fetched.result.data or ()))
        if self._options.progress is not None:
            self._options.progress(sequence.count, page.total)
        return page

    def _wanted(self, page: Page[T]) -> list[T]:
        since = self._options.updated_since
        if since is None:
            return page.records
        return [record for record in page.records if _is_since(record, since)]


class Walk(_Walk[T]):
    """Iterate over it for the records, over `.pages()` for whole pages, over `.rows()` for plain dictionaries.

    Each iteration begins again from the start. After you leave an iteration early, it asks for no further page.
    """

    def __iter__(self) -> Generator[T, None, None]:
        with closing(self.pages()) as pages:
            yield from islice(chain.from_iterable(map(self._wanted, pages)), self._options.max_items)

    def rows(self) -> Generator[dict[str, Any], None, None]:
        """Yield the records as dictionaries for a data frame. A missing value is None."""
        with closing(iter(self)) as records:
            yield from map(plain, records)

    def pages(self) -> Generator[Page[T], None, None]:
        """Yield whole pages with their metadata, up to the one in which `max_items` is reached.

        `updated_since` has no effect here. A record that an earlier page had is dropped.
        """
        sequence: PageSequence[T] = PageSequence(self._start, self._limit, self._options)
        left = threading.Event()
        schedule = Schedule(self._options.prefetch, first=self._start)
        pending = ThreadedCalls(schedule, lambda number: self._fetch(number, schedule, left))
        with closing(pending):
            try:
                while not sequence.ended:
                    try:
                        fetched = pending.get(sequence.number, sequence.last_useful_page)
                    except NotFound:
                        if not sequence.is_guess:
                            raise
                        sequence.end()
                        return
                    yield self._take(sequence, fetched)
                    del fetched
            finally:
                left.set()

    def _fetch(self, number: int, schedule: Schedule, left: threading.Event) -> _FetchedPage:
        responses: list[RawResponse[Any]] = []
        client = client_of(self._operation, Krebit).with_options(wait_for_limits=False)
        view = client.with_hooks(on_response=responses.append, keep_trying=lambda: not left.is_set())
        arguments = self._arguments(number)
        result = on_view(self._operation, view)(*arguments.args, **arguments.kwargs)
        schedule.note_headers(responses[-1].headers)
        return _FetchedPage(result, responses[-1].content)


class AsyncWalk(_Walk[T]):
    """Iterate over it as over a `Walk`, with `async for`.

    Leaving an iteration early cancels the requests under way: a little later after a `break`, or at once with
    `async with contextlib.aclosing(aiter(walk)) as records`.
    """

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
        """Do the same as `Walk.rows`."""
        async with aclosing(aiter(self)) as records:
            async for record in records:
                yield plain(record)

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Do the same as `Walk.pages`."""
        sequence: PageSequence[T] = PageSequence(self._start, self._limit, self._options)
        schedule = Schedule(self._options.prefetch, first=self._start)
        pending = TaskCalls(schedule, lambda number: self._fetch(number, schedule))
        async with aclosing(pending):
            while not sequence.ended:
                try:
                    fetched = await pending.get(sequence.number, sequence.last_useful_page)
                except NotFound:
                    if not sequence.is_guess:
                        raise
                    sequence.end()
                    return
                yield self._take(sequence, fetched)
                del fetched

    async def _fetch(self, number: int, schedule: Schedule) -> _FetchedPage:
        responses: list[RawResponse[Any]] = []
        client = client_of(self._operation, AsyncKrebit).with_options(wait_for_limits=False)
        view = client.with_hooks(on_response=responses.append)
        arguments = self._arguments(number)
        result = await on_view(self._operation, view)(*arguments.args, **arguments.kwargs)
        schedule.note_headers(responses[-1].headers)
        return _FetchedPage(result, responses[-1].content)


def _is_whole(value: Any, least: int, most: float = float("inf")) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_function_or_none(value: Any) -> bool:
    return value is None or callable(value)


def _parse_since(given: Any) -> datetime:
    if not isinstance(given, str | date):
        raise ConfigurationError("updated_since: must be a text, a date or a datetime")
    try:
        return _with_zone(parse_time(given))
    except ValueError as error:
        raise ConfigurationError(f"updated_since: {error}; write it as 2024-05-01 or 2024-05-01T08:00:00Z") from None


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_since(record: Any, since: datetime) -> bool:
    updated = getattr(record, "updated_at", None)
    return not isinstance(updated, datetime) or _with_zone(updated) >= since
