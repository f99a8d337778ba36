"""Grants from the environment: used once, and no end of a login that works."""

import pytest

from krebit import Krebit, MemoryTokenStore
from krebit.errors import ConfigurationError, LoginRequired
from tests.oauth.support import Site


def environment(site: Site, *names: str) -> dict[str, str]:
    """The quickstart's, with only these grants."""
    kept = {"KREBIT_DOMAIN", "KREBIT_CLIENT_ID", "KREBIT_CLIENT_SECRET", "KREBIT_REDIRECT_URI", *names}
    return {name: value for name, value in site.sandbox.environment.items() if name in kept}


def from_env(site: Site, *names: str) -> Krebit:
    return Krebit.from_env(environment(site, *names), plain_http=True, store=site.store, retries=0)


def sent(site: Site) -> list[str]:
    return [request.json()["grant_type"] for request in site.token_requests()]


@pytest.mark.parametrize("name", ["KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE"])
def test_the_quickstarts_environment_is_enough(site: Site, name: str) -> None:
    """And it is used once: later the stored login goes on, whatever the environment still holds."""
    for _ in range(3):
        with from_env(site, name) as api:
            assert api.is_signed_in()
            api.get_current_user()
            api.get_current_user()
    assert len(site.token_requests()) == 1
    site.sandbox.expire_access_tokens()
    with from_env(site, name) as api:
        api.get_current_user()
    assert len(site.token_requests()) == 2
    assert site.state() == "live"


def test_without_rotation_the_token_of_the_environment_lives_on(site: Site) -> None:
    site.sandbox.switch(rotation=False)
    for _ in range(2):
        with from_env(site, "KREBIT_REFRESH_TOKEN") as api:
            api.get_current_user()
        site.sandbox.expire_access_tokens()
    stored = site.stored().refresh_token
    assert stored is not None
    assert stored.reveal() == site.sandbox.environment["KREBIT_REFRESH_TOKEN"]


def test_a_code_that_brings_no_refresh_token_leaves_none_of_another_login(site: Site) -> None:
    site.login(expired=False)
    answer = {"access_token": site.sandbox.issue_tokens().access_token, "token_type": "Bearer"}
    site.sandbox.fault(kind="status", status=200, body=answer, path="/api/oauth/token", times=1)
    with from_env(site, "KREBIT_AUTH_CODE") as api:
        api.get_current_user()
    assert site.stored().refresh_token is None


def test_a_code_is_exchanged_without_a_verifier(site: Site) -> None:
    with from_env(site, "KREBIT_AUTH_CODE") as api:
        api.get_current_user()
    (request,) = site.token_requests()
    assert set(request.json()) == {"grant_type", "client_id", "client_secret", "redirect_uri", "code"}
    assert request.json()["redirect_uri"] == site.sandbox.environment["KREBIT_REDIRECT_URI"]


def test_both_are_one_login(site: Site) -> None:
    with from_env(site, "KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE") as api:
        api.get_current_user()
        site.sandbox.expire_access_tokens()
        api.get_current_user()
    assert sent(site) == ["refresh_token", "refresh_token"]


def test_the_value_itself_is_not_kept(site: Site) -> None:
    with from_env(site, "KREBIT_REFRESH_TOKEN") as api:
        api.get_current_user()
    assert site.sandbox.environment["KREBIT_REFRESH_TOKEN"].encode() not in site.stored().to_json()


@pytest.mark.parametrize("dialect", ["league9", "league8"])
@pytest.mark.parametrize("name", ["KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE"])
def test_one_that_is_refused_leaves_the_stored_login(
    site: Site, name: str, dialect: str, log: pytest.LogCaptureFixture
) -> None:
    site.sandbox.switch(error_dialect=dialect)
    site.login()
    given = {**environment(site), name: "def50200" + "0" * 64}
    for _ in range(2):
        with Krebit.from_env(given, plain_http=True, store=site.store) as api:
            api.get_current_user()
        site.sandbox.expire_access_tokens()
    warnings = [record.message for record in log.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"the server refused {name}")
    assert warnings[0].endswith("Set a new one, or remove the variable")
    assert site.state() == "live"
    assert [request.status for request in site.token_requests()].count(200) == 2


def test_one_that_is_refused_and_nothing_else(site: Site) -> None:
    given = {**environment(site), "KREBIT_REFRESH_TOKEN": "def50200" + "0" * 64}
    for reason in (
        "the server refused KREBIT_REFRESH_TOKEN .*",
        "not signed in: the token or code in the environment .*",
    ):
        with (
            Krebit.from_env(given, plain_http=True, store=site.store) as api,
            pytest.raises(LoginRequired, match=f"^{reason}sign in with"),
        ):
            api.get_current_user()
    assert len(site.token_requests()) == 1


def test_one_that_is_refused_beside_a_dead_login(site: Site, log: pytest.LogCaptureFixture) -> None:
    """The error tells of the login; that the fresh one was refused too is in the log."""
    site.put("gone", "spent-long-ago", expired=True)
    with site.client() as api, pytest.raises(LoginRequired):
        api.get_current_user()
    with site.client(refresh_token="mistyped") as api, pytest.raises(LoginRequired, match="stored refresh token"):
        api.get_current_user()
    assert "refused KREBIT_REFRESH_TOKEN" in log.text


def test_a_refused_token_and_a_good_code(site: Site) -> None:
    given = {**environment(site, "KREBIT_AUTH_CODE"), "KREBIT_REFRESH_TOKEN": "def50200" + "0" * 64}
    with Krebit.from_env(given, plain_http=True, store=site.store) as api:
        api.get_current_user()
    assert sent(site) == ["refresh_token", "authorization_code"]
    assert site.state() == "live"


def test_a_code_for_another_redirect_uri_leaves_the_stored_login(site: Site, log: pytest.LogCaptureFixture) -> None:
    """It is not the code that is at fault: with the right setting it can be used."""
    site.login()
    given = environment(site, "KREBIT_AUTH_CODE")
    wrong = {**given, "KREBIT_REDIRECT_URI": "http://127.0.0.1:8765/callback"}
    with Krebit.from_env(wrong, plain_http=True, store=site.store) as api:
        api.get_current_user()
    assert "KREBIT_AUTH_CODE could not be used now" in log.text
    old = site.refresh_token()
    with Krebit.from_env(given, plain_http=True, store=site.store) as api:
        api.get_current_user()
    assert site.refresh_token() != old
    assert sent(site).count("authorization_code") == 2


def test_a_code_for_another_redirect_uri_and_nothing_else(site: Site) -> None:
    wrong = {**environment(site, "KREBIT_AUTH_CODE"), "KREBIT_REDIRECT_URI": "http://127.0.0.1:8765/callback"}
    with Krebit.from_env(wrong, plain_http=True, store=site.store) as api, pytest.raises(ConfigurationError):
        api.get_current_user()


def test_a_fresh_one_ends_a_dead_login(site: Site) -> None:
    site.login()
    site.sandbox.revoke_refresh_token(site.refresh_token())
    with site.client() as api, pytest.raises(LoginRequired):
        api.get_current_user()
    with from_env(site, "KREBIT_REFRESH_TOKEN") as api:
        api.get_current_user()
    assert site.state() == "live"
    assert not site.stored().is_dead


def test_a_logout_is_not_undone(site: Site) -> None:
    with from_env(site, "KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE") as api:
        api.get_current_user()
        api.logout()
        assert not api.is_signed_in()
    with from_env(site, "KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE") as api:
        assert not api.is_signed_in()
        with pytest.raises(LoginRequired):
            api.get_current_user()
    assert len(site.token_requests()) == 1


def test_a_sign_in_is_newer_than_the_environment(site: Site) -> None:
    with site.client(pkce=False) as api:
        attempt = api.start_login()
        seeds = {"refresh_token": site.sandbox.environment["KREBIT_REFRESH_TOKEN"]}
        with site.client(pkce=False, **seeds) as other:
            other.finish_login(code=site.sandbox.issue_code(), state=attempt.state, attempt=attempt)
            other.get_current_user()
    assert sent(site) == ["authorization_code"]


def test_profiles_do_not_touch_each_other(site: Site) -> None:
    first, second = site.sandbox.issue_tokens(), site.sandbox.issue_tokens()
    with site.client(profile="anna", refresh_token=first.refresh_token) as anna:
        anna.get_current_user()
    with site.client(profile="bo", refresh_token=second.refresh_token) as bo:
        bo.get_current_user()
        bo.logout()
    with site.client(profile="anna") as anna:
        assert anna.is_signed_in()
        anna.get_current_user()
    assert site.store.load(site.key()) is None


def test_in_memory_too(site: Site) -> None:
    site.store = MemoryTokenStore()
    with from_env(site, "KREBIT_REFRESH_TOKEN") as api:
        api.get_current_user()
    assert site.state() == "live"
