"""Amounts of the models: decimals, whatever came, written as the document says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from krebit_api.models import (
    Act,
    ActDataPoint,
    ClientPage,
    ClientRecord,
    CurrentUser,
    Organization,
)
from krebit_api.scalars import amount_text
from krebit_api.types import Mismatch, NotWritable

from .conftest import Scratch


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


@pytest.mark.slow
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


@pytest.mark.parametrize("amount", ["1e50000000", "-1e50000000", "1e-50000000", "1e101"])
def test_an_amount_as_text_has_an_end(amount: str) -> None:
    with pytest.raises(ValueError, match="beyond 100 digits"):
        amount_text(Decimal(amount))
    assert amount_text(Decimal("1e20")) == "1" + "0" * 20
    assert amount_text(Decimal("-12.50")) == "-12.50"
