"""Plain rows: money as `Decimal`, times as datetimes, and the same columns for every record."""

import asyncio
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from krebit import paginate
from krebit_sandbox import Sandbox
from tests.pages.support import World, asynchronous, blocking


def rows(sandbox: Sandbox, world: World, **options: Any) -> list[dict[str, Any]]:
    if world == "sync":
        with blocking(sandbox) as api:
            return list(paginate(api.list_clients, limit=10).options(**options).rows())

    async def main() -> list[dict[str, Any]]:
        async with asynchronous(sandbox) as api:
            return [found async for found in paginate(api.list_clients, limit=10).options(**options).rows()]

    return asyncio.run(main())


@pytest.mark.parametrize("money", ["number", "text"])
@pytest.mark.parametrize("times", ["z", "offset", "micro"])
def test_money_is_decimal_and_times_are_datetimes(sandbox: Sandbox, world: World, money: str, times: str) -> None:
    sandbox.switch(clients=25, money="number", times="z")
    plain = rows(sandbox, world)
    sandbox.switch(money=money, times=times)
    found = rows(sandbox, world, prefetch=4)
    assert found == plain  # whatever form they were sent in
    amounts = [one["credit_limit"] for one in found if one["credit_limit"] is not None]
    assert amounts
    assert all(type(amount) is Decimal for amount in amounts)
    assert all(one["updated_at"].astimezone(UTC).tzinfo is UTC for one in found)


def test_every_row_has_the_columns_of_the_model(sandbox: Sandbox, world: World) -> None:
    sandbox.switch(clients=25, money="null", times="null")
    found = rows(sandbox, world)
    assert len({tuple(one) for one in found}) == 1
    assert {"id", "company_name", "org_number", "credit_limit", "rating", "updated_at"} <= found[0].keys()
    assert found[0]["credit_limit"] is found[0]["updated_at"] is found[0]["contact_email"] is None


def test_unknown_keys_are_columns_too(sandbox: Sandbox) -> None:
    sandbox.switch(clients=1, unknown_keys=True)
    assert rows(sandbox, "sync")[0]["added_later"] == {"since": "2031-01-01", "values": [1, None, "x"]}


def test_a_stop_holds_for_rows(sandbox: Sandbox, world: World) -> None:
    assert len(rows(sandbox, world, max_items=13)) == 13
