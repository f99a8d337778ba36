"""One page of the list of clients, with each kind of metadata and each way to misbehave.

What `Switches.list_behaviour` does depends on the number of the page alone, so that walks are repeatable and may
ask for pages in any order:

- `ignores_page`: every page is page 1, and says so.
- `repeats_page`: page 2 has the records of page 1 again, the others follow one page later.
- `empty_page`: page 2 is empty and announces more, the others follow one page later.
- `empty_forever`: page 2 and all after it are empty and announce more.
- `shrinks`: before each page one record at the front has gone, so that one is missed, and `total` sinks.
- `grows`: before each page one record more is at the end, and `total` rises.
- `inserts`: before each page one record more is at the front, so that one comes twice, and `total` rises.
  All three stop after `MOST_CHANGES` pages, so that even pages of one record come to an end.
- `foreign_next`: the addresses of other pages are on another host.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from krebit_sandbox.companies import FIRST_ID, LIST_FIELDS, Companies
from krebit_sandbox.shapes import shaped
from krebit_sandbox.switches import Switches

FOREIGN: Final = "https://elsewhere.example"
MOST_CHANGES: Final = 3


def clients_page(
    companies: Companies, switches: Switches, base: str, page: int, limit: int, query: dict[str, str]
) -> dict[str, Any]:
    """Return the whole answer. `base` is the server's URL, `query` the other parameters of the request."""
    view = _View(switches, page, limit)
    records = [_essential(companies.client(FIRST_ID + index)) for index in view.indexes]
    origin = FOREIGN if switches.list_behaviour == "foreign_next" else base
    return _with_metadata(shaped(records, switches), view, switches, f"{origin}/api/1.0/clients", query)


class _View:
    """The list as the request for one page sees it."""

    def __init__(self, switches: Switches, page: int, limit: int) -> None:
        behaviour = switches.list_behaviour
        if behaviour == "ignores_page":
            page = 1
        self.page, self.limit = page, limit
        self.total = switches.clients
        extra_pages = 0
        changes = min(page - 1, MOST_CHANGES)
        start = (page - 1) * limit
        if behaviour in {"repeats_page", "empty_page"} and self.total:
            extra_pages = 1
            start -= limit if page > 1 else 0
        elif behaviour == "shrinks":
            self.total = max(0, self.total - changes)
            start += changes
        elif behaviour == "grows":
            self.total += changes
        elif behaviour == "inserts":
            self.total += changes
            start -= changes
        end = switches.clients + (changes if behaviour == "grows" else 0)
        self.indexes = range(min(start, end), min(start + limit, end))
        self.last_page = max(1, -(-self.total // limit)) + extra_pages
        if behaviour == "empty_page" and page == 2:
            self.indexes = range(0)
        elif behaviour == "empty_forever":
            self.indexes = self.indexes if page == 1 else range(0)
            self.last_page = max(self.last_page, page + 1)

    @property
    def first_and_last(self) -> tuple[int | None, int | None]:
        if not self.indexes:
            return None, None
        first = (self.page - 1) * self.limit + 1
        return first, first + len(self.indexes) - 1


def _essential(client: dict[str, Any]) -> dict[str, Any]:
    return {name: client[name] for name in LIST_FIELDS}


def _with_metadata(
    records: list[Any], view: _View, switches: Switches, path: str, query: dict[str, str]
) -> dict[str, Any]:
    def address(page: int) -> str:
        return f"{path}?{urlencode({**query, 'page': str(page)})}"

    first, last = view.first_and_last
    next_url = address(view.page + 1) if view.page < view.last_page else None
    previous_url = address(view.page - 1) if view.page > 1 else None
    links = {"first": address(1), "last": address(view.last_page), "prev": previous_url, "next": next_url}
    position = {"current_page": view.page, "from": first, "path": path, "per_page": view.limit, "to": last}
    match switches.metadata:
        case "none":
            return {"data": records}
        case "links":
            return {"data": records, "links": links}
        case "simple":
            return {"data": records, "links": {**links, "last": None}, "meta": position}
        case "meta":
            meta = {
                **position,
                "last_page": view.last_page,
                "links": _page_links(view, links, address),
                "total": view.total,
            }
            return {"data": records, "links": links, "meta": meta}
        case "flat":
            return {
                **position,
                "data": records,
                "first_page_url": links["first"],
                "last_page": view.last_page,
                "last_page_url": links["last"],
                "links": _page_links(view, links, address),
                "next_page_url": next_url,
                "prev_page_url": previous_url,
                "total": view.total,
            }


def _page_links(view: _View, links: dict[str, str | None], address: Any) -> list[dict[str, Any]]:
    around = range(max(1, view.page - 2), min(view.last_page, view.page + 2) + 1)
    numbered = [{"url": address(page), "label": str(page), "active": page == view.page} for page in around]
    return [
        {"url": links["prev"], "label": "&laquo; Previous", "active": False},
        *numbered,
        {"url": links["next"], "label": "Next &raquo;", "active": False},
    ]
