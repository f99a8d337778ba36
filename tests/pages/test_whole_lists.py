"""Every record once and in order: each kind of metadata and size, blocking and not, looking ahead or not."""

import pytest

from krebit_sandbox import Sandbox
from tests.pages.support import World, ids, pages_asked, walked

SHAPES = ("meta", "simple", "flat", "links", "none")
FIRST = 12345


@pytest.mark.parametrize("prefetch", [1, 4, 16])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 57])
@pytest.mark.parametrize("metadata", SHAPES)
def test_every_record_comes_once_and_in_order(
    sandbox: Sandbox, world: World, metadata: str, count: int, prefetch: int
) -> None:
    sandbox.switch(metadata=metadata, clients=count)
    assert ids(walked(sandbox, world, limit=10, prefetch=prefetch)) == list(range(FIRST, FIRST + count))


@pytest.mark.parametrize("prefetch", [1, 4, 16])
@pytest.mark.parametrize("metadata", SHAPES)
def test_ten_thousand_records(sandbox: Sandbox, world: World, metadata: str, prefetch: int) -> None:
    sandbox.switch(metadata=metadata, clients=10_000)
    found = ids(walked(sandbox, world, limit=100, prefetch=prefetch))
    assert found == list(range(FIRST, FIRST + 10_000))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 57])
@pytest.mark.parametrize("metadata", ["meta", "flat"])
def test_no_page_is_asked_for_twice_and_none_behind_a_known_end(
    sandbox: Sandbox, world: World, metadata: str, count: int
) -> None:
    sandbox.switch(metadata=metadata, clients=count)
    walked(sandbox, world, limit=10, prefetch=16)
    assert sorted(pages_asked(sandbox)) == list(range(1, max(1, -(-count // 10)) + 1))


@pytest.mark.parametrize("metadata", ["simple", "links", "none"])
def test_where_the_end_is_not_known_no_more_is_asked_for_than_may_be_in_flight(
    sandbox: Sandbox, world: World, metadata: str
) -> None:
    sandbox.switch(metadata=metadata, clients=57)
    walked(sandbox, world, limit=10, prefetch=4)
    asked = pages_asked(sandbox)
    assert sorted(asked)[:6] == [1, 2, 3, 4, 5, 6]
    assert len(set(asked)) == len(asked) <= 6 + 4 + 1


def test_without_looking_ahead_a_list_of_whole_pages_without_metadata_ends_with_an_empty_page(
    sandbox: Sandbox, world: World
) -> None:
    sandbox.switch(metadata="none", clients=20)
    walked(sandbox, world, limit=10)
    assert pages_asked(sandbox) == [1, 2, 3]


@pytest.mark.parametrize("metadata", SHAPES)
def test_each_page_says_what_the_server_told(sandbox: Sandbox, world: World, metadata: str) -> None:
    sandbox.switch(metadata=metadata, clients=25)
    told: list[tuple[int, int, int | None, int | None]] = []
    walked(
        sandbox,
        world,
        limit=10,
        seen=lambda page: told.append((page.number, len(page.records), page.last_page, page.total)),
    )
    known = (3, 25) if metadata in ("meta", "flat") else (None, None)
    assert told == [(1, 10, *known), (2, 10, *known), (3, 5, *known)]


def test_the_same_values_come_from_every_kind_of_metadata(sandbox: Sandbox, world: World) -> None:
    sandbox.switch(clients=25)
    lists = []
    for metadata in SHAPES:
        sandbox.switch(metadata=metadata)
        lists.append(walked(sandbox, world, limit=10))
    assert all(found == lists[0] for found in lists[1:])
    assert len(lists[0]) == 25
