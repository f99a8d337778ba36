"""All shapes in which an object may come parse to the same values."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from krebit import Krebit, money
from krebit_sandbox import Sandbox
from tests.transport.support import Place, answering

EXACT = "12345678901234567.89"


def _plain(value: Any) -> Any:
    """For comparison: amounts as decimals, times without the zone that some variants leave out."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None, microsecond=0)
    return money(value) if isinstance(value, Decimal | int | float) and not isinstance(value, bool) else value


def _client(api: Krebit) -> dict[str, Any]:
    record = api.get_client(12345)
    names = ("id", "company_name", "org_number", "country", "currency", "contact_name", "created_at", "updated_at")
    return {**{name: _plain(getattr(record, name)) for name in names}, "limit": money(record.credit_limit)}


@pytest.mark.parametrize("envelope", ["data", "bare"])
@pytest.mark.parametrize("unknown_keys", [False, True])
def test_objects_in_all_shapes(sandbox: Sandbox, envelope: str, unknown_keys: bool) -> None:
    with Place.sandbox(sandbox).client() as api:
        expected, act = _client(api), api.get_latest_act(12345)
        points = api.get_act_data(act.uuid)
        user = api.get_current_user()
        assert expected["limit"] is not None
        for money_kind, times in itertools.product(("number", "text"), ("z", "offset", "micro", "space")):
            sandbox.switch(envelope=envelope, unknown_keys=unknown_keys, money=money_kind, times=times)
            assert _client(api) == expected
            again = api.get_latest_act(12345)
            assert (again.uuid, money(again.amount), again.client_id) == (act.uuid, money(act.amount), 12345)
            assert [point.id for point in api.get_act_data(act.uuid)] == [point.id for point in points]
            assert api.get_current_user().name == user.name
        sandbox.switch(money="null", times="null")
        record = api.get_client(12345)
        assert money(record.credit_limit) is None
        assert record.created_at is None


def test_unknown_keys_are_kept(sandbox: Sandbox) -> None:
    with answering({"id": 1, "brand_new": {"a": [1, "x"]}}) as server:
        record = Place.raw(server).call("blocking", lambda api: api.get_client(1))

    assert record.additional_properties == {"brand_new": {"a": [1, "x"]}}


@pytest.mark.parametrize("text", [EXACT, f'"{EXACT}"'])
def test_money_is_never_a_binary_float(text: str) -> None:
    with answering(b'{"data": {"id": 1, "credit_limit": %s}}' % text.encode()) as server:
        record = Place.raw(server).call("blocking", lambda api: api.get_client(1))

    assert not isinstance(record.credit_limit, float)
    assert money(record.credit_limit) == Decimal(EXACT)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-05-13T10:00:00Z", datetime(2024, 5, 13, 10, tzinfo=UTC)),
        ("2024-05-13T12:00:00+02:00", datetime(2024, 5, 13, 10, tzinfo=UTC)),
        ("2024-05-13T10:00:00.123456Z", datetime(2024, 5, 13, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2024-05-13T10:00:00.1234567Z", datetime(2024, 5, 13, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2024-05-13 10:00:00", datetime(2024, 5, 13, 10)),  # noqa: DTZ001 - no zone was given
        ("2024-05-13 10:00:00 UTC", datetime(2024, 5, 13, 10, tzinfo=UTC)),
        ("2024-05-13", datetime(2024, 5, 13)),  # noqa: DTZ001 - no zone was given
        ("Mon, 13 May 2024 10:00:00 GMT", datetime(2024, 5, 13, 10, tzinfo=UTC)),
        ("13 May 2024 10:00", datetime(2024, 5, 13, 10)),  # noqa: DTZ001 - no zone was given
    ],
)
def test_times_in_many_forms(text: str, time: datetime) -> None:
    with answering({"id": 1, "created_at": text}) as server:
        record = Place.raw(server).call("blocking", lambda api: api.get_client(1))

    assert record.created_at == time
    assert (record.created_at.tzinfo is None) == (time.tzinfo is None)


def test_a_bare_list_where_a_page_belongs(sandbox: Sandbox) -> None:
    with answering([{"id": 1}, {"id": 2}]) as server:
        page = Place.raw(server).call("blocking", lambda api: api.list_clients())

    assert [record.id for record in page.data] == [1, 2]


def test_a_byte_order_mark_is_forgiven() -> None:
    with answering(b'\xef\xbb\xbf{"id": 1}') as server:
        assert Place.raw(server).call("blocking", lambda api: api.get_client(1)).id == 1
