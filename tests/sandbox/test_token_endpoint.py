"""Codes and tokens: what is granted, to whom, how often, for how long, and in which words it is refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from krebit_sandbox import Sandbox
from tests.sandbox.support import CHALLENGE, VERIFIER, exchange, refresh

ME = "/api/1.0/me"


def test_code_and_refresh_token_of_the_environment_are_two_grants(api: httpx.Client, sandbox: Sandbox) -> None:
    environment = sandbox.environment
    by_code = exchange(api, sandbox, environment["KREBIT_AUTH_CODE"])
    assert by_code.status_code == 200
    by_refresh = refresh(api, sandbox, environment["KREBIT_REFRESH_TOKEN"])
    assert by_refresh.status_code == 200
    for answer in (by_code.json(), by_refresh.json()):
        assert set(answer) == {"token_type", "expires_in", "access_token", "refresh_token"}
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
        assert api.get(ME, headers={"Authorization": f"Bearer {answer['access_token']}"}).status_code == 200
    assert by_code.headers["cache-control"] == "no-store"


def test_code_is_good_once(api: httpx.Client, sandbox: Sandbox) -> None:
    code = sandbox.issue_code()
    assert exchange(api, sandbox, code).status_code == 200
    again = exchange(api, sandbox, code)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert again.json()["hint"] == "Authorization code has been revoked"


def test_code_lives_ten_minutes(api: httpx.Client, sandbox: Sandbox) -> None:
    early, late = sandbox.issue_code(), sandbox.issue_code()
    sandbox.clock.advance(560)
    assert exchange(api, sandbox, early).status_code == 200
    sandbox.clock.advance(41)
    assert exchange(api, sandbox, late).json()["hint"] == "Authorization code has expired"


def test_code_is_bound_to_application_and_redirect_uri(api: httpx.Client, sandbox: Sandbox) -> None:
    code, other = sandbox.issue_code(), sandbox.register()
    assert exchange(api, sandbox, code, application=other).json()["error"] == "invalid_grant"
    second_uri = sandbox.application.redirect_uris[1]
    assert exchange(api, sandbox, code, redirect_uri=second_uri).json()["hint"] == "Invalid redirect URI"
    assert exchange(api, sandbox, code, redirect_uri=None).json()["error"] == "invalid_request"
    trailing = sandbox.application.redirect_uris[0] + "/"
    assert exchange(api, sandbox, code, redirect_uri=trailing).status_code == 400
    assert exchange(api, sandbox, code).status_code == 200


@pytest.mark.parametrize(
    ("challenge", "method", "verifier", "error"),
    [
        (CHALLENGE, "S256", VERIFIER, None),
        (VERIFIER, "plain", VERIFIER, None),
        (CHALLENGE, "S256", None, "invalid_request"),
        (CHALLENGE, "S256", "too-short", "invalid_request"),
        (CHALLENGE, "S256", VERIFIER + "x", "invalid_grant"),
        (CHALLENGE, "plain", VERIFIER, "invalid_grant"),
        (None, "S256", VERIFIER, "invalid_request"),
        (None, "S256", None, None),
    ],
)
def test_pkce(
    api: httpx.Client, sandbox: Sandbox, challenge: str | None, method: Any, verifier: str | None, error: str | None
) -> None:
    code = sandbox.issue_code(challenge=challenge, method=method)
    answer = exchange(api, sandbox, code, code_verifier=verifier)
    assert (answer.status_code, answer.json().get("error")) == ((400, error) if error else (200, None))


def test_refresh_rotates_and_the_old_pair_dies_at_once(api: httpx.Client, sandbox: Sandbox) -> None:
    old = sandbox.issue_tokens()
    answer = refresh(api, sandbox, old.refresh_token).json()
    assert api.get(ME, headers={"Authorization": f"Bearer {old.access_token}"}).status_code == 401
    assert sandbox.token_state(old.refresh_token) == "revoked"
    refused = refresh(api, sandbox, old.refresh_token)
    assert (refused.status_code, refused.json()["hint"]) == (400, "Token has been revoked")
    assert sandbox.token_state(answer["refresh_token"]) == "live"
    assert api.get(ME, headers={"Authorization": f"Bearer {answer['access_token']}"}).status_code == 200


def test_reuse_revokes_the_family_when_switched_on(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(reuse_revokes_family=True)
    old, stranger = sandbox.issue_tokens(), sandbox.issue_tokens()
    new = refresh(api, sandbox, old.refresh_token).json()
    assert refresh(api, sandbox, old.refresh_token).status_code == 400
    assert sandbox.token_state(new["refresh_token"]) == "revoked"
    assert api.get(ME, headers={"Authorization": f"Bearer {new['access_token']}"}).status_code == 401
    assert sandbox.token_state(stranger.refresh_token) == "live"


def test_without_rotation_the_refresh_token_stays(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(rotation=False)
    tokens = sandbox.issue_tokens()
    first = refresh(api, sandbox, tokens.refresh_token).json()
    assert "refresh_token" not in first
    second = refresh(api, sandbox, tokens.refresh_token).json()
    assert api.get(ME, headers={"Authorization": f"Bearer {first['access_token']}"}).status_code == 401
    assert api.get(ME, headers={"Authorization": f"Bearer {second['access_token']}"}).status_code == 200


def test_many_refreshes_at_once_have_one_winner(sandbox: Sandbox, api: httpx.Client) -> None:
    tokens = sandbox.issue_tokens()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: refresh(api, sandbox, tokens.refresh_token).status_code, range(32)))
    assert sorted(answers) == [200] + [400] * 31


@pytest.mark.parametrize("sent", [None, "3600", "abc", -1, 1e99])
def test_expires_in_is_sent_as_switched_and_enforced_as_set(api: httpx.Client, sandbox: Sandbox, sent: object) -> None:
    sandbox.switch(expires_in=sent, token_lifetime=100)
    answer = refresh(api, sandbox, sandbox.issue_tokens().refresh_token).json()
    assert answer.get("expires_in") == sent
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    sandbox.clock.advance(60)
    assert api.get(ME, headers=bearer).status_code == 200
    sandbox.clock.advance(41)
    assert api.get(ME, headers=bearer).status_code == 401


def test_expire_and_revoke(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.expire_access_tokens()
    assert api.get(ME).status_code == 401
    tokens = sandbox.issue_tokens()
    bearer = {"Authorization": f"Bearer {tokens.access_token}"}
    assert api.get(ME, headers=bearer).status_code == 200
    sandbox.revoke_refresh_token(tokens.refresh_token)
    assert api.get(ME, headers=bearer).status_code == 401
    assert sandbox.token_state(tokens.refresh_token) == "revoked"
    assert sandbox.token_state("never issued") == "unknown"
    with pytest.raises(KeyError):
        sandbox.revoke_refresh_token("never issued")


def test_a_login_is_ended_by_any_of_its_refresh_tokens(sandbox: Sandbox, api: httpx.Client) -> None:
    """Whoever holds the environment's token ends its login, however often it was refreshed since."""
    first = sandbox.environment["KREBIT_REFRESH_TOKEN"]
    others = sandbox.issue_tokens()
    second = refresh(api, sandbox, first).json()
    third = refresh(api, sandbox, second["refresh_token"]).json()
    sandbox.revoke_refresh_token(first)
    assert sandbox.token_state(third["refresh_token"]) == "revoked"
    assert refresh(api, sandbox, third["refresh_token"]).status_code == 400
    bearer = {"Authorization": f"Bearer {third['access_token']}"}
    assert api.get("/api/1.0/me", headers=bearer).status_code == 401
    assert sandbox.token_state(others.refresh_token) == "live"


def test_refresh_token_is_bound_to_its_application_and_ends_in_time(api: httpx.Client, sandbox: Sandbox) -> None:
    tokens = sandbox.issue_tokens()
    other = refresh(api, sandbox, tokens.refresh_token, application=sandbox.register())
    assert other.json()["hint"] == "Token is not linked to client"
    sandbox.clock.advance(sandbox.switches.refresh_lifetime + 1)
    assert refresh(api, sandbox, tokens.refresh_token).json()["hint"] == "Token has expired"


DEAD_GRANTS = [
    ("league9", "refresh", 400, "invalid_grant", False),
    ("league8", "refresh", 401, "invalid_request", True),
    ("league9", "code", 400, "invalid_grant", False),
    ("league8", "code", 400, "invalid_request", True),
]


@pytest.mark.parametrize(("dialect", "kind", "status", "error", "repeats"), DEAD_GRANTS)
def test_dead_grants_in_both_dialects(
    api: httpx.Client, sandbox: Sandbox, dialect: str, kind: str, status: int, error: str, repeats: bool
) -> None:
    sandbox.switch(error_dialect=dialect)
    answer = refresh(api, sandbox, "dead") if kind == "refresh" else exchange(api, sandbox, "dead")
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error)
    assert body["hint"].startswith("Cannot decrypt the ")
    assert (body.get("message") == body["error_description"]) is repeats


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"refresh_token": None}, 400, "invalid_request"),
        ({"refresh_token": ["a", "list"]}, 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
    ],
)
def test_malformed_requests_spend_nothing(
    api: httpx.Client, sandbox: Sandbox, changes: dict[str, Any], status: int, error: str
) -> None:
    tokens = sandbox.issue_tokens()
    answer = refresh(api, sandbox, tokens.refresh_token, **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("hint" in answer.json()) is (status == 400)
    assert sandbox.token_state(tokens.refresh_token) == "live"


def test_form_bodies_work_and_nonsense_is_no_grant(api: httpx.Client, sandbox: Sandbox) -> None:
    application = sandbox.application
    fields = {
        "grant_type": "refresh_token",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "refresh_token": sandbox.issue_tokens().refresh_token,
    }
    assert api.post("/api/oauth/token", data=fields).status_code == 200
    for content in (b"", b"{", b"[]", b"\xff", b"[" * 100_000):
        answer = api.post("/api/oauth/token", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_the_path_without_api_is_unknown_and_get_is_refused(api: httpx.Client) -> None:
    assert api.post("/oauth/token").status_code == 404
    answer = api.get("/api/oauth/token")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_throttle_comes_before_anything_is_spent(api: httpx.Client, sandbox: Sandbox) -> None:
    tokens = sandbox.issue_tokens()
    sandbox.switch(rate_limit=0)
    answer = refresh(api, sandbox, tokens.refresh_token)
    assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Attempts."})
    assert sandbox.token_state(tokens.refresh_token) == "live"


def test_no_secret_in_a_repr(api: httpx.Client, sandbox: Sandbox) -> None:
    tokens = sandbox.issue_tokens()
    refresh(api, sandbox, tokens.refresh_token)
    shown = f"{tokens!r} {sandbox.application!r} {sandbox!r} {sandbox.requests!r}"
    for secret in (tokens.access_token, tokens.refresh_token, sandbox.application.client_secret):
        assert secret not in shown
