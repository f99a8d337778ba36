"""Metadata of a page in forms that nobody expects: read where they make sense, else as missing."""

from decimal import Decimal
from typing import Any

import pytest

from krebit.pagination.metadata import PageMetadata, read_metadata

NOTHING = PageMetadata()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"meta": {"current_page": "1", "last_page": "4"}}, PageMetadata(last_page=4)),
        ({"meta": {"last_page": 4.0, "total": Decimal("7.0")}}, PageMetadata(last_page=4, total=7)),
        ({"meta": {"last_page": "many"}, "last_page": 3}, PageMetadata(last_page=3)),
        (
            {"meta": {"pagination": {"total": 7, "per_page": 2, "total_pages": 4}}},
            PageMetadata(per_page=2, last_page=4, total=7),
        ),
        ({"meta": {"pagination": {"total": 7, "links": {"next": "x"}}}}, PageMetadata(total=7, has_next=True)),
        ({"pagination": {"total": "7"}}, PageMetadata(total=7)),
        ({"links": {"next": {"href": "x"}}}, PageMetadata(has_next=True)),
        ({"links": {"next": []}}, PageMetadata(has_next=False)),
        ({"links": {"next": ""}, "meta": "none"}, PageMetadata(has_next=False)),
        ({"meta": {"links": [{"url": "x", "label": 1, "active": True}], "total": 7}}, PageMetadata(total=7)),
    ],
)
def test_odd_forms_that_make_sense_are_read(content: Any, found: PageMetadata) -> None:
    assert read_metadata({"data": [{"id": 1}], **content}) == found


ODD_COUNTS = [
    None,
    True,
    False,
    -1,
    1.5,
    -0.0001,
    Decimal("1.5"),
    Decimal("1e999999"),
    float("nan"),
    float("inf"),
    10**400,
    "9" * 400,
    "",
    "-1",
    "1e3",
    "\u0667",
    "\u00b2",
    [],
    [7],
    {},
    {"value": 7},
]


@pytest.mark.parametrize("count", ODD_COUNTS, ids=range(len(ODD_COUNTS)))
@pytest.mark.parametrize("name", ["last_page", "total_pages", "total", "per_page"])
def test_a_count_that_makes_no_sense_is_missing(name: str, count: object) -> None:
    assert read_metadata({"meta": {name: count}}) == NOTHING
    assert read_metadata({name: count}) == NOTHING
    assert read_metadata({"meta": {"pagination": {name: count}}}) == NOTHING


@pytest.mark.parametrize("odd", [None, [], [1], "x", 7, True, {"links": [None, 1, []]}, {"pagination": "x"}])
@pytest.mark.parametrize("place", ["meta", "links", "pagination"])
def test_a_place_that_holds_something_else_is_passed_over(place: str, odd: object) -> None:
    assert read_metadata({"data": [], place: odd}) == NOTHING


@pytest.mark.parametrize("content", [None, [], [{"id": 1}], "x", 7])
def test_a_page_that_is_no_object_has_none(content: object) -> None:
    assert read_metadata(content) == NOTHING
