"""A million clients, by seed: the same each time, plausible, and no slower at the end than at the beginning."""

import gc
import re
import tracemalloc
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from uuid import UUID

import httpx
import pytest

from krebit_sandbox import Sandbox, Switches
from krebit_sandbox.companies import FIRST_ID, Companies, luhn_digit
from tests.sandbox.support import http_client

MILLION = 1_000_000


def luhn_holds(number: str) -> bool:
    """The usual form of the check: every second digit from the right doubled, the sum a multiple of ten."""
    digits = [int(digit) for digit in number.replace("-", "")]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def test_a_known_organisation_number() -> None:
    assert luhn_holds("556036-0793")
    assert luhn_digit("556036079") == 3
    assert not luhn_holds("556036-0794")


def test_organisation_numbers_are_valid_and_unique() -> None:
    companies = Companies(1)
    numbers = {companies.client(FIRST_ID + step * 37)["org_number"] for step in range(MILLION // 37)}
    assert len(numbers) == MILLION // 37
    for number in numbers:
        assert re.fullmatch(r"\d{6}-\d{4}", number)
        assert int(number[2]) >= 2
        assert luhn_holds(number)


def test_companies_are_plausible() -> None:
    companies = [Companies(3).client(FIRST_ID + index) for index in range(2000)]
    limits = [company["credit_limit"] for company in companies]
    assert 100 < limits.count(None) < 400
    known = [limit for limit in limits if limit is not None]
    assert all(limit == round(limit, 2) and limit > 0 for limit in known)
    assert any(limit % 1 for limit in known)
    assert {company["rating"] for company in companies} == {"AAA", "AA", "A", "B", "C", None}
    assert all(company["company_name"].endswith(" AB") for company in companies)
    assert all(company["contact_email"].isascii() for company in companies)
    assert len({company["company_name"] for company in companies}) > 1500
    assert all(company["updated_at"] >= company["created_at"] for company in companies)
    assert any(company["contact_phone"] is None for company in companies)


def test_the_same_seed_is_the_same_tenant() -> None:
    def everything(seed: int) -> list[object]:
        companies = Companies(seed)
        clients = [companies.client(client_id) for client_id in range(FIRST_ID, FIRST_ID + 50)]
        acts = [companies.act(item["id"], 1) for item in clients]
        return [companies.user(), clients, acts, [companies.act_data(act) for act in acts]]

    assert everything(1) == everything(1)
    assert everything(1) != everything(2)


def test_acts_are_found_by_uuid_alone() -> None:
    companies = Companies(1)
    for client_id in (FIRST_ID, FIRST_ID + 7, FIRST_ID + MILLION - 1):
        for number in range(1, companies.act_count(client_id) + 1):
            act = companies.act(client_id, number)
            assert Companies(1).find_act(UUID(act["uuid"])) == act
    foreign = Companies(2).act(FIRST_ID, 1)
    assert companies.find_act(UUID(foreign["uuid"])) is None


@pytest.fixture(scope="module")
def million() -> Iterator[Sandbox]:
    with Sandbox(tls=False, switches=Switches(clients=MILLION)) as sandbox:
        yield sandbox


def page(api: httpx.Client, number: int) -> float:
    started = perf_counter()
    answer = api.get("/api/1.0/clients", params={"limit": 100, "page": number})
    elapsed = perf_counter() - started
    assert [record["id"] for record in answer.json()["data"]] == [
        FIRST_ID + (number - 1) * 100 + index for index in range(100)
    ]
    return elapsed


def test_a_late_page_is_as_quick_as_the_first(million: Sandbox) -> None:
    with http_client(million) as api:
        page(api, 1)
        took = [(page(api, 1), page(api, 9_000)) for _ in range(25)]  # in turn: the load changes
    first, late = (median(column) for column in zip(*took, strict=True))
    assert late < 3 * first + 0.02


def test_the_last_of_a_million(million: Sandbox) -> None:
    with http_client(million) as api:
        last = api.get("/api/1.0/clients", params={"limit": 100, "page": 10_000}).json()
        assert (last["meta"]["last_page"], last["meta"]["total"], last["links"]["next"]) == (10_000, MILLION, None)
        assert api.get(f"/api/1.0/clients/{FIRST_ID + MILLION - 1}").status_code == 200
        assert api.get(f"/api/1.0/clients/{FIRST_ID + MILLION}").status_code == 404


def test_no_list_is_held_in_memory(million: Sandbox) -> None:
    with http_client(million) as api:
        page(api, 1)
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(1, 9_000, 500):
                page(api, number)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] < 4_000_000
        finally:
            tracemalloc.stop()
