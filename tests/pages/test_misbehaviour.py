"""Lists that do not behave: no loop, no record twice, nothing followed elsewhere, and drift told as asked."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from krebit import ListDrift, ListDriftWarning
from krebit_sandbox import Sandbox
from tests.pages.server import ListServer, records
from tests.pages.support import World, ids, pages_asked, walked

SHAPES = ("meta", "simple", "flat", "links", "none")
TELLING = ("meta", "flat")
FIRST = 12345
HONEST = list(range(FIRST, FIRST + 57))

# What a walk of 57 records by 10 brings. Of those where `None` stands the metadata decide.
EXPECTED = {
    "ignores_page": HONEST[:10],
    "repeats_page": HONEST,
    "empty_page": None,
    "empty_forever": HONEST[:10],
    "shrinks": [*HONEST[:10], *HONEST[11:21], *HONEST[22:32], *HONEST[33:]],
    "grows": [*HONEST, *range(FIRST + 57, FIRST + 60)],
    "inserts": HONEST,
    "foreign_next": HONEST,
}
DRIFTS = {name for name in EXPECTED if name != "foreign_next"}


@pytest.mark.parametrize("prefetch", [1, 4, 16])
@pytest.mark.parametrize("metadata", SHAPES)
@pytest.mark.parametrize("behaviour", EXPECTED)
def test_a_walk_ends_and_brings_no_record_twice(
    sandbox: Sandbox, world: World, behaviour: str, metadata: str, prefetch: int
) -> None:
    sandbox.switch(list_behaviour=behaviour, metadata=metadata, clients=57)
    found = ids(walked(sandbox, world, limit=10, prefetch=prefetch, on_drift="ignore"))
    expected = EXPECTED[behaviour]
    if expected is None:
        # An empty page is the end where nothing else tells.
        expected = HONEST[:10] if metadata == "none" else HONEST
    assert found == expected
    assert all(request.headers["host"] == sandbox.domain for request in sandbox.requests)


@pytest.mark.parametrize("metadata", TELLING)
@pytest.mark.parametrize("behaviour", sorted(DRIFTS))
def test_drift_warns_at_the_line_of_the_loop(sandbox: Sandbox, world: World, behaviour: str, metadata: str) -> None:
    sandbox.switch(list_behaviour=behaviour, metadata=metadata, clients=57)
    with pytest.warns(ListDriftWarning, match="changed while it was walked") as seen:
        walked(sandbox, world, limit=10)
    assert seen[0].filename.endswith("support.py")


@pytest.mark.parametrize("prefetch", [1, 4, 16])
@pytest.mark.parametrize("metadata", TELLING)
@pytest.mark.parametrize("behaviour", sorted(DRIFTS))
def test_drift_raises_if_asked_to(sandbox: Sandbox, world: World, behaviour: str, metadata: str, prefetch: int) -> None:
    sandbox.switch(list_behaviour=behaviour, metadata=metadata, clients=57)
    with pytest.raises(ListDrift, match="records may be missing"):
        walked(sandbox, world, limit=10, prefetch=prefetch, on_drift="raise")


@pytest.mark.parametrize("metadata", SHAPES)
@pytest.mark.parametrize("behaviour", ["honest", "foreign_next"])
def test_a_list_that_does_not_change_is_no_drift(sandbox: Sandbox, world: World, behaviour: str, metadata: str) -> None:
    sandbox.switch(list_behaviour=behaviour, metadata=metadata, clients=57)
    assert ids(walked(sandbox, world, limit=10, prefetch=4, on_drift="raise")) == HONEST


@pytest.mark.parametrize("metadata", ["simple", "links", "none"])
@pytest.mark.parametrize("behaviour", ["repeats_page", "shrinks", "grows", "inserts"])
def test_without_total_and_last_page_drift_is_invisible(
    sandbox: Sandbox, world: World, behaviour: str, metadata: str
) -> None:
    sandbox.switch(list_behaviour=behaviour, metadata=metadata, clients=57)
    assert ids(walked(sandbox, world, limit=10, on_drift="raise")) == EXPECTED[behaviour]


@pytest.mark.parametrize("metadata", SHAPES)
def test_giving_up_is_told_whatever_the_metadata(sandbox: Sandbox, world: World, metadata: str) -> None:
    sandbox.switch(list_behaviour="ignores_page", metadata=metadata, clients=57)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        walked(sandbox, world, limit=10)
    assert "given up at page 4" in str(seen[-1].message)
    assert pages_asked(sandbox) == [1, 2, 3, 4]


MakeServer = Callable[[Callable[[int], Any]], ListServer]


def test_a_last_page_that_sinks_ends_the_walk_there(list_server: MakeServer, world: World) -> None:
    server = list_server(
        lambda page: {"data": records(page), "meta": {"last_page": 9 if page < 4 else 4, "per_page": 1}}
    )
    assert ids(walked(server, world, limit=1, prefetch=3, on_drift="ignore")) == [1, 2, 3, 4]


def test_a_last_page_that_rises_is_followed(list_server: MakeServer, world: World) -> None:
    server = list_server(lambda page: {"data": records(page), "meta": {"last_page": min(6, page + 1), "per_page": 1}})
    assert ids(walked(server, world, limit=1, prefetch=4, on_drift="ignore")) == [1, 2, 3, 4, 5, 6]
    assert sorted(server.asked) == [1, 2, 3, 4, 5, 6]


def test_a_last_page_that_runs_away_with_nothing_new_ends(list_server: MakeServer, world: World) -> None:
    server = list_server(
        lambda page: {"data": records(1, 2), "last_page": page + 1_000_000, "links": [], "total": 10**15}
    )
    with pytest.raises(ListDrift):
        walked(server, world, limit=2, prefetch=16, on_drift="raise")
    assert ids(walked(server, world, limit=2, prefetch=16, on_drift="ignore")) == [1, 2]


def test_one_barren_page_does_not_end_a_walk_that_has_more(list_server: MakeServer, world: World) -> None:
    pages = {1: records(1, 2), 2: records(1, 2), 3: [], 4: records(3)}
    server = list_server(lambda page: {"data": pages[page], "meta": {"last_page": 4, "total": 3}})
    assert ids(walked(server, world, limit=2, prefetch=2, on_drift="ignore")) == [1, 2, 3]


def test_a_total_that_the_records_do_not_reach_is_drift(list_server: MakeServer, world: World) -> None:
    server = list_server(lambda page: {"data": records(page), "meta": {"last_page": 2, "total": 3}})
    with pytest.raises(ListDrift, match="2 records came of the 3 announced"):
        walked(server, world, limit=1, on_drift="raise")


def test_a_total_told_once_is_no_change(list_server: MakeServer, world: World) -> None:
    server = list_server(
        lambda page: {"data": records(page), "meta": {"last_page": 2, **({"total": 2} if page == 1 else {})}}
    )
    assert ids(walked(server, world, limit=1, on_drift="raise")) == [1, 2]


@pytest.mark.parametrize(
    "metadata",
    [
        {"meta": None, "links": None},
        {"meta": {}, "links": []},
        {"meta": {"last_page": None, "total": None, "per_page": None}},
        {"last_page": "many", "total": -1, "per_page": True},
        {"next_page_url": None, "current_page": {}},
        {"links": {"next": None}, "meta": {}},
    ],
)
def test_metadata_without_sense_are_as_none(list_server: MakeServer, world: World, metadata: dict[str, Any]) -> None:
    server = list_server(lambda page: {"data": records(1), **metadata})
    assert ids(walked(server, world, limit=2, on_drift="raise")) == [1]


@pytest.mark.parametrize(
    "metadata",
    [{"last_page": "3", "per_page": "1", "total": "3"}, {"meta": {"last_page": 3, "per_page": "1", "total": 3}}],
)
def test_metadata_in_texts_are_read(list_server: MakeServer, world: World, metadata: dict[str, Any]) -> None:
    """A limit is often repeated as the query had it."""
    server = list_server(lambda page: {"data": records(page), **metadata})
    assert ids(walked(server, world, limit=1, prefetch=4, on_drift="raise")) == [1, 2, 3]


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize(("told", "sent"), [(15, 2), (1, 1), (10**9, 2), (0, 2), (-1, 2), ("2", 2)])
def test_a_size_of_pages_that_is_not_the_one_asked_for(
    list_server: MakeServer, world: World, told: object, sent: int, prefetch: int
) -> None:
    """Where nothing else tells whether there is more."""
    everything = records(1, 2, 3, 4, 5)
    server = list_server(lambda page: {"data": everything[(page - 1) * sent : page * sent], "per_page": told})
    assert ids(walked(server, world, limit=2, prefetch=prefetch, on_drift="raise")) == [1, 2, 3, 4, 5]


def test_so_many_pages_as_nobody_has_are_not_asked_for(list_server: MakeServer, world: World) -> None:
    server = list_server(lambda page: {"data": records(page) if page < 4 else [], "meta": {"last_page": 10**9}})
    with pytest.raises(ListDrift, match="page 4 is empty"):
        walked(server, world, limit=1, prefetch=64, on_drift="raise")
    assert max(server.asked) <= 4 + 64 + 32


@pytest.mark.parametrize("last_page", [0, -1, "-1", "0", 1.5, True, "1e3", 10**400, "9" * 400])
def test_a_last_page_that_is_none_ends_no_walk_early_and_holds_none_up(
    list_server: MakeServer, world: World, last_page: object
) -> None:
    """0 is a number of pages: that of an empty list."""
    server = list_server(lambda page: {"data": records(page) if page < 4 else [], "last_page": last_page})
    found = ids(walked(server, world, limit=1, prefetch=2, on_drift="ignore"))
    assert found == ([1] if last_page in (0, "0") and last_page is not False else [1, 2, 3])
