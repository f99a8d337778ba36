"""The pages of one walk, in order: their new records, the end of the list, and signs of a change. No I/O.

A change is found by comparing `last_page` and `total`. A list without both can only be given up.
"""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from krebit.errors import ListDrift, PageBeyondEnd
from krebit.pagination.metadata import PageMetadata, read_metadata

T = TypeVar("T")
OnDrift = Literal["ignore", "warn", "raise"]
Progress = Callable[[int, int | None], object]

# Pages in a row without a new record while more are announced. One may be a hiccup; many are a server that ignores
# `page`.
_MOST_BARREN_PAGES = 3


class ListDriftWarning(UserWarning):
    """A list changed while it was walked, and `on_drift="warn"`."""


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """How to walk; see `Walk.options`."""

    max_items: int | None = None
    prefetch: int = 1
    on_drift: OnDrift = "warn"
    progress: Progress | None = None
    updated_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a walk: its `number`, the `records` that no earlier page had, and the server's count of the list."""

    number: int
    records: list[T]
    last_page: int | None
    total: int | None


class PageSequence(Generic[T]):
    """Takes the pages of one walk, in order.

    `number` is the next page, `count` the number of records so far, `ended` whether the walk is over. `is_guess` says
    that the next page is expected, but not announced: if it does not exist, the list has ended.
    """

    def __init__(self, start: int, limit: int | None, options: WalkOptions) -> None:
        self._start = start
        self._limit = limit
        self._options = options
        self._seen: dict[type, set[Any]] = {}
        self._previous: list[T] = []
        self._first = PageMetadata()
        self._last = PageMetadata()
        self._first_length = 0
        self._barren_pages = 0
        self._reported = False
        self.number = start
        self.count = 0
        self.ended = options.max_items == 0
        self.is_guess = False
        # A filter drops records afterwards, so that the number of pages needed is unknown.
        self._enough = options.max_items if options.updated_since is None else None

    def take(self, content: Any, records: list[T]) -> Page[T]:
        """Return the page without the records of earlier ones, and set `ended`.

        Raises PageBeyondEnd, and ListDrift if asked to.
        """
        metadata = read_metadata(content)
        if self.number == self._start:
            self._first = metadata
            self._first_length = len(records)
        new = self._new(records)
        self.count += len(new)
        more = self._expects_more(metadata, records)
        if self.number == self._start:
            self._check_start(metadata, records, more)
        self._barren_pages = 0 if new else self._barren_pages + 1
        gave_up = more and self._barren_pages >= _MOST_BARREN_PAGES
        self.ended = gave_up or not more
        change = self._change(metadata, records, new, more=more, gave_up=gave_up)
        # One change is reported, and always the reason why a walk ends early.
        if change is not None and (gave_up or not self._reported):
            self._report(change)
        if self._enough is not None and self.count >= self._enough:
            self.ended = True
        page = Page(self.number, new, metadata.last_page, metadata.total)
        self._last = metadata
        self.number += 1
        return page

    def end(self) -> None:
        """End the walk: the next page turned out not to exist."""
        self.ended = True

    @property
    def last_useful_page(self) -> int | None:
        """The last page that is worth asking for now, or None where it is not known."""
        ends = []
        if self._last.last_page is not None:
            ends.append(self._last.last_page)
        page_size = self._first.per_page or self._limit
        if self._enough is not None and page_size:
            ends.append(self._start + (self._enough - 1) // page_size)
        return min(ends, default=None)

    def _expects_more(self, metadata: PageMetadata, records: list[T]) -> bool:
        """Return whether there is another page, by the most reliable metadata that the server sent."""
        self.is_guess = False
        if metadata.last_page is not None:
            return self.number < metadata.last_page
        if metadata.has_next is not None:
            return metadata.has_next
        if metadata.total is not None and self._start == 1:
            return self.count < metadata.total
        if metadata.total is not None:
            # The records before the start were not seen: their number is estimated.
            before = (self._start - 1) * self._first_length
            self.is_guess = bool(records) and before + self.count < metadata.total
            return self.is_guess
        # The tenant may grant fewer records than the limit, or announce another size than it sends.
        sizes = [size for size in (metadata.per_page, self._limit) if size]
        self.is_guess = bool(records) and (not sizes or len(records) >= min(sizes))
        return self.is_guess

    def _check_start(self, metadata: PageMetadata, records: list[T], more: bool) -> None:
        if self._start == 1 or more:
            return
        if not records or self._start > (metadata.last_page or self._start):
            raise PageBeyondEnd(self._start, metadata.last_page)

    def _new(self, records: list[T]) -> list[T]:
        """Return the records that no earlier page had. Records without an identity are compared as a whole page."""
        is_repeated_page = records == self._previous
        self._previous = records
        if is_repeated_page:
            return []
        new = []
        for record in records:
            key = identity(record)
            seen = self._seen.setdefault(type(record), set())
            if key is None or key not in seen:
                new.append(record)
                seen.add(key)
        return new

    def _change(
        self, metadata: PageMetadata, records: list[T], new: list[T], *, more: bool, gave_up: bool
    ) -> str | None:
        """Return a sign that the list changed on the way, or None."""
        if gave_up:
            return (
                f"the walk was given up at page {self.number}: more are announced, but {_MOST_BARREN_PAGES} pages had "
                "nothing new"
            )
        if metadata.total is None and metadata.last_page is None:
            return None  # there is nothing to compare with
        before = self._first.total, self._first.last_page
        after = metadata.total, metadata.last_page
        if any(None not in (old, now) and old != now for old, now in zip(before, after, strict=True)):
            return f"its size changed (records and pages: {before} → {after})"
        if repeated := len(records) - len(new):
            return f"page {self.number} repeats {repeated} records of earlier pages"
        if not records and more:
            return f"page {self.number} is empty, and more are announced"
        is_whole = self.ended and self._start == 1
        if is_whole and metadata.total is not None and self.count != metadata.total:
            return f"{self.count} records came of the {metadata.total} announced"
        return None

    def _report(self, change: str) -> None:
        self._reported = True
        text = f"the list changed while it was walked: {change}; records may be missing"
        if self._options.on_drift == "raise":
            raise ListDrift(text)
        if self._options.on_drift == "warn":
            warnings.warn(text, ListDriftWarning, stacklevel=_frames_to_user())


def identity(record: Any) -> Any:
    """Return the identity of a record: its `id`, else its `uuid`, else None."""
    for name in ("id", "uuid"):
        value = getattr(record, name, None)
        if isinstance(value, int | str) or type(value).__name__ == "UUID":
            return value
    return None


def _frames_to_user() -> int:
    """Return the `stacklevel` of a warning by our caller that shows the user's own line."""
    level = 0
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__package__") == __package__:
        level += 1
        frame = frame.f_back
    return level
