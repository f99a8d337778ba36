"""The calls of the quickstart, and how the API refuses."""

import re

import httpx
import pytest

from krebit_sandbox import Sandbox

QUICKSTART_ACT = "123e4567-e89b-12d3-a456-426614174000"
BASE = "/api/1.0"


def test_me(api: httpx.Client) -> None:
    user = api.get(f"{BASE}/me").json()["data"]
    assert set(user) == {"id", "name", "email", "organization"}
    assert set(user["organization"]) == {"id", "name"}


def test_list_and_detail(api: httpx.Client) -> None:
    records = api.get(f"{BASE}/clients", params={"limit": 10, "page": 1}).json()["data"]
    assert [record["id"] for record in records] == list(range(12345, 12355))
    essential = list(records[0])
    assert ",".join(essential) == "id,company_name,org_number,country,currency,credit_limit,created_at,updated_at"
    detail = api.get(f"{BASE}/clients/12345").json()["data"]
    assert set(detail) - set(essential) == {"rating", "contact_name", "contact_email", "contact_phone"}
    assert {name: detail[name] for name in essential} == records[0]


def test_latest_act_and_its_data(api: httpx.Client) -> None:
    act = api.get(f"{BASE}/clients/12345/acts/latest").json()["data"]
    assert (act["uuid"], act["client_id"]) == (QUICKSTART_ACT, 12345)
    names = "uuid,client_id,template_id,template_name,amount,currency,language,created_at,updated_at"
    assert ",".join(act) == names
    points = api.get(f"{BASE}/acts/{QUICKSTART_ACT}/data").json()["data"]
    keys = {"id", "template_field_id", "name", "type", "required", "section_id", "tab_id", "order", "value"}
    assert all(set(point) == keys for point in points)
    assert {point["type"] for point in points} == {
        *("text", "number", "money", "date", "boolean", "choice", "multi_choice"),
    }
    assert any(point["value"] is None for point in points)
    assert len({point["id"] for point in points}) == len(points)


def test_every_latest_act_has_data(api: httpx.Client) -> None:
    without = 0
    for client_id in range(12345, 12385):
        answer = api.get(f"{BASE}/clients/{client_id}/acts/latest")
        if answer.status_code == 404:
            without += 1
            continue
        act = answer.json()["data"]
        assert act["client_id"] == client_id
        assert api.get(f"{BASE}/acts/{act['uuid']}/data").status_code == 200
    assert 1 <= without < 40


def test_client_without_acts(api: httpx.Client) -> None:
    assert api.get(f"{BASE}/clients/12346").status_code == 200
    assert api.get(f"{BASE}/clients/12346/acts/latest").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/clients/1",
        "/clients/12402",
        "/clients/abc",
        "/clients/-12345",
        "/clients/" + "9" * 30,
        "/clients/٣",
        "/clients/1/acts/latest",
        "/acts/9c8ec0db-6463-48df-a26b-505bf2c8a11b/data",
        "/acts/12345/data",
        "/acts/123e4567e89b12d3a456426614174000/data",
        "/templates",
        "/me/",
    ],
)
def test_what_does_not_exist_is_404(api: httpx.Client, path: str) -> None:
    answer = api.get(BASE + path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["message"]


def test_pages_to_the_end_and_beyond(api: httpx.Client) -> None:
    last = api.get(f"{BASE}/clients", params={"limit": 50, "page": 2}).json()
    assert (len(last["data"]), last["meta"]["from"], last["meta"]["to"]) == (7, 51, 57)
    assert last["links"]["next"] is None
    beyond = api.get(f"{BASE}/clients", params={"limit": 50, "page": 3})
    assert beyond.status_code == 200
    assert beyond.json()["data"] == []
    assert (beyond.json()["meta"]["from"], beyond.json()["meta"]["to"]) == (None, None)
    assert len(api.get(f"{BASE}/clients").json()["data"]) == 15


@pytest.mark.parametrize("page", ["0", "-1", "abc", "", "1.5", "9" * 40])
def test_an_invalid_page_means_the_first(api: httpx.Client, page: str) -> None:
    answer = api.get(f"{BASE}/clients", params={"limit": 5, "page": page})
    assert answer.json()["meta"]["current_page"] == 1


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "", "1.5", "101", "٣", "9" * 40])
def test_an_invalid_limit_is_422(api: httpx.Client, limit: str) -> None:
    answer = api.get(f"{BASE}/clients", params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["errors"]["limit"] == [answer.json()["message"]]


def test_the_cap_on_limit_is_a_switch(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(max_limit=7)
    assert api.get(f"{BASE}/clients", params={"limit": 8}).status_code == 422
    assert len(api.get(f"{BASE}/clients").json()["data"]) == 7


def test_small_tenants_have_the_clients_of_the_quickstart(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(clients=1)
    assert [item["id"] for item in api.get(f"{BASE}/clients").json()["data"]] == [12345]
    sandbox.switch(clients=0)
    empty = api.get(f"{BASE}/clients").json()
    assert (empty["data"], empty["meta"]["total"], empty["meta"]["last_page"]) == ([], 0, 1)
    assert api.get(f"{BASE}/clients/12345").status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Bearer", "Basic abc", "nonsense"])
def test_without_a_valid_token_401(browser: httpx.Client, header: str | None) -> None:
    headers = {"Accept": "application/json"} | ({"Authorization": header} if header else {})
    answer = browser.get(f"{BASE}/me", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 302),
        ("text/html, application/json", 302),
        ("application/json;q=0.5, text/html", 302),
        ("application/json", 401),
        ("application/json, text/plain, */*", 401),
        ("text/html;q=0.1, application/problem+json", 401),
        ("text/html;q=x, application/json", 401),
    ],
)
def test_without_json_as_first_choice_the_login_page(
    browser: httpx.Client, sandbox: Sandbox, accept: str, status: int
) -> None:
    answer = browser.get(f"{BASE}/me", headers={"Accept": accept})
    assert answer.status_code == status
    if status == 302:
        assert answer.headers["location"] == "/login"
        assert browser.get("/login").headers["content-type"].startswith("text/html")
    sandbox.switch(redirect_unauthenticated=False)
    assert browser.get(f"{BASE}/me", headers={"Accept": accept}).status_code == 401


def test_unknown_route_and_method_come_before_the_token(browser: httpx.Client) -> None:
    assert browser.get(f"{BASE}/nothing").status_code == 404
    answer = browser.delete(f"{BASE}/webhooks")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "DELETE method is not supported" in answer.json()["message"]


def test_webhook_is_created_with_its_secret(api: httpx.Client) -> None:
    fields = {"event": "EVENT_TYPE", "target": "https://example.com/webhooks/krebit"}
    answer = api.post(f"{BASE}/webhooks", json=fields)
    assert answer.status_code == 201
    webhook = answer.json()["data"]
    assert list(webhook) == ["id", "event", "target", "secret", "created_at"]
    assert {"event": webhook["event"], "target": webhook["target"]} == fields
    assert len(webhook["secret"]) >= 32
    assert api.post(f"{BASE}/webhooks", json=fields).json()["data"]["secret"] != webhook["secret"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"event", "target"}),
        ({"event": "act.created", "target": "ftp://localhost/"}, {"target"}),
        ({"event": "act.created", "target": "localhost"}, {"target"}),
        ({"event": "act.created", "target": "http://"}, {"target"}),
        ({"event": "act.created", "target": "http://localhost:99999/"}, {"target"}),
        ({"event": "act.created", "target": "http://[::1/"}, {"target"}),
        ({"event": "act.created", "target": 5}, {"target"}),
        ({"event": "", "target": "http://localhost/"}, {"event"}),
        ({"event": 5, "target": "http://localhost/"}, {"event"}),
        ({"event": "x" * 256, "target": "http://localhost/"}, {"event"}),
    ],
)
def test_an_invalid_webhook_is_422_by_field(api: httpx.Client, fields: dict[str, object], wrong: set[str]) -> None:
    answer = api.post(f"{BASE}/webhooks", json=fields)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == wrong
    assert answer.json()["message"].endswith("(and 1 more error)") is (len(wrong) == 2)


def test_rate_limit_with_its_headers(api: httpx.Client, sandbox: Sandbox) -> None:
    assert "x-ratelimit-limit" not in api.get(f"{BASE}/me").headers
    sandbox.switch(rate_limit=2)
    remaining = [api.get(f"{BASE}/me").headers["x-ratelimit-remaining"] for _ in range(2)]
    assert remaining == ["1", "0"]
    refused = api.get(f"{BASE}/me")
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-limit"] == "2"
    assert int(refused.headers["x-ratelimit-reset"]) > sandbox.clock.now()
    sandbox.clock.advance(61)
    assert api.get(f"{BASE}/me").status_code == 200


def test_every_answer_has_a_request_id_of_its_own(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", path="/api/1.0/me", status=503)
    answers = [api.get(path) for path in (f"{BASE}/me", f"{BASE}/clients", "/nothing", "/login", "/oauth/authorize")]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert ids == [record.request_id for record in sandbox.requests]


def test_requests_are_logged_in_order(api: httpx.Client, sandbox: Sandbox) -> None:
    api.get(f"{BASE}/clients", params={"limit": 2, "page": 3})
    api.post(f"{BASE}/webhooks", json={"event": "x"})
    first, second = sandbox.requests
    assert (first.number, first.method, first.path, first.status) == (1, "GET", f"{BASE}/clients", 200)
    assert first.query == {"limit": "2", "page": "3"}
    assert first.headers["AUTHORIZATION"] == first.headers["authorization"] == api.headers["authorization"]
    assert (second.number, second.json(), second.status) == (2, {"event": "x"}, 422)


def test_a_body_that_is_too_large_is_413(api: httpx.Client) -> None:
    answer = api.post(f"{BASE}/webhooks", content=b"x" * (1 << 21), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_head_is_get_without_a_body(api: httpx.Client) -> None:
    answer = api.head(f"{BASE}/me")
    assert (answer.status_code, answer.content) == (200, b"")


def test_json_is_written_as_php_writes_it(api: httpx.Client, sandbox: Sandbox) -> None:
    text = api.get(f"{BASE}/clients", params={"limit": 100}).text
    assert text.isascii()
    assert r"\u00" in text
    assert f"{sandbox.url}/".replace("/", r"\/") in text
    assert not re.search(r"[^\\]/", text)
