"""Read a page's metadata in any of the known forms. No I/O.

Known forms: Laravel's `meta` with `links`, the same keys flat beside `data`, `links` alone, fractal's
`meta.pagination`, and no metadata. A value in another form counts as missing: metadata never block the records.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

# No list has more records. A longer number would only take long to read.
_MOST = 10**15
_LAST_PAGE = ("last_page", "total_pages")
_NEXT = ("next", "next_page_url")


class PageMetadata(NamedTuple):
    """Where a page stands in its list, as far as the server says. `has_next` tells whether it names a next page."""

    per_page: int | None = None
    last_page: int | None = None
    total: int | None = None
    has_next: bool | None = None


def read_metadata(content: Any) -> PageMetadata:
    """Return the metadata in a page's JSON."""
    places = list(_places(content))
    return PageMetadata(
        per_page=_first_count(places, ("per_page",)),
        last_page=_first_count(places, _LAST_PAGE),
        total=_first_count(places, ("total",)),
        has_next=_has_next(places),
    )


def _places(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield each object that metadata may stand in, the most specific first."""
    if not isinstance(content, Mapping):
        return
    meta = content.get("meta")
    candidates = [meta, content]
    if isinstance(meta, Mapping):
        candidates.insert(0, meta.get("pagination"))
    candidates.append(content.get("pagination"))
    for place in candidates:
        if isinstance(place, Mapping):
            yield place
            if isinstance(links := place.get("links"), Mapping):
                yield links


def _first_count(places: list[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    counts = (_count(place.get(name)) for place in places for name in names)
    return next((count for count in counts if count is not None), None)


def _has_next(places: list[Mapping[str, Any]]) -> bool | None:
    """Return whether a next page is named. Its address is never followed: it may lead elsewhere."""
    named = [place[name] for place in places for name in _NEXT if name in place]
    return any(named) if named else None


def _count(value: Any) -> int | None:
    """Return a count from a number or its text, or None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return int(value) if 0 <= value < _MOST and value == int(value) else None
    return None
