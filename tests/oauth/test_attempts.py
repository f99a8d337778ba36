"""Sign-ins that were begun: several at once, kept by the client or by the caller, and for how long."""

import json
from typing import Any

import pytest

from krebit import Krebit
from krebit.config import UncheckedSettings, check_settings
from krebit.errors import LoginFailed
from krebit.oauth.sign_in import LoginAttempt, SignIns
from krebit.redaction import Secret
from tests.consent import allow
from tests.oauth.support import Site, query


def test_attempts_of_several_people(site: Site) -> None:
    with site.client() as api:
        first, second = api.start_login(), api.start_login()
        with pytest.raises(LoginFailed):
            api.finish_login(code="abc", state=second.state, attempt=first)
        api.finish_login(allow(second.url))
        api.finish_login(allow(first.url))


def test_a_pending_sign_in_survives_many_others(site: Site) -> None:
    with site.client() as api:
        first = api.start_login()
        for _ in range(5000):
            api.start_login()
        api.finish_login(allow(first.url))


class Hours:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sign_ins(site: Site, clock: Hours) -> SignIns:
    settings = {**site.settings, "client_secret": Secret("x")}
    plain_http = settings.pop("plain_http")
    return SignIns(check_settings(UncheckedSettings(**settings), plain_http=plain_http), pkce=True, now=clock)


def test_a_sign_in_that_the_client_keeps_may_take_an_hour(site: Site) -> None:
    clock = Hours()
    begun = sign_ins(site, clock)
    first, second = begun.start(), begun.start()
    clock.now = 3599
    assert begun.finish(code="abc", state=first.state).redirect_uri == first.redirect_uri
    clock.now = 3600
    with pytest.raises(LoginFailed, match="long ago"):
        begun.finish(code="abc", state=second.state)


def test_a_used_state_is_known_as_long_as_its_code_can_live(site: Site) -> None:
    clock = Hours()
    begun = sign_ins(site, clock)
    attempt = begun.start()
    begun.finish(code="abc", state=attempt.state)
    clock.now = 599
    with pytest.raises(LoginFailed, match="used already"):
        begun.finish(code="abc", state=attempt.state, attempt=attempt)


FOREIGN: dict[str, dict[str, Any]] = {
    "another tenant": {"domain": "yourco.krebit.se", "plain_http": False},
    "another application": {"client_id": "another"},
    "another port": {"domain": "localhost:1"},
}


@pytest.mark.parametrize("settings", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("kept", ["as it is", "as a dict"])
def test_an_attempt_belongs_to_one_tenant_and_application(site: Site, settings: dict[str, Any], kept: str) -> None:
    """No other gets its code and verifier: nothing is sent, and it can still be finished where it was begun."""
    with site.client() as api, site.client(**settings) as other:
        attempt = api.start_login()
        if kept == "as a dict":
            attempt = LoginAttempt.from_dict(json.loads(json.dumps(attempt.to_dict())))
        callback = allow(attempt.url)
        before = len(site.sandbox.requests)
        with pytest.raises(LoginFailed, match="was begun at"):
            other.finish_login(callback, attempt=attempt)
        assert len(site.sandbox.requests) == before
        api.finish_login(callback, attempt=attempt)


def test_two_sign_ins_of_one_person_in_two_tabs(site: Site) -> None:
    """As the documentation shows it. A stray hit ends neither."""
    kept: dict[str, Any] = {}

    def connect(api: Krebit) -> str:
        attempt = api.start_login()
        kept[attempt.state] = attempt.to_dict()
        return allow(attempt.url)

    def callback(api: Krebit, url: str) -> None:
        attempt = LoginAttempt.from_dict(kept.pop(query(url).get("state", ""), None))
        api.finish_login(url, attempt=attempt)

    with site.client() as api:
        first, second = connect(api), connect(api)
        for stray in ("", "?", "?state=wrong&code=abc", "?error=access_denied"):
            with pytest.raises(LoginFailed):
                callback(api, "https://a.example/callback" + stray)
        for url in (second, first):
            callback(api, url)
            api.get_current_user()
    assert not kept


def test_an_attempt_that_the_caller_keeps(site: Site) -> None:
    """Another process gets the callback."""
    with site.client() as api:
        kept = json.dumps(api.start_login().to_dict())
    with site.client() as api:
        attempt = LoginAttempt.from_dict(json.loads(kept))
        callback = allow(attempt.url)
        with pytest.raises(LoginFailed, match="not that of a sign-in begun here"):
            api.finish_login(callback)
        api.finish_login(callback, attempt=attempt)
        api.get_current_user()


@pytest.mark.parametrize(
    "kept",
    [
        [],
        {},
        {"url": 1, "state": "a", "redirect_uri": "b", "origin": "c", "client_id": "d"},
        {"url": "a", "state": "b"},
        {"url": "a", "state": "b", "redirect_uri": "c", "code_verifier": "d"},
    ],
)
def test_an_attempt_that_was_not_kept_well(kept: Any) -> None:
    with pytest.raises(LoginFailed, match="to_dict"):
        LoginAttempt.from_dict(kept)


def test_a_callback_for_which_no_attempt_was_kept() -> None:
    with pytest.raises(LoginFailed, match=r"^no sign-in was kept for this callback .*; begin the sign-in again$"):
        LoginAttempt.from_dict(None)
