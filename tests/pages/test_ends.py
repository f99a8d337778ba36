"""Where a list ends: the page's size is no sign of it as long as the server says that there is more."""

from collections.abc import Callable
from typing import Any

import pytest

from krebit import ListDrift, ListDriftWarning, NotFound
from tests.pages.server import Answer, ListServer, records
from tests.pages.support import World, ids, walked

MakeServer = Callable[[Callable[[int], Any]], ListServer]
SEVEN = [1, 2, 3, 4, 5, 6, 7]


def two_of_seven(page: int) -> list[dict[str, Any]]:
    """Return the records of a page of a server that grants two a page, whatever it is asked for."""
    return records(*SEVEN[(page - 1) * 2 : page * 2])


METADATA: dict[str, dict[str, Any]] = {
    "total": {"total": 7},
    "total-text": {"total": "7"},
    "total-fraction": {"total": 7.0},
    "total-and-wrong-size": {"total": 7, "per_page": 100},
    "meta-total": {"meta": {"total": 7}},
    "meta-total-odd-last-page": {"meta": {"total": 7, "last_page": None}},
    "fractal": {"meta": {"pagination": {"total": 7, "per_page": 2, "total_pages": 4}}},
    "fractal-whole": {"meta": {"pagination": {"total": 7, "count": 2, "per_page": 2, "total_pages": 4, "links": []}}},
    "fractal-texts": {"meta": {"pagination": {"total": "7", "total_pages": "4"}}},
    "fractal-total": {"meta": {"pagination": {"total": 7}}},
    "fractal-pages": {"meta": {"pagination": {"total_pages": 4}}},
    "pagination-beside": {"pagination": {"total": 7, "per_page": 2}},
    "size": {"per_page": 2},
}


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
def test_a_server_that_grants_less_than_the_limit(
    list_server: MakeServer, world: World, metadata: dict[str, Any], prefetch: int
) -> None:
    server = list_server(lambda page: {"data": two_of_seven(page), **metadata})
    assert ids(walked(server, world, limit=100, prefetch=prefetch, on_drift="raise")) == SEVEN
    assert ids(walked(server, world, limit=100, page=3, prefetch=prefetch, on_drift="raise")) == [5, 6, 7]


@pytest.mark.parametrize("limit", [2, 100])
def test_no_page_is_asked_for_when_the_total_is_there(list_server: MakeServer, world: World, limit: int) -> None:
    server = list_server(lambda page: {"data": two_of_seven(page), "total": 7})
    walked(server, world, limit=limit)
    assert server.asked == [1, 2, 3, 4]


def test_an_empty_page_does_not_end_a_list_of_which_more_is_announced(list_server: MakeServer, world: World) -> None:
    pages = {1: records(1, 2), 2: [], 3: records(3)}
    server = list_server(lambda page: {"data": pages[page], "total": 3})
    assert ids(walked(server, world, limit=2, prefetch=2, on_drift="ignore")) == [1, 2, 3]


def test_a_total_that_is_never_reached_ends_and_is_drift(list_server: MakeServer, world: World) -> None:
    server = list_server(lambda page: {"data": two_of_seven(page), "total": 8})
    with pytest.warns(ListDriftWarning) as seen:
        assert ids(walked(server, world, limit=2)) == SEVEN
    assert "page 5 is empty" in str(seen[0].message)
    assert "given up at page 7" in str(seen[-1].message)
    assert max(server.asked) == 7
    with pytest.raises(ListDrift):
        walked(server, world, limit=2, on_drift="raise")


def absent_behind(pages: int, size: int, **metadata: Any) -> Callable[[int], Any]:
    """Return the script of a server that knows no page behind the last one."""

    def script(page: int) -> Any:
        if page > pages:
            return Answer({"message": "Not Found."}, status=404)
        return {"data": records(*range((page - 1) * size + 1, page * size + 1)), **metadata}

    return script


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize("pages", [1, 3])
@pytest.mark.parametrize("metadata", [{}, {"meta": {}}, {"meta": {"per_page": 2}}, {"links": {"prev": None}}])
def test_404_behind_a_full_last_page_is_the_end(
    list_server: MakeServer, world: World, metadata: dict[str, Any], pages: int, prefetch: int
) -> None:
    server = list_server(absent_behind(pages, 2, **metadata))
    found = walked(server, world, limit=2, prefetch=prefetch, on_drift="raise")
    assert ids(found) == list(range(1, pages * 2 + 1))


def test_404_behind_the_end_ends_the_pages_as_well(list_server: MakeServer, world: World) -> None:
    server = list_server(absent_behind(2, 2))
    numbers: list[int] = []
    walked(server, world, limit=2, seen=lambda page: numbers.append(page.number))
    assert numbers == [1, 2]


def test_404_behind_a_last_page_that_is_walked_alone_is_the_end(list_server: MakeServer, world: World) -> None:
    """The records before it are counted by its own length."""
    server = list_server(lambda page: {"data": records(7), "total": 7} if page == 4 else Answer({}, status=404))
    assert ids(walked(server, world, limit=2, page=4, on_drift="raise")) == [7]


@pytest.mark.parametrize("metadata", [{"last_page": 4}, {"links": {"next": "/?page=3"}}, {"total": 7}])
def test_404_for_a_page_that_was_announced_is_an_error(
    list_server: MakeServer, world: World, metadata: dict[str, Any]
) -> None:
    with pytest.raises(NotFound):
        walked(list_server(absent_behind(2, 2, **metadata)), world, limit=2, on_drift="ignore")


@pytest.mark.parametrize("page", [1, 3])
def test_404_for_the_first_page_is_an_error(list_server: MakeServer, world: World, page: int) -> None:
    with pytest.raises(NotFound):
        walked(list_server(absent_behind(0, 2)), world, limit=2, page=page)
