"""When a token is renewed, what is sent for it, and what is kept of the answer."""

import pytest

from krebit.errors import LoginRequired, Unauthorized
from tests.oauth.support import TOKEN, Site


def test_a_token_at_its_end_is_renewed_before_the_call(site: Site) -> None:
    old = site.login().refresh_token
    with site.client() as api:
        api.get_current_user()
    assert [request.path for request in site.sandbox.requests] == [TOKEN, "/api/1.0/me"]
    assert site.stored().refresh_token != old
    assert site.state() == "live"


def test_a_token_that_is_good_is_not_renewed(site: Site) -> None:
    site.login(expired=False)
    with site.client() as api:
        api.get_current_user()
        api.get_current_user()
    assert not site.token_requests()


def test_what_is_sent(site: Site) -> None:
    old = site.login().refresh_token
    assert old is not None
    with site.client() as api:
        api.get_current_user()
    (request,) = site.token_requests()
    assert request.json() == {
        "grant_type": "refresh_token",
        "client_id": site.sandbox.application.client_id,
        "client_secret": site.sandbox.application.client_secret,
        "refresh_token": old.reveal(),
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("sent", ["3600", "abc", -1, 1e99, "1e400", 0, True, None])
def test_any_lifetime_keeps_the_pair(site: Site, sent: object) -> None:
    """Without a lifetime that makes sense, only a 401 tells that a token has ended."""
    site.login()
    site.sandbox.switch(expires_in="token_lifetime") if sent is True else site.sandbox.switch(expires_in=sent)
    with site.client() as api:
        api.get_current_user()
        assert site.state() == "live"
        api.get_current_user()
        assert len(site.token_requests()) == 1
        site.sandbox.expire_access_tokens()
        api.get_current_user()
    assert len(site.token_requests()) == 2
    assert site.state() == "live"


def test_without_a_new_refresh_token_the_old_one_is_kept(site: Site) -> None:
    site.sandbox.switch(rotation=False)
    old = site.login().refresh_token
    with site.client() as api:
        api.get_current_user()
        site.sandbox.expire_access_tokens()
        api.get_current_user()
    assert site.stored().refresh_token == old
    assert site.state() == "live"


@pytest.mark.parametrize("odd", ['"token_type": null', '"expires_in": ' + "9" * 5000, '"scope": {}', '"a": NaN'])
def test_odd_fields_cost_no_pair(site: Site, odd: str) -> None:
    site.login()
    new = site.sandbox.issue_tokens()
    pair = f'"access_token": "{new.access_token}", "refresh_token": "{new.refresh_token}"'
    site.sandbox.fault(kind="status", status=200, path=TOKEN, body=f"{{{pair}, {odd}}}")
    with site.client() as api:
        api.get_current_user()
    assert site.refresh_token() == new.refresh_token
    assert len(site.token_requests()) == 1


def test_a_refresh_that_brings_the_refused_token_again_is_made_once(site: Site) -> None:
    old = site.login(expired=False).access_token
    assert old is not None
    site.sandbox.expire_access_tokens()
    new = site.sandbox.issue_tokens().refresh_token
    body = {"access_token": old.reveal(), "refresh_token": new}
    site.sandbox.fault(kind="status", status=200, path=TOKEN, body=body, times=None)
    with site.client() as api, pytest.raises(Unauthorized):
        api.get_current_user()
    assert len(site.token_requests()) == 1
    assert site.refresh_token() == new


def test_a_401_is_answered_by_a_refresh_and_one_replay(site: Site) -> None:
    site.login(expired=False)
    site.sandbox.expire_access_tokens()
    with site.client() as api:
        api.get_current_user()
    assert [(request.path, request.status) for request in site.sandbox.requests] == [
        ("/api/1.0/me", 401),
        (TOKEN, 200),
        ("/api/1.0/me", 200),
    ]


def test_a_second_401_is_an_error(site: Site) -> None:
    site.login(expired=False)
    site.sandbox.fault(kind="status", status=401, path="/api/1.0/me", times=None)
    with site.client() as api, pytest.raises(Unauthorized):
        api.get_current_user()
    assert len(site.token_requests()) == 1
    assert len(site.sandbox.requests) == 3


def test_a_401_adopts_what_another_process_has_stored(site: Site) -> None:
    site.login(expired=False)
    with site.client() as api, site.client() as other:
        api.get_current_user()
        other.get_current_user()
        site.sandbox.expire_access_tokens()
        other.get_current_user()
        api.get_current_user()
    assert len(site.token_requests()) == 1


def test_without_a_login_it_is_said_how_to_sign_in(site: Site) -> None:
    with site.client() as api:
        assert not api.is_signed_in()
        with pytest.raises(LoginRequired, match="not signed in"):
            api.get_current_user()
    assert not site.sandbox.requests


def test_an_access_token_without_a_refresh_token_is_used_to_its_end(site: Site) -> None:
    tokens = site.sandbox.issue_tokens()
    site.put(tokens.access_token, None, expired=False)
    with site.client() as api:
        api.get_current_user()
        site.sandbox.expire_access_tokens()
        with pytest.raises(LoginRequired, match="no refresh token"):
            api.get_current_user()
