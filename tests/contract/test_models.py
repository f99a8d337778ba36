"""The models: what they read, in whatever shape it comes, and what they refuse with the way to it."""

from __future__ import annotations

import contextlib
import copy
import pickle
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krebit_api import models
from krebit_api.api import many, one, page_of
from krebit_api.models import (
    ActDataPoint,
    ClientPage,
    ClientRecord,
    CurrentUser,
    PageLinks,
    PageMeta,
)
from krebit_api.types import UNSET, Mismatch, Unset

from .conftest import Scratch


def test_missing_null_and_given_are_three_things_and_survive_the_way_back() -> None:
    source = {"id": 1, "rating": None, "credit_limit": "250000.00", "vat_number": "SE556000461501"}
    client = ClientRecord.from_dict(source)
    assert client.country is UNSET
    assert not client.country
    assert client.rating is None
    assert client.credit_limit == Decimal("250000.00")
    assert client["vat_number"] == "SE556000461501"
    assert client.additional_keys == ["vat_number"]
    assert client.to_dict() == source
    assert source["id"] == 1


def test_a_record_that_is_looped_over_says_that_it_is_no_list() -> None:
    with pytest.raises(TypeError, match="'ClientPage' object is not iterable"):
        list(cast("Any", ClientPage.from_dict({"data": []})))


def test_there_is_one_unset() -> None:
    client = ClientRecord.from_dict({"id": 1})
    for other in (copy.copy(client), copy.deepcopy(client), pickle.loads(pickle.dumps(client))):
        assert other == client
        assert other.country is UNSET
    assert isinstance(UNSET, Unset)
    assert repr(UNSET) == "UNSET"


@pytest.mark.parametrize(
    ("body", "path", "got"),
    [
        ({}, "data", "nothing"),
        ({"data": {}}, "data", "an object"),
        ({"data": None}, "data", "null"),
        ({"data": [{"id": 1}, {}]}, "data[1].id", "nothing"),
        ({"data": [{"id": "twelve"}]}, "data[0].id", "a string"),
        ({"data": [{"id": True}]}, "data[0].id", "a boolean"),
        ({"data": [{"id": None}]}, "data[0].id", "null"),
        ({"data": [{"id": 1}, {"id": 2}, 5]}, "data[2]", "a number"),
        ({"data": [[]]}, "data[0]", "a list"),
        ({"data": [[1]]}, "data[0]", "a list"),
        ({"data": {"a": {"id": 1}}}, "data", "an object"),
        ({"data": {"0": {"id": 1}, "2": {"id": "two"}}}, "data[1].id", "a string"),
        ({"data": [{"id": 1, "credit_limit": []}]}, "data[0].credit_limit", "a list"),
        ([], "", "a list"),
        ("text", "", "a string"),
        (None, "", "null"),
    ],
)
def test_another_shape_is_refused_with_the_way_to_it(body: Any, path: str, got: str) -> None:
    with pytest.raises(Mismatch) as caught:
        ClientPage.from_dict(body)
    assert (caught.value.path, caught.value.got) == (path, got)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.path, again.got, str(again)) == (path, got, str(caught.value))


@pytest.mark.parametrize(
    ("extra", "meta", "links", "kept"),
    [
        ({}, UNSET, UNSET, {}),
        ({"meta": None, "links": None}, None, None, {}),
        ({"meta": {"current_page": 1, "from": None}}, PageMeta(current_page=1, from_=None), UNSET, {}),
        ({"links": {"next": None}}, UNSET, PageLinks(next_=None), {}),
        ({"current_page": 1, "next_page_url": None}, UNSET, UNSET, {"current_page": 1, "next_page_url": None}),
    ],
)
def test_pages_keep_their_metadata_in_whatever_shape_they_come(
    extra: dict[str, Any], meta: object, links: object, kept: dict[str, Any]
) -> None:
    body = {"data": [{"id": 1}], **extra}
    page = ClientPage.from_dict(body)
    assert [client.id for client in page.data] == [1]
    assert (page.meta, page.links, page.additional_properties) == (meta, links, kept)
    assert page.to_dict() == body


@pytest.mark.parametrize("value", [12500000, "Stable", None, True, [1, {"a": 2}], {"nested": []}])
def test_the_value_of_a_data_point_is_any_json(value: object) -> None:
    assert ActDataPoint.from_dict({"id": 901, "type": "never-seen", "value": value}).value == value


@pytest.mark.parametrize("identifier", [7, "0b9f6c1e-6d0f-4e0a-9a53-0d6c3a0f4a55"])
def test_a_user_is_known_by_a_number_or_a_uuid_and_may_have_no_organisation(identifier: int | str) -> None:
    body = {"id": identifier, "organization": None}
    user = CurrentUser.from_dict(body)
    assert user.id == identifier
    assert user.to_dict() == body


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "uuid", "data", "meta", "links", "created_at", "errors", "organization", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, database=None)
@given(JSON)
def test_nothing_but_a_mismatch_comes_out_of_reading(body: Any) -> None:
    for name in models.__all__:
        if not name.endswith("Grant"):
            with contextlib.suppress(Mismatch):
                repr(getattr(models, name).from_dict(body))


ODD = """
from krebit_api.models import Odd
body = {
    "d": 1, "value": 2, "take": "2024-01-02", "rest": "b", "made": {"id": 3}, "kind": "x", "name_": [1], "cls": 4,
    "when": ["2024-01-02T03:04:05+00:00"], "either": {"id": 5}, "self": 6, "mapping": {"a": {"id": 7}}, "x": 8,
}
odd = Odd.from_dict(body)
assert odd.to_dict() == body, odd.to_dict()
assert odd.made.id == 3 and odd.mapping["a"].id == 7 and odd.rest.value == "b" and odd.take.year == 2024
assert odd.when[0].year == 2024 and odd.either.id == 5
print(Odd.from_dict({}).to_dict(), Odd.from_dict({"either": None}).to_dict())
"""


@pytest.mark.slow
def test_names_and_kinds_that_this_document_has_not_yet_are_read_as_well(scratch: Scratch) -> None:
    number, organisation = {"type": "integer"}, {"$ref": "#/components/schemas/Organization"}
    scratch.document["components"]["schemas"]["Odd"] = {
        "type": "object",
        "description": 'Named to collide with what the generated code calls its own, and "quoted"',
        "properties": {
            **dict.fromkeys(("d", "value", "cls", "self"), number),
            "take": {"type": "string", "format": "date"},
            "rest": {"type": "string", "enum": ["a", "b"]},
            "made": organisation,
            "kind": {"type": "string", "const": "x"},
            "name_": {"type": "array", "items": number},
            "when": {"type": "array", "items": {"type": "string", "format": "date-time"}},
            "either": {"anyOf": [organisation, {"$ref": "#/components/schemas/PageLink"}, {"type": "null"}]},
            "mapping": {"type": "object", "additionalProperties": organisation},
        },
    }
    scratch.generated()
    assert scratch.python(ODD) == "{} {'either': None}\n"
    for done in scratch.check_types("from krebit_api.models import Odd\n\nodd = Odd(d=1, value=2, self_=6)\n"):
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_object_is_read_bare_or_from_its_envelope(wrapped: bool) -> None:
    def answer(**record: object) -> object:
        return {"data": record} if wrapped else record

    assert one(ClientRecord, "id").read(answer(id=1, data={"more": 2})).additional_properties == {"data": {"more": 2}}
    # A model that requires nothing is known by whatever it may have.
    meta = one(PageMeta, optional=("total", "path"))
    assert meta.read(answer(total=3)).total == 3
    assert meta.read(answer(total=3, data=None)).additional_properties == {"data": None}
    assert [row.id for row in many(ClientRecord).read({"data": [{"id": 1}]} if wrapped else [{"id": 1}])] == [1]
    assert page_of(ClientPage).read({"data": [{"id": 1}]} if wrapped else [{"id": 1}]).data[0].id == 1


ROWS = """
from decimal import Decimal
from krebit_api.models import Table
table = Table.from_dict({
    "from": "x", "limits": [1.1, 2, "3.30"], "parts": [{"id": 3, "name": "y"}], "inner": {"id": 4},
    "sums": {"a": {"id": 5}},
    "rating": "AAA", "more": Decimal("1.5"),
})
assert table.to_row() == {
    "from": "x", "limits": [Decimal("1.1"), 2, Decimal("3.30")], "parts": [{"id": 3, "name": "y"}],
    "inner": {"id": 4, "name": None}, "sums": {"a": {"id": 5, "name": None}}, "rating": "AAA", "more": Decimal("1.5"),
}, table.to_row()
assert all(type(limit) is Decimal for limit in table.to_row()["limits"])
row = Table.from_dict({"limits": [], "parts": [], "inner": None, "rating": "3.30"}).to_row()
assert row == {
    "from": None, "limits": [], "parts": [], "inner": None, "sums": None, "rating": "3.30",
}, row
"""


def test_a_row_is_plain_all_the_way_down(scratch: Scratch) -> None:
    organisation = {"$ref": "#/components/schemas/Organization"}
    scratch.document["components"]["schemas"]["Table"] = {
        "type": "object",
        "description": "Every kind of field",
        "properties": {
            "from": {"type": "string"},
            "limits": {"type": "array", "items": {"type": "number", "format": "decimal"}},
            "parts": {"type": "array", "items": organisation},
            "inner": {"anyOf": [organisation, {"type": "null"}]},
            "sums": {"type": "object", "additionalProperties": organisation},
            "rating": {"type": ["number", "string", "null"]},
        },
    }
    scratch.generated()
    scratch.python(ROWS)
