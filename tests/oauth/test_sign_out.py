"""Signing out, and signing in anew, while others use the login."""

from collections.abc import Callable

import pytest

from krebit.errors import LoginRequired
from krebit.stores import Login, LoginKey, TokenStore
from tests.consent import allow
from tests.oauth.support import Background, Site


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


class Overtaken:
    """A store that is overtaken: `then` is called once, between a read and its use."""

    def __init__(self, store: TokenStore, then: Callable[[], object]) -> None:
        self.lease = store.lease
        self._store = store
        self._then: Callable[[], object] | None = then

    def load(self, key: LoginKey) -> Login | None:
        found = self._store.load(key)
        then, self._then = self._then, None
        if then is not None:
            then()
        return found


def test_signing_out_while_a_login_is_being_read(site: Site) -> None:
    """Whoever read it a moment before does not bring it back into the client's memory."""
    site.login(expired=False)
    with site.client(store=Overtaken(site.store, lambda: api.logout())) as api:
        api.get_current_user()
        with pytest.raises(LoginRequired):
            api.get_current_user()


def test_signing_in_while_an_earlier_login_is_being_read(site: Site) -> None:
    """From then on the client goes on with the new one, whose person may be another."""
    site.login(expired=False)

    def sign_in() -> None:
        api.finish_login(allow(api.start_login().url))

    with site.client(store=Overtaken(site.store, sign_in)) as api:
        api.get_current_user()
        api.get_current_user()
    token = site.stored().access_token
    assert token is not None
    assert site.sandbox.requests[-1].headers["authorization"] == f"Bearer {token.reveal()}"
