"""The course of a walk through a list: what each page adds, whether there is another, what changed meanwhile. No I/O.

Four kinds of metadata are known: `meta` with `links`, the same keys flat beside `data`, `links` alone, and none.
Where there are neither `last_page` nor `total`, a list that changes on the way cannot be told from one that does not;
only giving up is reported there.
"""

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from krebit.errors import ListDrift, PageBeyondEnd

T = TypeVar("T")
OnDrift = Literal["ignore", "warn", "raise"]
Progress = Callable[[int, int | None], None]

# Pages without a new record that are borne while more are announced: one may be a hiccup, many are a server that
# ignores `page`.
_BARREN = 3


class ListDriftWarning(UserWarning):
    """A list changed while it was walked, and `on_drift="warn"`."""


class Metadata(NamedTuple):
    """Where a page stands, as far as the server tells. `more` is None where only the page's length can tell."""

    per_page: int | None = None
    last_page: int | None = None
    total: int | None = None
    more: bool | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How to walk; see `Walk.options`."""

    max_items: int | None = None
    prefetch: int = 1
    on_drift: OnDrift = "warn"
    progress: Progress | None = None
    updated_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageOf(Generic[T]):
    """One page of a walk: its `number`, the `records` that no earlier page had, and what the server said of the
    list."""

    number: int
    records: list[T]
    last_page: int | None
    total: int | None


def metadata(content: Any, number: int) -> Metadata:
    """What a page's JSON says of the list; `number` is the page that was asked for."""
    whole = content if isinstance(content, Mapping) else {}
    source = whole["meta"] if isinstance(whole.get("meta"), Mapping) else whole
    per_page, last_page, total = (_count(source.get(name)) for name in ("per_page", "last_page", "total"))
    if last_page is not None:
        return Metadata(per_page, last_page, total, number < last_page)
    places = ((whole.get("links"), "next"), (source, "next_page_url"))
    # Only whether there is one counts: its address is never followed, it may lead elsewhere.
    following = [place[name] for place, name in places if isinstance(place, Mapping) and name in place]
    return Metadata(per_page, last_page, total, any(following) if following else None)


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def identity(record: Any) -> Any:
    """What tells a record from others: its `id`, else its `uuid`, else nothing does."""
    values = (getattr(record, name, None) for name in ("id", "uuid"))
    return next((value for value in values if isinstance(value, int | str) or type(value).__name__ == "UUID"), None)


class Course(Generic[T]):
    """Takes the pages of one walk, in order: `number` is the next one, `count` the records so far."""

    def __init__(self, start: int, limit: int | None, options: Options) -> None:
        self._start = self.number = start
        self._limit = limit
        self._options = options
        self._seen: dict[type, set[Any]] = {}
        self._previous: list[T] = []
        self._first = self._last = Metadata()
        self._barren = 0
        self._drifted = False
        self.count = 0
        self.ended = options.max_items == 0
        # Of records that are filtered afterwards nobody knows how many pages they take.
        self._enough = options.max_items if options.updated_since is None else None

    def take(self, content: Any, records: list[T]) -> PageOf[T]:
        """The page without what earlier ones had. Sets `ended`. Raises PageBeyondEnd, and ListDrift if asked to."""
        number = self.number
        found = metadata(content, number)
        # The tenant may grant less than was asked for, or tell of another size than it sends.
        size = min(filter(None, (found.per_page, self._limit)), default=None)
        more = found.more if found.more is not None else bool(records) and (size is None or len(records) >= size)
        if number == self._start:
            if number > 1 and not more and (not records or number > (found.last_page or number)):
                raise PageBeyondEnd(number, found.last_page)
            self._first = found
        new = self._new(records)
        self.count += len(new)
        self._barren = 0 if new else self._barren + 1
        self.ended = not more or self._barren >= _BARREN
        self._watch(found, repeated=len(records) - len(new), empty=not records, more=more)
        self.ended = self.ended or (self._enough is not None and self.count >= self._enough)
        self._last = found
        self.number += 1
        return PageOf(number, new, found.last_page, found.total)

    @property
    def horizon(self) -> int | None:
        """The last page that is worth asking for now, or None where it is not known."""
        ends = [self._last.last_page] if self._last.last_page is not None else []
        size = self._first.per_page or self._limit
        if self._enough is not None and size:
            ends.append(self._start + (self._enough - 1) // size)
        return min(ends, default=None)

    def _new(self, records: list[T]) -> list[T]:
        # Of records without an identity only a whole page can be known again.
        known = records == self._previous
        self._previous = records
        new = []
        for record in [] if known else records:
            key = identity(record)
            seen = self._seen.setdefault(type(record), set())
            if key is None or key not in seen:
                new.append(record)
                seen.add(key)
        return new

    def _watch(self, found: Metadata, *, repeated: int, empty: bool, more: bool) -> None:
        before, after = (self._first.total, self._first.last_page), (found.total, found.last_page)
        whole = self.ended and self._start == 1 and found.total is not None
        signs = {
            f"its size changed (records and pages: {before} → {after})": any(
                None not in pair and pair[0] != pair[1] for pair in zip(before, after, strict=True)
            ),
            f"page {self.number} repeats {repeated} records of earlier pages": repeated > 0,
            f"page {self.number} is empty, and more are announced": empty and more,
            f"{self.count} records came of the {found.total} announced": whole and self.count != found.total,
        }
        # One report is enough, and where the server tells nothing there is nothing to compare.
        watched = not self._drifted and after != (None, None)
        what = next((what for what, seen in signs.items() if seen and watched), None)
        if more and self.ended:
            what = f"the walk was given up at page {self.number}: more are announced, {_BARREN} had nothing new"
        if what is None:
            return
        self._drifted = True
        text = f"the list changed while it was walked: {what}; records may be missing"
        if self._options.on_drift == "raise":
            raise ListDrift(text)
        if self._options.on_drift == "warn":
            warnings.warn(text, ListDriftWarning, stacklevel=_outside())


def _outside() -> int:
    """How far up the stack, seen from our caller, the user's own line is."""
    level, frame = 1, sys._getframe(1)
    while frame.f_globals.get("__package__") == __package__ and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level
