"""What a callback of a sign-in may be: refused, repeated, of somebody else, late."""

from typing import Any
from urllib.parse import urlencode

import pytest

from krebit import ClientClosed, Krebit
from krebit.errors import LoginFailed
from tests.consent import allow
from tests.oauth.support import Site

REFUSED: dict[str, dict[str, Any]] = {
    "a wrong state": {"callback": "https://a.example/?code=abc&state=wrong"},
    "no state": {"callback": "https://a.example/?code=abc"},
    "an empty state": {"callback": "https://a.example/?code=abc&state="},
    "a state that is not ASCII": {"callback": "https://a.example/?code=abc&state=å\udcff"},
    "nothing": {"callback": ""},
    "no query": {"callback": "https://a.example/callback"},
    "a code alone": {"code": "abc"},
    "no arguments": {},
}


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED)
def test_callbacks_that_are_refused(site: Site, arguments: dict[str, Any]) -> None:
    with site.client() as api:
        attempt = api.start_login()
        with pytest.raises(LoginFailed):
            api.finish_login(**arguments)
        with pytest.raises(LoginFailed):
            api.finish_login(**arguments, attempt=attempt)
    assert not site.sandbox.requests


@pytest.mark.parametrize("extra", ["&code=x", "&state=x", "&code=abc"])
def test_a_parameter_that_comes_twice(site: Site, extra: str) -> None:
    with site.client() as api:
        attempt = api.start_login()
        with pytest.raises(LoginFailed, match="repeats"):
            api.finish_login(f"https://a.example/?code=abc&state={attempt.state}{extra}")
    assert not site.sandbox.requests


def test_no_code(site: Site) -> None:
    with site.client() as api:
        attempt = api.start_login()
        with pytest.raises(LoginFailed, match="no code"):
            api.finish_login(f"?state={attempt.state}")
    assert not site.sandbox.requests


@pytest.mark.parametrize("kept", ["by the client", "by the caller"])
def test_a_state_is_good_once(site: Site, kept: str) -> None:
    with site.client() as api:
        attempt = api.start_login()
        callback = allow(attempt.url)
        more: dict[str, Any] = {"attempt": attempt} if kept == "by the caller" else {}
        api.finish_login(callback, **more)
        with pytest.raises(LoginFailed, match="used already"):
            api.finish_login(callback, **more)
    assert len(site.token_requests()) == 1


def test_a_state_stays_used_however_many_follow(site: Site) -> None:
    """Also where the attempt is kept elsewhere, and is passed again."""
    with site.client() as api, site.client() as elsewhere:
        attempt = api.start_login()
        callback = allow(attempt.url)
        api.finish_login(callback)
        for _ in range(1100):
            other = elsewhere.start_login()
            with pytest.raises(LoginFailed, match="no code"):
                api.finish_login(f"?state={other.state}", attempt=other)
        for kept in (None, attempt):
            with pytest.raises(LoginFailed, match="used already"):
                api.finish_login(callback, attempt=kept)
    assert len(site.token_requests()) == 1


@pytest.mark.parametrize("with_state", [True, False])
def test_the_servers_refusal_is_told(site: Site, with_state: bool) -> None:
    site.sandbox.switch(consent="deny")
    with site.client() as api:
        attempt = api.start_login()
        callback = allow(attempt.url)
        if not with_state:
            callback = callback.replace(urlencode({"state": attempt.state}), "x=1")
        with pytest.raises(
            LoginFailed, match="The resource owner or authorization server denied the request"
        ) as caught:
            api.finish_login(callback)
    assert caught.value.error == "access_denied"
    assert not site.token_requests()


@pytest.mark.parametrize("dialect", ["league9", "league8"])
def test_a_dead_code(site: Site, dialect: str) -> None:
    site.sandbox.switch(error_dialect=dialect)
    before = site.login(expired=False)
    with site.client() as api:
        attempt = api.start_login()
        callback = allow(attempt.url)
        site.sandbox.clock.advance(601)
        with pytest.raises(LoginFailed, match="expired"):
            api.finish_login(callback)
    assert site.stored() == before


def test_used_after_close(site: Site) -> None:
    api: Krebit = site.client()
    attempt = api.start_login()
    api.close()
    with pytest.raises(ClientClosed):
        api.finish_login(code="abc", state=attempt.state)


def test_a_sign_in_of_one_profile_is_no_login_of_another(site: Site) -> None:
    """A callback that somebody else began must not sign a person in (RFC 6749, 10.12)."""
    with site.client(redirect_uri="https://app.example/callback") as api:
        attempt = api.with_profile("one").start_login()
        callback = f"https://app.example/callback?code=x&state={attempt.state}"
        with pytest.raises(LoginFailed, match="another profile"):
            api.with_profile("two").finish_login(callback)
        with pytest.raises(LoginFailed, match="refused the code"):  # here the code is asked for, and it is made up
            api.with_profile("one").finish_login(callback)
