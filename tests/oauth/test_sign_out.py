"""Signing out, and signing in anew, while others use the login."""

from typing import Any

import pytest

from krebit.errors import LoginRequired
from tests.oauth.support import Background, Site, allowed


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
