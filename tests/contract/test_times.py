"""Times of the models: read as they may come, or kept as they came."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krebit_api.models import Act
from krebit_api.scalars import read_time
from krebit_api.types import UNSET, Mismatch


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


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=40) | st.text("0123456789-:/ .,TZ+apmJnFbUC", max_size=30))
@pytest.mark.slow
def test_nothing_but_a_mismatch_comes_out_of_reading_a_time(text: str) -> None:
    with contextlib.suppress(Mismatch):
        assert isinstance(read_time(text, "at"), datetime)
