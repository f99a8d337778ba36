"""A refresh that fails: by a bad answer, by none, or by a refusal. No failure costs a pair that is still good."""

from pathlib import Path
from typing import Any

import pytest

from krebit import FileTokenStore
from krebit.clock import monotonic
from krebit.errors import (
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    KrebitError,
    LoginRequired,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
)
from tests.oauth.support import TOKEN, Background, Site

BAD_ANSWERS = {
    "html": ({"status": 200, "body": "<html>", "headers": {"content-type": "text/html"}}, UnexpectedResponse),
    "no token": ({"status": 200, "body": {"token_type": "Bearer"}}, UnexpectedResponse),
    "an empty token": ({"status": 200, "body": {"access_token": ""}}, UnexpectedResponse),
    "a token with a line break": ({"status": 200, "body": {"access_token": "a\r\nb: c"}}, UnexpectedResponse),
    "a token that is a number": ({"status": 200, "body": {"access_token": 5}}, UnexpectedResponse),
    "a refresh token that is a list": (
        {"status": 200, "body": {"access_token": "abc", "refresh_token": ["x"]}},
        UnexpectedResponse,
    ),
    "another type": ({"status": 200, "body": {"access_token": "abc", "token_type": "mac"}}, UnexpectedResponse),
    "a list": ({"status": 200, "body": ["access_token"]}, UnexpectedResponse),
    "too many requests": (
        {"status": 429, "body": {"message": "Too Many Attempts."}, "headers": {"Retry-After": "3600"}},
        RateLimited,
    ),
    "401 without a reason": ({"status": 401, "body": {"message": "Unauthenticated."}}, Unauthorized),
    "401 invalid_request without a hint": ({"status": 401, "body": {"error": "invalid_request"}}, ConfigurationError),
    "422": ({"status": 422, "body": {"message": "The given data was invalid.", "errors": {}}}, KrebitError),
    "a redirect": ({"status": 302, "headers": {"location": "/login"}}, UnexpectedResponse),
    "500": ({"status": 500}, ServerError),
    "502 with html": ({"status": 502, "body": "<h1>Bad Gateway</h1>"}, ServerError),
}


@pytest.mark.parametrize(("answer", "error"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_no_bad_answer_overwrites_the_pair(site: Site, answer: dict[str, Any], error: type[KrebitError]) -> None:
    before = site.login()
    site.sandbox.fault(kind="status", path=TOKEN, times=None, **answer)
    with site.client(refresh_timeout=30) as api:
        with pytest.raises(error):
            api.get_current_user()
        assert site.stored() == before
        site.sandbox.clear_faults()
        api.get_current_user()
    assert site.state() == "live"


@pytest.mark.parametrize("kind", ["garbage", "garbage_body", "truncate", "reset", "close"])
def test_a_broken_answer_leaves_the_pair_and_the_same_token_is_sent_again(site: Site, kind: str) -> None:
    body = {"access_token": "abc"} if kind == "truncate" else None
    site.login()
    site.sandbox.fault(kind=kind, path=TOKEN, body=body)
    with site.client() as api:
        api.get_current_user()
    first, second = site.token_requests()
    assert first.body == second.body
    assert site.state() == "live"


@pytest.mark.parametrize("kind", ["garbage", "reset", "close", "truncate"])
def test_an_answer_that_is_lost_after_the_rotation_asks_for_a_sign_in(site: Site, kind: str) -> None:
    before = site.login()
    site.sandbox.fault(kind=kind, path=TOKEN, after_effect=True)
    with site.client() as api:
        with pytest.raises(LoginRequired, match="sign in with"):
            api.get_current_user()
        first, second = site.token_requests()
        assert first.body == second.body
        # The mark says which token is dead; nothing is wiped, and no further request is made with it.
        assert site.stored().refresh_token == before.refresh_token
        assert site.stored().is_dead
        with pytest.raises(LoginRequired):
            api.get_current_user()
    assert len(site.token_requests()) == 2


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_stall_leaves_time_to_send_the_same_token_again(site: Site, after_effect: bool) -> None:
    site.login()
    site.sandbox.fault(kind="stall", path=TOKEN, after_effect=after_effect)
    with site.client(refresh_timeout=6.0) as api:
        if after_effect:
            with pytest.raises(LoginRequired):
                api.get_current_user()
        else:
            api.get_current_user()
            assert site.state() == "live"
    first, second = site.token_requests()
    assert first.body == second.body


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttle_or_maintenance_has_spent_nothing(site: Site, status: int) -> None:
    site.login()
    site.sandbox.fault(kind="status", status=status, path=TOKEN, times=4)
    with site.client() as api:
        api.get_current_user()
    assert len({request.body for request in site.token_requests()}) == 1
    assert len(site.token_requests()) == 5
    assert site.state() == "live"


def test_a_server_that_cannot_be_reached_is_tried_within_the_deadline(site: Site) -> None:
    before = site.login()
    key = site.key()
    settings = {**site.settings, "domain": "localhost:1"}
    with site.store.lease(type(key)("localhost:1", key.client_id), patience=1) as lease:
        lease.save(before)
    with (
        type(site.client())(**settings, store=site.store, refresh_timeout=5.0) as api,
        pytest.raises(ConnectionFailed) as caught,
    ):
        api.get_current_user()
    assert caught.value.sent is False
    assert not site.sandbox.requests


def test_the_callers_time_is_up_and_the_refresh_goes_on(site: Site) -> None:
    site.login()
    site.hold()
    with site.client(timeout=0.2) as api:
        with pytest.raises(DeadlineExceeded, match="the refresh goes on"):
            api.get_current_user()
        site.sandbox.wait_for_held()
        site.sandbox.release()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_closing_does_not_wait_for_a_server_that_stays_busy(site: Site, status: int) -> None:
    """As at the end of a program in an outage, or of a test that leaves a fault on. The next one finds the login."""
    site.login()
    site.sandbox.fault(kind="status", status=status, path=TOKEN, times=None)
    began = monotonic()
    with site.client(timeout=0.5) as api, pytest.raises(DeadlineExceeded, match="the refresh goes on"):
        api.get_current_user()
    assert monotonic() - began < 10  # a refresh may take 30 s
    site.sandbox.clear_faults()
    assert site.state() == "live"
    with site.client() as api:
        api.get_current_user()


@pytest.mark.parametrize("dialect", ["league9", "league8"])
def test_a_dead_token_in_either_dialect(site: Site, dialect: str) -> None:
    site.sandbox.switch(error_dialect=dialect)
    before = site.login()
    site.sandbox.revoke_refresh_token(site.refresh_token())
    with site.client() as api:
        with pytest.raises(LoginRequired, match=r"api\.login\(\)") as caught:
            api.get_current_user()
        assert "start_login()" in str(caught.value)
        assert not api.is_signed_in()
        assert (site.stored().refresh_token, site.stored().access_token) == (before.refresh_token, before.access_token)
    # Another process, later, does not use the dead token once more.
    with site.client() as api, pytest.raises(LoginRequired):
        api.get_current_user()
    assert len(site.token_requests()) == 1


def test_a_new_login_clears_the_mark(site: Site) -> None:
    site.login()
    site.sandbox.revoke_refresh_token(site.refresh_token())
    with site.client() as api:
        with pytest.raises(LoginRequired):
            api.get_current_user()
        attempt = api.start_login()
        code = site.sandbox.issue_code(challenge=attempt.url.partition("code_challenge=")[2].partition("&")[0])
        api.finish_login(code=code, state=attempt.state)
        assert not site.stored().is_dead
        assert api.is_signed_in()
        api.get_current_user()


@pytest.mark.parametrize("dialect", ["league9", "league8"])
def test_a_dead_token_and_a_newer_pair_in_the_store(site: Site, dialect: str, tmp_path: Path) -> None:
    """Another program stored a newer pair without keeping to the lock: it is adopted."""
    site.sandbox.switch(error_dialect=dialect)
    site.login()
    site.sandbox.revoke_refresh_token(site.refresh_token())
    newer = site.sandbox.issue_tokens()
    site.hold()
    elsewhere = Site(site.sandbox, FileTokenStore(tmp_path / "elsewhere"))
    with site.client() as api:
        call = Background(api.get_current_user)
        site.sandbox.wait_for_held()
        elsewhere.put(newer.access_token, newer.refresh_token, expired=False)
        elsewhere.file().replace(site.file())
        site.sandbox.release()
        call.finish()
    assert not site.stored().is_dead
    assert site.refresh_token() == newer.refresh_token
    assert len(site.token_requests()) == 1


def test_the_application_itself_is_refused(site: Site) -> None:
    before = site.login()
    with site.client(client_secret="not-the-secret") as api:
        with pytest.raises(ConfigurationError, match="compare its id, secret and redirect URI"):
            api.get_current_user()
        assert site.stored() == before
        assert api.is_signed_in()
    with site.client() as api:
        api.get_current_user()


@pytest.mark.parametrize("status", [307, 308])
def test_the_token_endpoints_redirects_are_not_followed(site: Site, status: int) -> None:
    before = site.login()
    site.sandbox.fault(kind="redirect", status=status, path=TOKEN, location="/api/oauth/elsewhere", times=None)
    with site.client() as api, pytest.raises(UnexpectedResponse, match="not followed"):
        api.get_current_user()
    assert [request.path for request in site.sandbox.requests] == [TOKEN]
    assert site.stored() == before
