"""The control endpoint: all that the Python object can do, for other languages and for curl."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from krebit_sandbox import Sandbox, Switches
from tests.sandbox.support import exchange, refresh

ME = "/api/1.0/me"


@pytest.fixture
def control(sandbox: Sandbox, browser: httpx.Client) -> Callable[..., Any]:
    """Calls the control endpoint as somebody without a token; fails on other answers than 200 and 201."""

    def call(method: str, name: str, fields: dict[str, Any] | None = None) -> Any:
        answer = browser.request(method, f"/_sandbox/{name}", json=fields)
        assert answer.status_code == (201 if method == "POST" else 200), answer.text
        return answer.json()

    return call


def test_switches(control: Callable[..., Any], sandbox: Sandbox) -> None:
    assert control("GET", "switches") == Switches().as_dict()
    changed = control("PATCH", "switches", {"envelope": "bare", "expires_in": None, "clients": 3})
    assert (changed["envelope"], changed["expires_in"], changed["clients"]) == ("bare", None, 3)
    assert sandbox.switches == Switches(envelope="bare", expires_in=None, clients=3)


def test_faults(control: Callable[..., Any], api: httpx.Client) -> None:
    control("POST", "faults", {"kind": "status", "status": 503, "path": ME, "body": {"message": "down"}})
    control("POST", "faults", {"kind": "status", "status": 418, "times": None})
    assert [fault["status"] for fault in control("GET", "faults")] == [503, 418]
    assert (api.get(ME).status_code, api.get(ME).status_code) == (503, 418)
    assert control("DELETE", "faults") == {}
    assert api.get(ME).status_code == 200


def test_reset_answers_the_new_environment(control: Callable[..., Any], sandbox: Sandbox, api: httpx.Client) -> None:
    before = sandbox.environment
    control("PATCH", "switches", {"envelope": "bare"})
    environment = control("POST", "reset")
    assert environment == sandbox.environment == control("GET", "environment")
    assert environment["KREBIT_REFRESH_TOKEN"] != before["KREBIT_REFRESH_TOKEN"]
    assert sandbox.switches == Switches()
    assert sandbox.requests == []
    assert exchange(api, sandbox, environment["KREBIT_AUTH_CODE"]).status_code == 200


def test_tokens_codes_and_applications(control: Callable[..., Any], sandbox: Sandbox, api: httpx.Client) -> None:
    registered = control("POST", "applications", {"redirect_uris": ["http://127.0.0.1:1/cb"]})
    tokens = control("POST", "tokens", {"client_id": registered["client_id"]})
    fields = {"client_id": registered["client_id"], "client_secret": registered["client_secret"]}
    assert refresh(api, sandbox, tokens["refresh_token"], **fields).status_code == 200
    assert control("POST", "token-state", tokens)["state"] == "revoked"
    assert exchange(api, sandbox, control("POST", "codes")["code"]).status_code == 200
    fresh = control("POST", "tokens")
    control("POST", "revoke", fresh)
    assert control("POST", "token-state", fresh)["state"] == "revoked"


def test_expiry_and_clock(control: Callable[..., Any], sandbox: Sandbox, api: httpx.Client) -> None:
    control("POST", "expire")
    assert api.get(ME).status_code == 401
    bearer = {"Authorization": f"Bearer {sandbox.issue_tokens().access_token}"}
    assert api.get(ME, headers=bearer).status_code == 200
    control("POST", "clock", {"advance": 3601})
    assert api.get(ME, headers=bearer).status_code == 401


def test_acts(control: Callable[..., Any], api: httpx.Client) -> None:
    act = control("POST", "acts", {"client_id": 12346})
    assert api.get("/api/1.0/clients/12346/acts/latest").json()["data"] == act
    assert api.get(f"/api/1.0/acts/{act['uuid']}/data").status_code == 200


def test_requests_leave_control_out(control: Callable[..., Any], api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(latency=0.0, rate_limit=1)
    sandbox.fault(kind="stall", path="/_sandbox/*", times=None)
    api.post("/api/1.0/webhooks?a=1", json={"event": "é"})
    control("GET", "switches")
    records = control("GET", "requests")
    assert [(item["method"], item["path"], item["query"], item["status"]) for item in records] == [
        ("POST", "/api/1.0/webhooks", {"a": "1"}, 422)
    ]
    assert records[0]["headers"]["accept"] == "application/json"
    assert json.loads(records[0]["body"]) == {"event": "é"}


@pytest.mark.parametrize(
    ("name", "fields", "text"),
    [
        ("acts", {"client_id": 1}, "Missing or unknown: client 1; the ids begin at 12345"),
        ("acts", {}, "Missing or unknown: client_id"),
        ("faults", {"kind": "nonsense"}, "fault kind 'nonsense' is not one of"),
        ("faults", {"kind": "reset", "pth": "/"}, "a fault has no pth; it has kind, path, method,"),
        ("faults", {"path": "/"}, "a fault needs a kind: status, redirect,"),
        ("redeliver", {"id": "none"}, "Missing or unknown: delivery none"),
        ("tokens", {"client_id": "nobody"}, "Missing or unknown: nobody"),
        ("revoke", {"refresh_token": "none"}, "Missing or unknown: none"),
        ("clock", {"advance": "soon"}, "could not convert"),
        ("clock", {"advance": 10**400}, "too large"),
        ("applications", {"redirect_uris": "http://localhost"}, "redirect_uris is a list"),
        ("applications", {"redirect_uris": []}, "one redirect URI or more"),
    ],
)
def test_mistakes_are_422_with_a_reason(browser: httpx.Client, name: str, fields: dict[str, Any], text: str) -> None:
    answer = browser.post(f"/_sandbox/{name}", json=fields)
    assert answer.status_code == 422
    assert text in answer.json()["message"]


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain"])
def test_json_is_read_whatever_type_it_is_sent_under(
    browser: httpx.Client, sandbox: Sandbox, content_type: str | None
) -> None:
    """`curl --data` says that everything is a form."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = browser.patch("/_sandbox/switches", content='{"clients": 3, "money": "text"}', headers=headers)
    assert answer.status_code == 200, answer.text
    assert (sandbox.switches.clients, sandbox.switches.money) == (3, "text")


@pytest.mark.parametrize("body", ["{'clients': 3}", "clients=3", "{", "[3]", '"clients"', "3", "\udcff", "[" * 9999])
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
def test_a_body_that_is_no_object_changes_nothing_and_is_422(
    browser: httpx.Client, sandbox: Sandbox, body: str, content_type: str
) -> None:
    before = sandbox.environment
    content = body.encode(errors="surrogateescape")
    for method, name in (("PATCH", "switches"), ("POST", "reset")):
        answer = browser.request(method, f"/_sandbox/{name}", content=content, headers={"Content-Type": content_type})
        assert (answer.status_code, answer.json()["message"]) == (422, "The body is not a JSON object.")
    assert sandbox.environment == before


def test_a_switch_that_does_not_exist(browser: httpx.Client) -> None:
    answer = browser.patch("/_sandbox/switches", json={"enevlope": "bare"})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("no such switch: enevlope; the switches are envelope, metadata,")
