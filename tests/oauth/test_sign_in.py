"""Signing in and out: state, PKCE, the redirect URI, and what a callback may be."""

import asyncio
import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from krebit import Krebit
from krebit.config import UncheckedSettings, check_settings
from krebit.errors import ConfigurationError, LoginFailed, LoginRequired
from krebit.oauth.sign_in import LoginAttempt, SignIns
from krebit.redaction import Secret
from tests.oauth.support import CALLBACK, TOKEN, Background, Site


def allowed(attempt: LoginAttempt) -> str:
    """The callback that the server sends the browser to, when the person allows it."""
    answer = httpx.get(attempt.url)
    assert answer.status_code == 302
    return answer.headers["location"]


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_whole_way(site: Site) -> None:
    with site.client() as api:
        attempt = api.start_login()
        assert not site.sandbox.requests
        api.finish_login(allowed(attempt))
        assert api.is_signed_in()
        api.get_current_user()
    assert site.state() == "live"


def test_with_asyncio(site: Site) -> None:
    async def main() -> None:
        async with site.async_client() as api:
            attempt = api.start_login()
            await api.finish_login(await asyncio.to_thread(allowed, attempt))
            await api.get_current_user()
            assert await api.is_signed_in()
            await api.logout()
            assert not await api.is_signed_in()

    asyncio.run(main())


def test_state_and_verifier_are_new_each_time(site: Site) -> None:
    with site.client() as api:
        attempts = [api.start_login() for _ in range(100)]
    assert len({attempt.state for attempt in attempts}) == 100
    assert len({attempt.code_verifier for attempt in attempts}) == 100
    for attempt in attempts:
        assert attempt.code_verifier is not None
        assert all(
            len(base64.urlsafe_b64decode(text + "=")) >= 32 for text in (attempt.state, attempt.code_verifier.reveal())
        )


def test_the_challenge_is_the_verifiers(site: Site) -> None:
    with site.client() as api:
        attempt = api.start_login()
    asked = query(attempt.url)
    assert attempt.code_verifier is not None
    digest = hashlib.sha256(attempt.code_verifier.reveal().encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_type"] == "code"
    assert asked["state"] == attempt.state


def test_pkce_can_be_turned_off(site: Site) -> None:
    with site.client(pkce=False) as api:
        attempt = api.start_login()
        assert "code_challenge" not in attempt.url
        api.finish_login(allowed(attempt))
    assert "code_verifier" not in site.token_requests()[0].json()


def test_pkce_is_never_turned_off_silently(site: Site) -> None:
    """A server that refuses the verifier is an error, not a reason to go without."""
    site.sandbox.fault(
        kind="status", status=400, path=TOKEN, body={"error": "invalid_request", "hint": "code_verifier"}
    )
    with site.client() as api, pytest.raises(ConfigurationError):
        api.finish_login(allowed(api.start_login()))
    (request,) = site.token_requests()
    assert "code_verifier" in request.json()


@pytest.mark.parametrize(
    "uri", ["https://yourapp.example.com/oauth/callback", CALLBACK, "http://localhost:8765/callback"]
)
def test_the_redirect_uri_is_the_same_in_both_requests(site: Site, uri: str) -> None:
    with site.client() as api:
        attempt = api.start_login(redirect_uri=uri)
        assert query(attempt.url)["redirect_uri"] == uri
        api.finish_login(allowed(attempt))
    assert site.token_requests()[0].json()["redirect_uri"] == uri


def test_odd_redirect_uris_are_sent_as_they_are(site: Site) -> None:
    uri = "https://app.example/cb?tenant=a%2Fb&x=%C3%A5+%20"
    application = site.sandbox.register("Odd", [uri])
    with site.client(client_id=application.client_id, client_secret=application.client_secret, redirect_uri=uri) as api:
        attempt = api.start_login()
        api.finish_login(allowed(attempt))
    assert site.token_requests()[0].json()["redirect_uri"] == uri


@pytest.mark.parametrize(
    "uri", ["/callback", "callback", "https://a.example/#part", "https://a.example/a b", "https://[/"]
)
def test_a_redirect_uri_that_cannot_be(site: Site, uri: str) -> None:
    with site.client() as api, pytest.raises(ConfigurationError, match="redirect_uri"):
        api.start_login(redirect_uri=uri)


def test_without_a_redirect_uri(site: Site) -> None:
    with site.client(redirect_uri=None) as api, pytest.raises(ConfigurationError, match="KREBIT_REDIRECT_URI"):
        api.start_login()


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
        callback = allowed(attempt)
        more: dict[str, Any] = {"attempt": attempt} if kept == "by the caller" else {}
        api.finish_login(callback, **more)
        with pytest.raises(LoginFailed, match="used already"):
            api.finish_login(callback, **more)
    assert len(site.token_requests()) == 1


def test_attempts_of_several_people(site: Site) -> None:
    with site.client() as api:
        first, second = api.start_login(), api.start_login()
        with pytest.raises(LoginFailed):
            api.finish_login(code="abc", state=second.state, attempt=first)
        api.finish_login(allowed(second))
        api.finish_login(allowed(first))


def test_a_state_stays_used_however_many_follow(site: Site) -> None:
    """Also where the attempt is kept elsewhere, and is passed again."""
    with site.client() as api, site.client() as elsewhere:
        attempt = api.start_login()
        callback = allowed(attempt)
        api.finish_login(callback)
        for _ in range(1100):
            other = elsewhere.start_login()
            with pytest.raises(LoginFailed, match="no code"):
                api.finish_login(f"?state={other.state}", attempt=other)
        for kept in (None, attempt):
            with pytest.raises(LoginFailed, match="used already"):
                api.finish_login(callback, attempt=kept)
    assert len(site.token_requests()) == 1


def test_a_pending_sign_in_survives_many_others(site: Site) -> None:
    with site.client() as api:
        first = api.start_login()
        for _ in range(5000):
            api.start_login()
        api.finish_login(allowed(first))


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
        callback = allowed(attempt)
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
        return httpx.get(attempt.url).headers["location"]

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
        callback = allowed(attempt)
        with pytest.raises(LoginFailed, match="not that of a sign-in begun here"):
            api.finish_login(callback)
        api.finish_login(callback, attempt=attempt)
        api.get_current_user()


@pytest.mark.parametrize(
    "kept",
    [
        None,
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


@pytest.mark.parametrize("with_state", [True, False])
def test_the_servers_refusal_is_told(site: Site, with_state: bool) -> None:
    site.sandbox.switch(consent="deny")
    with site.client() as api:
        attempt = api.start_login()
        callback = allowed(attempt)
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
        callback = allowed(attempt)
        site.sandbox.clock.advance(601)
        with pytest.raises(LoginFailed, match="expired"):
            api.finish_login(callback)
    assert site.stored() == before


@pytest.mark.parametrize("status", [429, 503])
def test_an_exchange_meets_a_throttle(site: Site, status: int) -> None:
    """The code is not spent by it."""
    with site.client() as api:
        callback = allowed(api.start_login())
        site.sandbox.fault(kind="status", status=status, path=TOKEN)
        api.finish_login(callback)
        api.get_current_user()


def test_an_exchange_is_not_interrupted(site: Site) -> None:
    async def main() -> None:
        async with site.async_client() as api:
            callback = await asyncio.to_thread(allowed, api.start_login())
            site.hold()
            task = asyncio.create_task(api.finish_login(callback))
            await asyncio.to_thread(site.sandbox.wait_for_held)
            task.cancel()
            await asyncio.to_thread(site.sandbox.release)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert site.state() == "live"


def test_a_wrong_client_secret(site: Site) -> None:
    with site.client(client_secret="not-the-secret") as api, pytest.raises(ConfigurationError, match="my-apps"):
        api.finish_login(allowed(api.start_login()))


def test_signing_out(site: Site) -> None:
    site.login(expired=False)
    with site.client() as api, site.client() as other:
        api.get_current_user()
        api.logout()
        assert not api.is_signed_in()
        for each in (api, other):
            with pytest.raises(LoginRequired, match="not signed in"):
                each.get_current_user()
        api.logout()
    assert not site.token_requests()
    kept = site.stored()
    assert (kept.access_token, kept.refresh_token) == (None, None)


def test_signing_out_during_a_refresh(site: Site) -> None:
    """The tokens do not come back: the refresh ends first, then what it stored is removed."""
    site.login()
    site.hold()
    with site.client() as api, site.client() as other:
        call = Background(api.get_current_user)
        site.sandbox.wait_for_held()
        end = Background(other.logout)
        site.sandbox.release()
        call.finish()
        end.finish()
        assert site.stored().refresh_token is None
        assert not api.is_signed_in()


def test_signing_out_while_a_login_is_being_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever read it a moment before does not bring it back into the client's memory."""
    site.login(expired=False)
    with site.client() as api:
        load = site.store.load

        def load_and_be_overtaken(key: Any) -> Any:
            found = load(key)
            monkeypatch.setattr(site.store, "load", load)
            api.logout()
            return found

        monkeypatch.setattr(site.store, "load", load_and_be_overtaken)
        api.get_current_user()
        with pytest.raises(LoginRequired):
            api.get_current_user()


def test_signing_in_while_an_earlier_login_is_being_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on the client goes on with the new one, whose person may be another."""
    site.login(expired=False)
    with site.client() as api:
        load = site.store.load

        def load_and_be_overtaken(key: Any) -> Any:
            found = load(key)
            monkeypatch.setattr(site.store, "load", load)
            api.finish_login(allowed(api.start_login()))
            return found

        monkeypatch.setattr(site.store, "load", load_and_be_overtaken)
        api.get_current_user()
        api.get_current_user()
        token = site.stored().access_token
        assert token is not None
        assert site.sandbox.requests[-1].headers["authorization"] == f"Bearer {token.reveal()}"


def test_used_after_close(site: Site) -> None:
    api: Krebit = site.client()
    attempt = api.start_login()
    api.close()
    with pytest.raises(Exception, match="closed"):
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
