"""Where a walk starts and stops, what it tells on the way, and what it refuses."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from krebit import AsyncWalk, ConfigurationError, PageBeyondEnd, Walk, paginate
from krebit_api.types import UNSET
from krebit_sandbox import Sandbox
from tests.pages.server import ListServer, record, records
from tests.pages.support import World, asynchronous, blocking, ids, pages_asked, walked

SHAPES = ("meta", "simple", "flat", "links", "none")
FIRST = 12345
MakeServer = Callable[[Callable[[int], Any]], ListServer]


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize("metadata", SHAPES)
@pytest.mark.parametrize(("most", "pages"), [(0, 0), (1, 1), (9, 1), (10, 1), (11, 2), (57, 6), (1000, 6)])
def test_a_walk_stops_after_so_many_records(
    sandbox: Sandbox, world: World, metadata: str, most: int, pages: int, prefetch: int
) -> None:
    sandbox.switch(metadata=metadata, clients=57)
    found = ids(walked(sandbox, world, limit=10, max_items=most, prefetch=prefetch, on_drift="raise"))
    assert found == list(range(FIRST, FIRST + min(most, 57)))
    if most <= 57:
        assert len(pages_asked(sandbox)) == pages  # and nothing was looked at ahead in vain


def test_whole_pages_end_with_the_one_that_reaches_the_number(sandbox: Sandbox, world: World) -> None:
    sizes: list[int] = []
    walked(sandbox, world, limit=10, max_items=15, seen=lambda page: sizes.append(len(page.records)))
    assert sizes == [10, 10]


def test_no_page_is_asked_for_where_none_is_wanted(sandbox: Sandbox, world: World) -> None:
    assert walked(sandbox, world, max_items=0, seen=lambda page: pytest.fail("a page")) == []
    assert pages_asked(sandbox) == []


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize("metadata", SHAPES)
def test_a_walk_can_start_at_a_page(sandbox: Sandbox, world: World, metadata: str, prefetch: int) -> None:
    sandbox.switch(metadata=metadata, clients=57)
    found = ids(walked(sandbox, world, limit=10, page=4, prefetch=prefetch, on_drift="raise"))
    assert found == list(range(FIRST + 30, FIRST + 57))
    assert min(pages_asked(sandbox)) == 4


@pytest.mark.parametrize("metadata", SHAPES)
def test_starting_beyond_the_end_is_an_error(sandbox: Sandbox, world: World, metadata: str) -> None:
    sandbox.switch(metadata=metadata, clients=57)
    with pytest.raises(PageBeyondEnd, match="page 7 is beyond the end") as caught:
        walked(sandbox, world, limit=10, page=7)
    assert caught.value.page == 7
    assert caught.value.last_page == (6 if metadata in ("meta", "flat") else None)


def test_a_start_that_the_server_takes_for_the_first_page_is_an_error_too(
    list_server: MakeServer, world: World
) -> None:
    server = list_server(lambda page: {"data": records(1, 2), "meta": {"current_page": 1, "last_page": 5}})
    with pytest.raises(PageBeyondEnd, match="the last page is 5"):
        walked(server, world, limit=2, page=10**30)


def test_a_start_at_an_empty_page_with_more_behind_goes_on(list_server: MakeServer, world: World) -> None:
    server = list_server(lambda page: {"data": [] if page == 2 else records(page), "meta": {"last_page": 3}})
    assert ids(walked(server, world, limit=1, page=2, on_drift="ignore")) == [3]


def test_progress_tells_records_and_total(sandbox: Sandbox, world: World) -> None:
    sandbox.switch(clients=25)
    told: list[tuple[int, int | None]] = []
    walked(sandbox, world, limit=10, prefetch=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(10, 25), (20, 25), (25, 25)]


def test_progress_tells_no_total_where_there_is_none(sandbox: Sandbox, world: World) -> None:
    sandbox.switch(clients=25, metadata="links")
    told: list[tuple[int, int | None]] = []
    walked(sandbox, world, limit=10, progress=lambda done, total: told.append((done, total)))
    assert told == [(10, None), (20, None), (25, None)]


def changed(number: int, when: str | None) -> dict[str, Any]:
    return record(number) | {"updated_at": when}


@pytest.mark.parametrize(
    "since",
    [
        "2024-05-01",
        "1 May 2024",
        date(2024, 5, 1),
        datetime(2024, 5, 1, tzinfo=UTC),
        datetime(2024, 5, 1),  # noqa: DTZ001 - no zone means UTC
        "2024-05-01T02:00:00+02:00",
    ],
)
def test_only_what_was_updated_since(list_server: MakeServer, world: World, since: "str | date | datetime") -> None:
    pages = {
        1: [changed(1, "2024-04-30T23:59:59Z"), changed(2, "2024-05-01T00:00:00Z")],
        2: [changed(3, "2024-05-01 00:00:00"), changed(4, "2024-04-30 23:59:59")],
        3: [changed(5, None), record(6), changed(7, "2024-05-01T01:59:59+02:00")],
    }
    server = list_server(lambda page: {"data": pages[page], "meta": {"last_page": 3, "total": 7}})
    assert ids(walked(server, world, limit=3, updated_since=since, on_drift="raise")) == [2, 3, 5, 6]
    assert server.asked == [1, 2, 3]
    assert all(set(query) == {"limit", "page"} for query in server.queries)


def test_so_many_of_what_was_updated_since(list_server: MakeServer, world: World) -> None:
    def script(page: int) -> dict[str, Any]:
        when = "2024-06-01T00:00:00Z" if page % 3 == 0 else "2024-01-01T00:00:00Z"
        return {"data": [changed(page, when)], "meta": {"last_page": 20}}

    found = walked(list_server(script), world, limit=1, updated_since="2024-05-01", max_items=2, prefetch=2)
    assert ids(found) == [3, 6]


def test_each_iteration_walks_anew(sandbox: Sandbox) -> None:
    with blocking(sandbox) as api:
        walk = paginate(api.list_clients, limit=100)
        assert len(list(walk)) == len(list(walk)) == 57
        assert len(list(walk.options(max_items=3))) == 3
        assert len(list(walk)) == 57  # options make another walk


def test_nothing_is_sent_before_the_iteration_begins(sandbox: Sandbox) -> None:
    with blocking(sandbox) as api:
        walk = paginate(api.list_clients).options(prefetch=16)
        iterators = [iter(walk), walk.pages(), walk.rows()]
        assert pages_asked(sandbox) == [], iterators
        assert repr(walk) == "<Walk of list_clients from page 1>"


def test_the_walk_is_of_the_clients_kind(sandbox: Sandbox) -> None:
    with blocking(sandbox) as api:
        assert isinstance(paginate(api.list_clients), Walk)
        assert isinstance(paginate(api.list_clients, page=UNSET), Walk)
    assert isinstance(paginate(asynchronous(sandbox).list_clients), AsyncWalk)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_items": -1}, "max_items: must be 0 or more"),
        ({"prefetch": 0}, "prefetch: must be 1 to 64"),
        ({"prefetch": 65}, "prefetch: must be 1 to 64"),
        ({"on_drift": "shout"}, 'on_drift: must be "ignore", "warn" or "raise"'),
        ({"updated_since": "yesterday"}, "updated_since: .* not a .*; write it as 2024-05-01 or "),
        ({"updated_since": 5}, "updated_since: must be a text, a date or a datetime"),
        ({"updated_since": ""}, "updated_since: .* not a"),
        ({"max_items": "5"}, "max_items: must be 0 or more"),
        ({"max_items": 1.5}, "max_items: must be 0 or more"),
        ({"prefetch": 2.5}, "prefetch: must be 1 to 64"),
        ({"prefetch": "4"}, "prefetch: must be 1 to 64"),
        ({"progress": 5}, "progress: must be a function"),
        ({"max_items": -1, "prefetch": 0}, "max_items: must be 0 or more; prefetch: must be 1 to 64"),
    ],
)
def test_an_option_without_sense_is_refused(sandbox: Sandbox, options: dict[str, Any], message: str) -> None:
    with blocking(sandbox) as api:
        walk = paginate(api.list_clients)
        with pytest.raises(ConfigurationError, match=message):
            walk.options(**options)


def test_what_is_no_list_operation_is_refused(sandbox: Sandbox) -> None:
    with blocking(sandbox) as api:
        for page in (0, -1, "2", 1.5, True):
            with pytest.raises(ConfigurationError, match="page: must be a whole number, 1 or more"):
                paginate(api.list_clients, page=page)  # type: ignore[call-overload]
        with pytest.raises(ConfigurationError, match="get_client has no pages"):
            paginate(api.get_client, 1)  # type: ignore[call-overload]
        with pytest.raises(ConfigurationError, match="must be a method of a client"):
            paginate(lambda page=1: api.list_clients(page=page))  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="limt"):
            paginate(api.list_clients, limt=5)  # type: ignore[call-overload]
        assert pages_asked(sandbox) == []


def test_the_walk_takes_the_settings_of_the_view_it_is_made_from(sandbox: Sandbox) -> None:
    with blocking(sandbox) as api:
        view = api.with_options(headers={"X-Reason": "nightly"})
        assert len(list(paginate(view.list_clients, limit=100).options(prefetch=2))) == 57
    lists = [request for request in sandbox.requests if request.path.endswith("/clients") and request.status == 200]
    assert [request.headers["x-reason"] for request in lists] == ["nightly"]


def test_a_calls_deadline_is_for_one_page_not_for_the_walk(sandbox: Sandbox, world: World) -> None:
    sandbox.switch(clients=30, latency=0.1)
    assert len(walked(sandbox, world, limit=1, client={"timeout": 2.9})) == 30  # thirty pages take 3 s at least
