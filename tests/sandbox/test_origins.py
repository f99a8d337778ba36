"""Pages of other sites in a person's browser neither steer the sandbox, nor read it, nor fill its memory."""

from collections.abc import Iterator

import httpx
import pytest

from krebit_sandbox import Sandbox
from krebit_sandbox.request_log import KEPT, KEPT_BYTES
from tests.sandbox.support import authorize_query, http_client

ME = "/api/1.0/me"
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Host": "evil.example"},
    {"Host": "localhost.evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "null"},
]
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
PATHS = ["/_sandbox/environment", "/oauth/authorize", "/api/oauth/token", ME, "/nowhere"]


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A signed in client that keeps no cookies of others."""
    with http_client(sandbox) as client:
        yield client


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_a_request_of_a_foreign_page_is_refused_and_not_kept(
    sandbox: Sandbox, client: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    for method in ("GET", "POST"):
        answer = client.request(method, path, headers=headers, content=b"x" * 1000 if method == "POST" else None)
        assert answer.status_code == 403, (method, answer.text)
        assert "other sites" in answer.json()["message"]
        assert "KREBIT" not in answer.text
    assert sandbox.requests == []


def test_a_foreign_page_that_follows_a_link_reads_no_control(client: httpx.Client) -> None:
    for name in ("environment", "requests", "switches"):
        assert client.get(f"/_sandbox/{name}", headers=LINK).status_code == 403


def test_a_person_follows_a_link_of_the_application_to_the_consent_page(
    sandbox: Sandbox, browser: httpx.Client
) -> None:
    answer = browser.get("/oauth/authorize", params=authorize_query(sandbox), headers=LINK)
    assert answer.status_code == 200
    assert browser.get("/oauth/authorize", headers={**LINK, "Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("origin", ["null", "own", None])
def test_the_pages_of_the_sandbox_itself_may_send(sandbox: Sandbox, client: httpx.Client, origin: str | None) -> None:
    """A form on a page that sends no referrer has the origin "null", and says that it is of the same site."""
    headers = {"Sec-Fetch-Site": "same-origin"}
    if origin is not None:
        headers["Origin"] = sandbox.url if origin == "own" else origin
    assert client.get(ME, headers=headers).status_code == 200
    assert client.post("/_sandbox/expire", headers=headers).status_code == 201


def test_a_body_of_control_has_a_largest_size(sandbox: Sandbox, client: httpx.Client) -> None:
    answer = client.post("/_sandbox/expire", content=b" " * (2 << 20))
    assert (answer.status_code, answer.json()["message"]) == (413, "The POST data is too large.")
    assert client.get(ME).status_code == 200


def test_the_log_has_a_largest_size(sandbox: Sandbox, client: httpx.Client) -> None:
    largest = 1 << 20
    for number in range(KEPT_BYTES // largest + 3):
        client.post("/api/oauth/token", params={"number": number}, content=b"x" * largest)
    records = sandbox.requests
    assert sum(record.size for record in records) <= KEPT_BYTES
    assert records[-1].query == {"number": str(KEPT_BYTES // largest + 2)}
    assert 1 < len(records) < KEPT_BYTES // largest + 3 < KEPT
