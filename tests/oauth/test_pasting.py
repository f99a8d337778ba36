"""Signing in at a terminal by pasting the address that the browser was sent to."""

import signal
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from krebit.errors import ConfigurationError, LoginFailed
from tests.consent import allow
from tests.oauth.person import Person, sign_in
from tests.oauth.support import Site

PASTED: dict[str, Callable[[str], str]] = {
    "the whole address": lambda location: location,
    "with white space": lambda location: f"  {location}\r",
    "the query alone": lambda location: urlsplit(location).query,
}


@pytest.mark.parametrize("pasted", PASTED.values(), ids=PASTED)
def test_pasting(site: Site, pasted: Callable[[str], str]) -> None:
    """For redirect URIs that are registered elsewhere."""
    person = Person(pastes=lambda url: pasted(allow(url)))
    sign_in(site, "https://yourapp.example.com/oauth/callback", person)


def test_pasting_as_asked_for(site: Site) -> None:
    person = Person(pastes=allow)
    sign_in(site, "http://127.0.0.1:1/callback", person, paste=True)


def test_nobody_is_asked_to_paste_who_said_no(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="redirect_uri: is not on this machine"):
        sign_in(site, "https://a.example/callback", Person(), paste=False)


@pytest.mark.parametrize("pasted", ["", "https://a.example/", "https://a.example/?code=abc&state=wrong"])
def test_something_else_is_pasted(site: Site, pasted: str) -> None:
    with pytest.raises(LoginFailed):
        sign_in(site, "https://a.example/callback", Person(pastes=lambda url: pasted))
    assert not site.token_requests()


@pytest.mark.parametrize(
    "error", [EOFError(), RuntimeError("input(): lost sys.stdin"), ValueError("closed"), OSError("no terminal")]
)
def test_nothing_is_pasted(site: Site, error: Exception) -> None:
    def end(url: str) -> str:
        raise error

    with pytest.raises(LoginFailed, match="nothing was pasted"):
        sign_in(site, "https://a.example/callback", Person(pastes=end))


def test_a_time_limit_at_the_prompt_is_the_callers_own(site: Site) -> None:
    def ring(number: int, frame: Any) -> None:
        raise TimeoutError("the caller's own")

    def ask(url: str) -> str:
        signal.raise_signal(signal.SIGALRM)
        return ""

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(TimeoutError, match="the caller's own"):
            sign_in(site, "https://a.example/callback", Person(pastes=ask))
    finally:
        signal.signal(signal.SIGALRM, before)


def test_without_a_redirect_uri(site: Site) -> None:
    with site.client(redirect_uri=None) as api, pytest.raises(ConfigurationError):
        api.login()
