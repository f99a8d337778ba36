"""Odd values: an optional one is kept and warned of, and blocks nothing; a required one is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from krebit_api.api import many, page_of
from krebit_api.leniency import FieldWarnings
from krebit_api.models import (
    Act,
    ActDataPoint,
    ClientPage,
    ClientRecord,
    CurrentUser,
    PageMeta,
)
from krebit_api.types import UNSET, Mismatch

from .conftest import Scratch


@pytest.mark.parametrize(
    "metadata",
    [
        {"meta": {"links": [{"url": "x", "label": 1, "active": True}]}},
        {"meta": {"links": [{"url": "x", "label": 1, "active": 1}], "path": 7}},
        {"meta": {"current_page": "1", "last_page": "4"}},
        {"meta": 5, "links": "next"},
        {"meta": [], "links": []},
        {"meta": {"links": 5}, "links": [{}, 5]},
        {"meta": {"total": {"value": 3}}, "links": {"next": []}},
    ],
)
def test_metadata_never_block_the_records(metadata: dict[str, Any]) -> None:
    page = ClientPage.from_dict({"data": [{"id": 1}], **metadata})
    assert [client.id for client in page.data] == [1]


def test_an_odd_optional_value_costs_neither_the_list_nor_itself() -> None:
    sent = {"id": 1, "created_at": "soon", "contact_name": ["a"], "country": None, "currency": True}
    page = ClientPage.from_dict({"data": [{"id": 0}, sent, {"id": 2, "created_at": "2024-01-15T08:30:00Z"}]})
    odd = page.data[1]
    assert (odd.created_at, odd.contact_name, odd.country, odd.currency) == (UNSET, UNSET, None, UNSET)
    assert odd.to_dict() == sent
    assert page.data[2].created_at == datetime(2024, 1, 15, 8, 30, tzinfo=UTC)


def test_forms_that_can_mean_one_thing_only_are_read() -> None:
    assert CurrentUser.from_dict({"id": 7, "organization": []}).organization is UNSET  # its id is missing
    assert ActDataPoint.from_dict({"id": 1, "required": 1, "name": Decimal("1.50")}).to_dict() == {
        "id": 1,
        "required": True,
        "name": "1.50",
    }
    assert ClientPage.from_dict({"data": [], "meta": []}).meta == PageMeta()
    keyed = ClientPage.from_dict({"data": {"0": {"id": 1}, "2": {"id": 3}}})
    assert [client.id for client in keyed.data] == [1, 3]
    assert [row.id for row in many(ClientRecord).read({"0": {"id": 1}, "2": {"id": 3}})] == [1, 3]
    assert page_of(ClientPage).read({"0": {"id": 1}, "2": {"id": 3}}).data[1].id == 3


@pytest.mark.parametrize(
    "body",
    [
        {"uuid": 5},
        {"uuid": "u", "client_id": "12"},
        {"uuid": "u", "template_id": []},
        {"uuid": "u", "amount": "a lot"},
        {"uuid": "u", "amount": True},
    ],
)
def test_amounts_and_identifiers_are_read_strictly(body: dict[str, Any]) -> None:
    with pytest.raises(Mismatch) as caught:
        Act.from_dict(body)
    assert caught.value.path == list(body)[-1]


def test_a_field_that_cannot_be_read_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    warnings = FieldWarnings()
    for _ in range(2):
        with warnings.used():
            ClientPage.from_dict({"data": [{"id": 1, "created_at": "secret"}, {"id": 2, "created_at": "again"}]})
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("ClientRecord.created_at: not a time (a string came).")
    assert "secret" not in caplog.text
    with FieldWarnings().used():
        ClientPage.from_dict({"data": [{"id": 1, "created_at": "soon"}]})
    assert len(caplog.messages) == 2


def test_a_row_of_links_may_stand_where_addresses_are_expected() -> None:
    body = {"data": [], "links": [{"url": None, "label": "1", "active": True}]}
    page = ClientPage.from_dict(body)
    assert isinstance(page.links, list)
    assert page.links[0].label == "1"
    assert page.to_dict() == body


GRADES = """
from krebit_api.errors import Mismatch
from krebit_api.models import Graded, Strict
body = {
    "id": 1, "closed": "AAA", "letter": "new", "open_named": "B", "opens": ["A", "new"], "number": 9, "tags": ["a", 1],
    "nullable": None,
}
graded = Graded.from_dict(body)
print([type(graded.letter).__name__, type(graded.open_named).__name__, type(graded.number).__name__])
assert graded.to_dict() == {**body, "tags": ["a", "1"]}
odd_values = {"closed": "new", "nullable": "soon", "key": "x", "tags": [1, None], "constant": "z", "opens": None}
for odd in ({name: value} for name, value in odd_values.items()):
    read = Graded.from_dict({"id": 1, "day": "2024-01-02", **odd})
    assert read.additional_properties == odd, read
    assert read.to_dict() == {"id": 1, "day": "2024-01-02", **odd}
for odd in ({"grade": "new"}, {"day": "soon"}, {"key": "x"}, {"tags": [1, None]}):
    try:
        Strict.from_dict({"grade": "AAA", "day": "2024-01-02", "key": "0" * 32, "tags": [], **odd})
    except Mismatch as error:
        print(error)
"""


@pytest.mark.slow
def test_open_enumerations_keep_new_values_and_closed_ones_follow_the_rule(scratch: Scratch) -> None:
    schemas = scratch.document["components"]["schemas"]
    schemas["Letter"] = {"type": "string", "enum": ["A", "B"], "x-open-enum": True}
    schemas["Grade"] = {"type": "string", "enum": ["AAA", "BBB"]}
    letter, grade = ({"$ref": f"#/components/schemas/{name}"} for name in ("Letter", "Grade"))
    schemas["Graded"] = {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "integer"},
            "closed": grade,
            "letter": letter,
            "open_named": {"anyOf": [letter, {"type": "null"}]},
            "opens": {"type": "array", "items": letter},
            "number": {"type": "integer", "enum": [1, 2], "x-open-enum": True},
            "tags": {"type": "array", "items": {"type": "string"}},
            "nullable": {"type": ["string", "null"], "format": "date"},
            "day": {"type": "string", "format": "date"},
            "key": {"type": "string", "format": "uuid"},
            "constant": {"type": "string", "const": "x"},
        },
    }
    names = ["grade", "day", "key", "tags"]
    properties = {**schemas["Graded"]["properties"], "grade": grade}
    schemas["Strict"] = {
        "type": "object",
        "required": names,
        "properties": {name: properties[name] for name in names},
    }
    scratch.generated()
    assert scratch.python(GRADES).splitlines() == [
        "['str', 'Letter', 'int']",
        "grade: not one of the values that the document lists",
        "day: not a date",
        "key: not a UUID",
        "tags[1]: not a string",
    ]
