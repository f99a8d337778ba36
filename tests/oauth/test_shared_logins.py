"""One login in several clients, and clients of many people: who refreshes, whose grant it is, what is left behind."""

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

from krebit import AsyncKrebit, Krebit
from krebit.errors import ConfigurationError, LoginRequired
from tests.oauth.support import Background, Site


@pytest.mark.parametrize("expires_in", [None, 3600])
def test_a_token_that_was_adopted_and_is_refused_does_not_use_up_the_refresh(site: Site, expires_in: object) -> None:
    """Two clients take turns on one folder, and the access token ends before each call."""
    site.sandbox.switch(expires_in=expires_in)
    site.login(expired=False)
    with site.client() as one, site.client() as another:
        for api in (one, another, another, one, one, another, one):
            site.sandbox.expire_access_tokens()
            api.get_current_user()
    assert len(site.token_requests()) == 7
    assert site.state() == "live"


def test_an_adopted_token_that_is_refused_with_asyncio(site: Site) -> None:
    site.sandbox.switch(expires_in=None)
    site.login(expired=False)

    async def main() -> None:
        async with site.async_client() as one, site.async_client() as another:
            for api in (one, another, another, one, another):
                site.sandbox.expire_access_tokens()
                await api.get_current_user()

    asyncio.run(main())
    assert len(site.token_requests()) == 5


def test_clients_that_were_never_signed_in_leave_no_file(site: Site) -> None:
    with site.client() as api:
        for number in range(100):
            person = api.with_profile(f"visitor {number}")
            assert not person.is_signed_in()
            with pytest.raises(LoginRequired):
                person.get_current_user()
    for number in range(10):
        with site.client(profile=f"another {number}") as api:
            assert not api.is_signed_in()
            with pytest.raises(LoginRequired):
                api.get_current_user()
    folder: Path = site.file().parent
    assert not folder.exists() or not list(folder.iterdir())
    assert not site.sandbox.requests


def environment(site: Site, **more: str) -> dict[str, str]:
    settings = site.settings
    names = ("domain", "client_id", "client_secret", "redirect_uri")
    return {f"KREBIT_{name.upper()}": settings[name] for name in names} | more


def from_env(site: Site, environ: dict[str, str], **options: Any) -> Krebit:
    return Krebit.from_env(environ, plain_http=True, store=site.store, retries=0, **options)


@pytest.mark.parametrize("owner", [None, "service"])
@pytest.mark.parametrize("grant", ["KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE"])
def test_grants_of_the_environment_are_for_one_profile(site: Site, grant: str, owner: str | None) -> None:
    """No visitor becomes the service account."""
    value = site.sandbox.issue_tokens().refresh_token
    if grant == "KREBIT_AUTH_CODE":
        value = site.sandbox.issue_code()
    environ = environment(site, **{grant: value}, **({"KREBIT_PROFILE": owner} if owner else {}))
    for visitor in ("visitor1", "visitor2"):
        with from_env(site, environ, profile=visitor) as api, pytest.raises(LoginRequired):
            api.get_current_user()
        with (
            from_env(site, environ).with_profile(visitor) as api,
            pytest.raises(LoginRequired, match=f"`krebit login --profile {visitor}`") as caught,
        ):
            api.get_current_user()
        assert "KREBIT_" not in str(caught.value)
    assert not site.token_requests()
    with from_env(site, environ) as api:
        api.get_current_user()
    with from_env(site, environ, profile=owner or "default") as api:
        api.get_current_user()
    assert len(site.token_requests()) == 1
    if grant == "KREBIT_AUTH_CODE":
        assert "code_verifier" not in site.token_requests()[0].json()


def test_a_grant_that_is_passed_as_an_argument_is_for_any_profile(site: Site) -> None:
    seed = site.sandbox.issue_tokens().refresh_token
    with site.client(profile="anna", refresh_token=seed) as api:
        api.get_current_user()
        with pytest.raises(LoginRequired):
            api.with_profile("bo").get_current_user()
    assert len(site.token_requests()) == 1


def test_a_grant_of_the_environment_is_used_once(site: Site, log: pytest.LogCaptureFixture) -> None:
    """The file holds no copy of it. When it is refused, the stored login goes on, with a warning."""
    seed = site.sandbox.issue_tokens().refresh_token
    environ = environment(site, KREBIT_REFRESH_TOKEN=seed)
    for _ in range(3):
        with from_env(site, environ) as api:
            api.get_current_user()
    assert len(site.token_requests()) == 1
    assert seed.encode() not in site.file().read_bytes()
    dead = site.sandbox.issue_tokens().refresh_token
    site.sandbox.revoke_refresh_token(dead)
    for _ in range(2):
        with from_env(site, environment(site, KREBIT_REFRESH_TOKEN=dead)) as api:
            api.get_current_user()
    assert len(site.token_requests()) == 2
    (warning,) = [record.message for record in log.records if record.levelname == "WARNING"]
    assert "KREBIT_REFRESH_TOKEN" in warning
    assert dead not in warning


def test_two_profiles_do_not_touch_each_other(site: Site) -> None:
    """Signing out of one during a refresh of the other changes nothing there, and brings nothing back here."""
    first, second = (site.sandbox.issue_tokens().refresh_token for _ in range(2))
    with (
        site.client(profile="anna", refresh_token=first) as anna,
        site.client(profile="bo", refresh_token=second) as bo,
    ):
        anna.get_current_user()
        bo.get_current_user()
        site.sandbox.expire_access_tokens()
        site.hold()
        call = Background(anna.get_current_user)
        site.sandbox.wait_for_held()
        bo.logout()
        site.sandbox.release()
        call.finish()
        anna.get_current_user()
        assert anna.is_signed_in()
        assert not bo.is_signed_in()
        with pytest.raises(LoginRequired):
            bo.get_current_user()


def test_views_of_profiles_share_the_connections(site: Site) -> None:
    """Each has its own login; a view that is let go takes nothing with it."""
    seeds = {name: site.sandbox.issue_tokens().refresh_token for name in ("anna", "bo")}
    for name, seed in seeds.items():
        with site.client(profile=name, refresh_token=seed) as api:
            api.get_current_user()
    spent = len(site.token_requests())
    with site.client() as api:
        for _ in range(3):
            for name in seeds:
                api.with_profile(name).get_current_user()
            gc.collect()
        tokens = {request.headers["authorization"] for request in site.sandbox.requests[-2:]}
        assert len(tokens) == 2
        site.sandbox.expire_access_tokens()
        api.with_profile("anna").get_current_user()
        with pytest.raises(LoginRequired):
            api.get_current_user()
    assert len(site.token_requests()) == spent + 1


@pytest.mark.parametrize("profile", ["", "a\nb", "x" * 101])
def test_a_profile_that_cannot_be(site: Site, profile: str) -> None:
    with site.client() as api, pytest.raises(ConfigurationError, match="profile"):
        api.with_profile(profile)


def test_signing_in_to_a_profile_of_a_view(site: Site) -> None:
    async def main() -> None:
        async with site.async_client() as api:
            anna: AsyncKrebit = api.with_profile("anna")
            attempt = anna.start_login()
            code = site.sandbox.issue_code(challenge=attempt.url.partition("code_challenge=")[2].partition("&")[0])
            await anna.finish_login(code=code, state=attempt.state)
            assert await api.with_profile("anna").is_signed_in()
            assert not await api.is_signed_in()

    asyncio.run(main())
