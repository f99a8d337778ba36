"""Every variant of an answer is a switch, and says the same in another form."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from krebit_sandbox import Sandbox, Switches

BASE = "/api/1.0"
OBJECTS = ["/me", "/clients/12345", "/clients/12345/acts/latest", "/acts/123e4567-e89b-12d3-a456-426614174000/data"]


@pytest.mark.parametrize("path", OBJECTS)
def test_envelope(api: httpx.Client, sandbox: Sandbox, path: str) -> None:
    wrapped = api.get(BASE + path).json()
    assert list(wrapped) == ["data"]
    sandbox.switch(envelope="bare")
    assert api.get(BASE + path).json() == wrapped["data"]


def test_a_bare_webhook_and_a_page_that_keeps_its_data(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(envelope="bare")
    fields = {"event": "act.created", "target": "http://localhost:9/"}
    assert api.post(f"{BASE}/webhooks", json=fields).json()["event"] == "act.created"
    assert len(api.get(f"{BASE}/clients").json()["data"]) == 15


def test_money(api: httpx.Client, sandbox: Sandbox) -> None:
    number = api.get(f"{BASE}/clients/12345").json()["data"]["credit_limit"]
    assert isinstance(number, float)
    sandbox.switch(money="text")
    text = api.get(f"{BASE}/clients/12345").json()["data"]["credit_limit"]
    assert Decimal(text) == Decimal(str(number))
    assert len(text.partition(".")[2]) == 2
    sandbox.switch(money="null")
    assert api.get(f"{BASE}/clients/12345").json()["data"]["credit_limit"] is None


def test_times_name_the_same_instant(api: httpx.Client, sandbox: Sandbox) -> None:
    def created() -> str:
        return str(api.get(f"{BASE}/clients/12345").json()["data"]["created_at"])

    forms = {}
    for switch in ("z", "offset", "micro", "space"):
        sandbox.switch(times=switch)
        forms[switch] = created()
    instants = {datetime.fromisoformat(text) for name, text in forms.items() if name != "space"}
    assert len(instants) == 1
    assert {datetime.fromisoformat(forms["space"]).replace(tzinfo=UTC)} == instants
    assert (forms["z"][-1], forms["offset"][-6:], forms["micro"][-8:]) == ("Z", "+01:00", ".000000Z")
    assert forms["space"][10] == " "
    sandbox.switch(times="null")
    assert created() == "None"


def test_unknown_keys_and_values(api: httpx.Client, sandbox: Sandbox) -> None:
    known = {path: api.get(BASE + path).json()["data"] for path in OBJECTS}
    sandbox.switch(unknown_keys=True)
    for path in OBJECTS[:3]:
        assert set(api.get(BASE + path).json()["data"]) - set(known[path]) == {"added_later"}
    assert api.get(BASE + OBJECTS[2]).json()["data"]["language"] == "tlh"
    assert api.get(BASE + OBJECTS[3]).json()["data"][0]["type"] == "hologram"


def test_users_known_by_numbers(api: httpx.Client, sandbox: Sandbox) -> None:
    named = api.get(f"{BASE}/me").json()["data"]
    assert isinstance(named["id"], str)
    sandbox.switch(user_ids="number")
    numbered = api.get(f"{BASE}/me").json()["data"]
    assert (type(numbered["id"]), type(numbered["organization"]["id"])) == (int, int)
    assert (numbered["name"], numbered["organization"]["name"]) == (named["name"], named["organization"]["name"])


def test_what_is_refused_may_be_400(api: httpx.Client, sandbox: Sandbox) -> None:
    usual = api.get(f"{BASE}/clients", params={"limit": 0})
    sandbox.switch(validation_status=400)
    other = api.get(f"{BASE}/clients", params={"limit": 0})
    assert (usual.status_code, other.status_code) == (422, 400)
    assert usual.json() == other.json()
    assert api.post(f"{BASE}/webhooks", json={}).status_code == 400


def test_metadata(api: httpx.Client, sandbox: Sandbox) -> None:
    def page(**query: Any) -> dict[str, Any]:
        answer: dict[str, Any] = api.get(f"{BASE}/clients", params={"limit": 10, **query}).json()
        return answer

    url = f"{sandbox.url}/api/1.0/clients"
    meta = page(page=2)
    assert list(meta) == ["data", "links", "meta"]
    assert meta["links"] == {
        "first": f"{url}?limit=10&page=1",
        "last": f"{url}?limit=10&page=6",
        "prev": f"{url}?limit=10&page=1",
        "next": f"{url}?limit=10&page=3",
    }
    numbers = {name: meta["meta"][name] for name in ("current_page", "from", "last_page", "per_page", "to", "total")}
    assert numbers == {"current_page": 2, "from": 11, "last_page": 6, "per_page": 10, "to": 20, "total": 57}
    assert meta["meta"]["path"] == url
    assert [link["label"] for link in meta["meta"]["links"] if link["active"]] == ["2"]

    sandbox.switch(metadata="simple")
    simple = page(page=2)
    assert set(simple["meta"]) == {"current_page", "from", "path", "per_page", "to"}
    assert simple["links"]["last"] is None
    assert simple["links"]["next"] == meta["links"]["next"]
    assert page(page=6)["links"]["next"] is None

    sandbox.switch(metadata="flat")
    flat = page(page=2)
    assert {name: flat[name] for name in numbers} == numbers
    assert (flat["next_page_url"], flat["prev_page_url"]) == (meta["links"]["next"], meta["links"]["prev"])

    sandbox.switch(metadata="links")
    assert page(page=2) == {"data": meta["data"], "links": meta["links"]}
    sandbox.switch(metadata="none")
    assert page(page=2) == {"data": meta["data"]}


def walk(api: httpx.Client, limit: int = 10, most: int = 20) -> tuple[list[list[int]], list[int]]:
    """The ids of each page and the totals, following `next` for at most so many pages."""
    pages, totals = [], []
    for number in range(1, most + 1):
        answer = api.get(f"{BASE}/clients", params={"limit": limit, "page": number}).json()
        pages.append([record["id"] for record in answer["data"]])
        totals.append(answer["meta"]["total"])
        if answer["links"]["next"] is None:
            break
    return pages, totals


ALL = list(range(12345, 12345 + 35))


@pytest.mark.parametrize(
    ("behaviour", "ids", "totals"),
    [
        ("honest", ALL, [35] * 4),
        ("repeats_page", ALL[:10] + ALL, [35] * 5),
        ("empty_page", ALL, [35] * 5),
        ("empty_forever", ALL[:10], [35] * 20),
        ("ignores_page", ALL[:10] * 20, [35] * 20),
        ("shrinks", ALL[:10] + ALL[11:21] + ALL[22:32] + ALL[33:], [35, 34, 33, 32]),
        ("grows", [*ALL, *range(ALL[-1] + 1, ALL[-1] + 4)], [35, 36, 37, 38]),
        ("inserts", ALL[:10] + ALL[9:19] + ALL[18:28] + ALL[27:], [35, 36, 37, 38]),
    ],
)
def test_lists_misbehave(
    api: httpx.Client, sandbox: Sandbox, behaviour: str, ids: list[int], totals: list[int]
) -> None:
    sandbox.switch(clients=35, list_behaviour=behaviour)
    pages, announced = walk(api)
    assert [client_id for page in pages for client_id in page] == ids
    assert announced == totals
    if behaviour == "empty_page":
        assert pages[1] == []


@pytest.mark.parametrize("behaviour", ["shrinks", "grows", "inserts"])
def test_changing_lists_end_even_in_pages_of_one(api: httpx.Client, sandbox: Sandbox, behaviour: str) -> None:
    sandbox.switch(clients=5, list_behaviour=behaviour)
    pages, _ = walk(api, limit=1)
    assert len(pages) <= 8


def test_next_on_another_host(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(list_behaviour="foreign_next")
    links = api.get(f"{BASE}/clients").json()["links"]
    assert links["next"].startswith("https://elsewhere.example/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"envelope": "neither"},
        {"clients": 1_000_001},
        {"clients": -1},
        {"clients": 1.5},
        {"rotation": "yes"},
        {"rate_limit": -1},
        {"latency": -0.1},
        {"latency": float("nan")},
        {"max_limit": 0},
        {"webhook_timeout": 0},
        {"rate_limit": True},
        {"validation_status": 500},
    ],
)
def test_impossible_switches_are_refused(sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"switch {next(iter(wrong))}: "):
        sandbox.switch(**wrong)
    assert sandbox.switches == Switches()


def test_unknown_switches_are_type_errors(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="no such switch: enevlope"):
        sandbox.switch(enevlope="bare")
    with pytest.raises(FrozenInstanceError):
        Switches().rotation = False  # type: ignore[misc]
