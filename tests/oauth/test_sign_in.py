"""Signing in: state, PKCE, the redirect URI, and the exchange of the code."""

import asyncio
import base64
import hashlib

import pytest

from krebit.errors import ConfigurationError
from tests.consent import allow
from tests.oauth.support import CALLBACK, TOKEN, Site, query


def test_the_whole_way(site: Site) -> None:
    with site.client() as api:
        attempt = api.start_login()
        assert not site.sandbox.requests
        api.finish_login(allow(attempt.url))
        assert api.is_signed_in()
        api.get_current_user()
    assert site.state() == "live"


def test_with_asyncio(site: Site) -> None:
    async def main() -> None:
        async with site.async_client() as api:
            attempt = api.start_login()
            await api.finish_login(await asyncio.to_thread(allow, attempt.url))
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
        api.finish_login(allow(attempt.url))
    assert "code_verifier" not in site.token_requests()[0].json()


def test_pkce_is_never_turned_off_silently(site: Site) -> None:
    """A server that refuses the verifier is an error, not a reason to go without."""
    site.sandbox.fault(
        kind="status", status=400, path=TOKEN, body={"error": "invalid_request", "hint": "code_verifier"}
    )
    with site.client() as api, pytest.raises(ConfigurationError):
        api.finish_login(allow(api.start_login().url))
    (request,) = site.token_requests()
    assert "code_verifier" in request.json()


@pytest.mark.parametrize(
    "uri", ["https://yourapp.example.com/oauth/callback", CALLBACK, "http://localhost:8765/callback"]
)
def test_the_redirect_uri_is_the_same_in_both_requests(site: Site, uri: str) -> None:
    with site.client() as api:
        attempt = api.start_login(redirect_uri=uri)
        assert query(attempt.url)["redirect_uri"] == uri
        api.finish_login(allow(attempt.url))
    assert site.token_requests()[0].json()["redirect_uri"] == uri


def test_odd_redirect_uris_are_sent_as_they_are(site: Site) -> None:
    uri = "https://app.example/cb?tenant=a%2Fb&x=%C3%A5+%20"
    application = site.sandbox.register("Odd", [uri])
    with site.client(client_id=application.client_id, client_secret=application.client_secret, redirect_uri=uri) as api:
        attempt = api.start_login()
        api.finish_login(allow(attempt.url))
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


@pytest.mark.parametrize("status", [429, 503])
def test_an_exchange_meets_a_throttle(site: Site, status: int) -> None:
    """The code is not spent by it."""
    with site.client() as api:
        callback = allow(api.start_login().url)
        site.sandbox.fault(kind="status", status=status, path=TOKEN)
        api.finish_login(callback)
        api.get_current_user()


def test_an_exchange_is_not_interrupted(site: Site) -> None:
    async def main() -> None:
        async with site.async_client() as api:
            callback = await asyncio.to_thread(allow, api.start_login().url)
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
        api.finish_login(allow(api.start_login().url))
