"""Money and times that people and tenants write."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from krebit import money, parse_time
from krebit_api.types import UNSET


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (250000, Decimal(250000)),
        ("250000.50", Decimal("250000.50")),
        (Decimal("0.10"), Decimal("0.10")),
        (0.1, Decimal("0.1")),
        (" 12 ", Decimal(12)),
        ("-3.00", Decimal("-3.00")),
        (None, None),
        (UNSET, None),
    ],
)
def test_money_is_exact(value: Any, amount: Decimal | None) -> None:
    found = money(value)
    assert (found, str(found)) == (amount, str(amount))


@pytest.mark.parametrize("value", ["", "12 kr", "NaN", "Infinity", True, Decimal("NaN"), "1,5", []])
def test_what_is_no_amount_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match="money"):
        money(value)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-05-01", datetime(2024, 5, 1)),  # noqa: DTZ001 - no zone was given
        ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("1 May 2024 10:00", datetime(2024, 5, 1, 10)),  # noqa: DTZ001
        ("31/12/2024", datetime(2024, 12, 31)),  # noqa: DTZ001
        (" 2024-05-01 10:00:00 ", datetime(2024, 5, 1, 10)),  # noqa: DTZ001
        (date(2024, 5, 1), datetime(2024, 5, 1)),  # noqa: DTZ001
        (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)),
    ],
)
def test_times_as_people_type_them(value: Any, moment: datetime) -> None:
    assert parse_time(value) == moment
    assert parse_time(value).tzinfo == moment.tzinfo


@pytest.mark.parametrize(
    "value", ["", "tomorrow", "May", "12", "02/03/2024", "2024-13-01", "x" * 1000, f"10h {'1' * 29}m"]
)
def test_what_is_no_time_or_several_is_a_value_error(value: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_time(value)
