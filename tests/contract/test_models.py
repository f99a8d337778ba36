"""The models: what they read, in whatever shape it comes, and what they refuse with the way to it."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krebit_api import models
from krebit_api.api import many, one, page_of
from krebit_api.leniency import FieldWarnings
from krebit_api.models import (
    Act,
    ActDataPoint,
    ClientPage,
    ClientRecord,
    CurrentUser,
    Organization,
    PageLinks,
    PageMeta,
)
from krebit_api.scalars import amount_text, read_time
from krebit_api.types import UNSET, Mismatch, NotWritable, Unset

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


@pytest.mark.parametrize(
    ("sent", "amount", "written"),
    [
        (250000, "250000", "250000"),
        (0.1, "0.1", "0.1"),
        (Decimal("0.10"), "0.10", "0.10"),
        ("250000.00", "250000.00", "250000.00"),
        (" -1.5e3 ", "-1.5E+3", "-1500"),
    ],
)
def test_an_amount_is_a_decimal_whether_a_number_or_a_text_came(sent: object, amount: str, written: str) -> None:
    act = Act.from_dict({"uuid": "u", "amount": sent})
    assert repr(act.amount) == f"Decimal('{amount}')"
    assert act.to_dict()["amount"] == written
    assert act.to_row()["amount"] == act.amount
    if act.amount:
        assert act.amount * 2 + Decimal(1) == 2 * Decimal(amount) + 1


@pytest.mark.parametrize(
    "value", ["", "a lot", "NaN", "Infinity", "1_000", "1,5", "1e9999999999999999999", "٣", True, [], {}, float("nan")]
)
def test_what_is_no_finite_decimal_number_is_refused_with_the_name_of_the_field(value: object) -> None:
    with pytest.raises(Mismatch, match=r"^data\[0\].credit_limit: not a (finite )?decimal number$"):
        ClientPage.from_dict({"data": [{"id": 1, "credit_limit": value}]})


@pytest.mark.parametrize("number", [3, 2.5, Decimal("2.5"), "AAA", None])
def test_every_other_number_is_what_its_annotation_says(number: object) -> None:
    rating = ClientRecord.from_dict({"id": 1, "rating": number}).rating
    assert rating == number
    assert type(rating) is (type(number) if number is None or isinstance(number, str) else float)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("0.10"), 0.1),
        (Decimal("150000.00"), 150000),
        (Decimal(12345678901234567890), 12345678901234567890),
        ([{"a": Decimal("1.5")}], [{"a": 1.5}]),
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00+00:00"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (CurrentUser(id=1), {"id": 1}),
    ],
)
def test_open_values_are_written_as_json_too(value: object, written: object) -> None:
    point = ActDataPoint(id=1, value=value)
    point["more"] = value
    assert json.loads(json.dumps(point.to_dict())) == {"id": 1, "value": written, "more": written}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (Decimal("0.12345678901234567890"), "value: too many digits"),
        ([Decimal("1e400")], r"value\[0\]: too many digits"),
        ({"a": Decimal("NaN")}, "value.a: not a finite number"),
        (float("inf"), "value: not a finite number"),
        (object(), "value: object has no JSON form"),
        (Organization(id=1, name=object()), "value.name: object has no JSON form"),  # type: ignore[arg-type]
    ],
)
def test_what_json_cannot_hold_is_an_error_with_the_name_of_the_field(value: object, problem: str) -> None:
    with pytest.raises(NotWritable, match=f"^{problem}"):
        ActDataPoint(id=1, value=value).to_dict()


def test_there_is_one_unset() -> None:
    client = ClientRecord.from_dict({"id": 1})
    for other in (copy.copy(client), copy.deepcopy(client), pickle.loads(pickle.dumps(client))):
        assert other == client
        assert other.country is UNSET
    assert isinstance(UNSET, Unset)
    assert repr(UNSET) == "UNSET"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-15T08:30:00Z", datetime(2024, 1, 15, 8, 30, tzinfo=UTC)),
        ("2024-01-15T08:30:00.123456Z", datetime(2024, 1, 15, 8, 30, 0, 123456, tzinfo=UTC)),
        ("2024-01-15T09:30:00+01:00", datetime(2024, 1, 15, 9, 30, tzinfo=timezone(timedelta(hours=1)))),
        ("2024-01-15 08:30:00", datetime(2024, 1, 15, 8, 30)),  # noqa: DTZ001
        ("Mon, 15 Jan 2024 08:30:00 GMT", datetime(2024, 1, 15, 8, 30, tzinfo=UTC)),
        ("2024-01-15 08:30:00 UTC", datetime(2024, 1, 15, 8, 30, tzinfo=UTC)),
        ("20240115T083000Z", datetime(2024, 1, 15, 8, 30, tzinfo=UTC)),
        ("2024-W03-1T08:30:00Z", datetime(2024, 1, 15, 8, 30, tzinfo=UTC)),
        ("2024-01-15 09:30:00 +0100", datetime(2024, 1, 15, 9, 30, tzinfo=timezone(timedelta(hours=1)))),
        ("2024-01-15t08:30z", datetime(2024, 1, 15, 8, 30, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_are_read_as_they_may_come(text: str | None, moment: datetime | None) -> None:
    read = Act.from_dict({"uuid": "u", "created_at": text}).created_at
    assert read == moment
    if isinstance(read, datetime) and moment is not None:
        assert read.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "0000-00-00 00:00:00",
        "10",
        "08:30",
        "02/03/2024 08:30",
        "2024-01-15 08:30 XYZ",
        "20230808120000Z",
        "2024-01-15T08:30:00 02:00",
        "1712111012345",
        1712111012345,
        "2024-01-15T08",
        "2024-01-15X08:30:00",
        "2024-02-30 08:30:00",
        5,
        True,
        [],
        {},
    ],
)
def test_what_is_no_time_is_kept_as_it_came_and_nothing_is_guessed(value: object) -> None:
    act = Act.from_dict({"uuid": "u", "updated_at": value})
    assert act.updated_at is UNSET
    assert act.additional_properties == {"updated_at": value}
    assert act.to_dict() == {"uuid": "u", "updated_at": value}
    assert act.to_row()["updated_at"] is None
    act.updated_at = None
    assert act.to_dict()["updated_at"] is None
    with pytest.raises(Mismatch, match=r"^at: not a time$"):
        read_time(value, "at")


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


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=40) | st.text("0123456789-:/ .,TZ+apmJnFbUC", max_size=30))
def test_nothing_but_a_mismatch_comes_out_of_reading_a_time(text: str) -> None:
    with contextlib.suppress(Mismatch):
        assert isinstance(read_time(text, "at"), datetime)


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


LIMITS = """
import json
from decimal import Decimal
from krebit_api.models import Limits
from krebit_api.types import NotWritable
body = {"number": "1.50", "text": 2, "either": [1, "2.5"], "named": 0.1, "floor": "3", "more": "7.0"}
limits = Limits.from_dict(body)
assert limits.additional_properties == {"more": Decimal(7)}
assert all(type(value) is Decimal for name, value in limits.to_row().items() if name != "either")
print(json.dumps(limits.to_dict()))
print(Limits(Decimal(1)).floor)
try:
    Limits(Decimal("0.12345678901234567890")).to_dict()
except NotWritable as error:
    print(error)
"""


def test_amounts_are_read_and_written_as_the_document_says_wherever_they_stand(scratch: Scratch) -> None:
    schemas, amount = scratch.document["components"]["schemas"], {"format": "decimal"}
    schemas["Amount"] = {"type": "number", **amount}
    schemas["Limits"] = {
        "type": "object",
        "required": ["number"],
        "properties": {
            "number": {"type": "number", **amount},
            "text": {"type": "string", **amount},
            "either": {
                "type": "array",
                "items": {"anyOf": [{"type": "number", **amount}, {"type": "string", **amount}]},
            },
            "named": {"$ref": "#/components/schemas/Amount"},
            "floor": {"type": "number", "default": 0.25, **amount},
        },
        "additionalProperties": {"type": "number", **amount},
    }
    scratch.generated()
    assert scratch.python(LIMITS).splitlines() == [
        '{"number": 1.5, "either": ["1", "2.5"], "floor": 3, "named": 0.1, "text": "2", "more": 7}',
        "0.25",
        "number: too many digits for a JSON number; round it to 15 significant ones",
    ]


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


@pytest.mark.parametrize("amount", ["1e50000000", "-1e50000000", "1e-50000000", "1e101"])
def test_an_amount_as_text_has_an_end(amount: str) -> None:
    with pytest.raises(ValueError, match="beyond 100 digits"):
        amount_text(Decimal(amount))
    assert amount_text(Decimal("1e20")) == "1" + "0" * 20
    assert amount_text(Decimal("-12.50")) == "-12.50"
