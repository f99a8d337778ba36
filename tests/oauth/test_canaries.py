"""No secret in a repr, a text, a traceback, a pickle, a warning or a log of any level, those of httpx included."""

import asyncio
import contextlib
import io
import json
import logging
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krebit import FileTokenStore
from krebit.errors import KrebitError, StoreError
from krebit.oauth.console import Terminal
from krebit.oauth.sign_in import LoginAttempt
from krebit.redaction import Secret
from krebit.stores.record import Login, LoginKey, TokenPair
from tests.consent import allow
from tests.frames import frames_of
from tests.full_disk import full_disk
from tests.oauth.support import TOKEN, Site


class Canaries:
    """The secrets that were handed out, and everything that was said."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.secrets = {site.sandbox.application.client_secret}
        self.said = io.StringIO()

    def plant(self, *secrets: str | None) -> None:
        self.secrets |= {secret for secret in secrets if secret}

    def look_at(self, thing: object) -> None:
        """Its texts, and its pickle if it has one."""
        self.said.write(f"{thing!r}\n{thing!s}\n{thing}\n")
        with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
            self.said.write(pickle.dumps(thing).decode("latin-1"))

    def look_at_error(self, error: BaseException) -> None:
        self.look_at(error)
        self.look_at(error.__dict__)
        self.said.write(frames_of(error))

    def check(self) -> None:
        for request in self.site.sandbox.requests:
            with contextlib.suppress(ValueError):
                body = request.json()
                self.plant(*(body.get(name) for name in ("refresh_token", "code", "code_verifier", "client_secret")))
            self.plant(request.headers.get("authorization", "").removeprefix("Bearer "))
        said = self.said.getvalue()
        assert len(self.secrets) > 1
        found = [secret for secret in self.secrets if secret in said or (len(secret) > 40 and secret[:40] in said)]
        assert not found, f"{len(found)} of {len(self.secrets)} secrets were said"


@pytest.fixture
def canaries(site: Site) -> Iterator[Canaries]:
    """Everything is listened to, at the lowest level."""
    made = Canaries(site)
    handler = logging.StreamHandler(made.said)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *rest: made.look_at(message)
        yield made
    root.removeHandler(handler)
    root.setLevel(level)
    made.check()


def planted(site: Site, canaries: Canaries, *, expired: bool = True) -> Login:
    login = site.login(expired=expired)
    for secret in (login.access_token, login.refresh_token):
        canaries.plant(secret.reveal() if secret else None)
    return login


FAULTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a dead token": {"kind": "status", "status": 400, "body": {"error": "invalid_grant"}},
    "a wrong client": {"kind": "status", "status": 401, "body": {"error": "invalid_client"}},
    "the token is repeated in the error": {"kind": "status", "status": 400},
    "a reset": {"kind": "reset", "times": None},
    "garbage": {"kind": "garbage", "times": None},
    "a body that is no JSON": {"kind": "garbage_body", "times": None},
    "a cut body": {"kind": "truncate", "times": None, "after_effect": True},
    "a redirect": {"kind": "redirect"},
    "a stall": {"kind": "stall", "times": None},
    "500": {"kind": "status", "status": 500, "times": None},
    "429": {"kind": "status", "status": 429, "headers": {"Retry-After": "99999"}},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("how", ["blocking", "asyncio"])
def test_refreshes(site: Site, canaries: Canaries, fault: str, how: str) -> None:
    login = planted(site, canaries)
    given = dict(FAULTS[fault])
    if fault == "the token is repeated in the error":
        assert login.refresh_token is not None
        given["body"] = {"error": "invalid_request", "message": f"token {login.refresh_token.reveal()} is bad"}
    if given:
        site.sandbox.fault(path=TOKEN, **given)
    timeout = 30.0 if fault == "nothing" else 0.5
    try:
        if how == "blocking":
            with site.client(refresh_timeout=timeout) as api:
                canaries.look_at(api)
                api.get_current_user()
        else:

            async def main() -> None:
                async with site.async_client(refresh_timeout=timeout) as api:
                    canaries.look_at(api)
                    await api.get_current_user()

            asyncio.run(main())
    except KrebitError as error:
        assert fault != "nothing"
        canaries.look_at_error(error)
    else:
        assert fault == "nothing"
    canaries.look_at(site.stored())
    canaries.look_at(site.store)


@pytest.mark.parametrize("where", ["the API", "the token endpoint"])
def test_an_answer_that_repeats_the_token(site: Site, canaries: Canaries, where: str) -> None:
    login = planted(site, canaries, expired=where != "the API")
    assert login.access_token is not None
    assert login.refresh_token is not None
    body = {"message": f"Bearer {login.access_token.reveal()} and {login.refresh_token.reveal()}"}
    path = "/api/1.0/me" if where == "the API" else TOKEN
    site.sandbox.fault(kind="status", status=403, path=path, body=body)
    with site.client() as api, pytest.raises(KrebitError) as caught:
        api.get_current_user()
    # What the API itself said is there to be inspected, as bytes, and is no part of any text.
    canaries.said.write(f"{caught.value} {caught.value!r}")
    if where != "the API":
        canaries.look_at_error(caught.value)


def test_sign_ins(site: Site, canaries: Canaries) -> None:
    with site.client() as api:
        attempt = api.start_login()
        assert attempt.code_verifier is not None
        canaries.plant(attempt.state, attempt.code_verifier.reveal())
        canaries.look_at(attempt)
        canaries.look_at(vars(api))
        callback = allow(attempt.url)
        code = callback.partition("code=")[2].partition("&")[0]
        canaries.said.truncate(0)  # this test's own request was logged
        canaries.plant(code)
        for wrong in (callback.replace("state=", "state=x"), callback + "&code=twice"):
            with pytest.raises(KrebitError) as caught:
                api.finish_login(wrong)
            canaries.look_at(caught.value)
        api.finish_login(callback)
        with pytest.raises(KrebitError) as caught:
            api.finish_login(callback)
        canaries.look_at(caught.value)
        api.get_current_user()
        api.logout()


@pytest.mark.parametrize("fault", [{"kind": "reset", "times": None}, {"kind": "status", "status": 401}], ids=str)
def test_a_code_that_is_pasted_and_not_taken(site: Site, canaries: Canaries, fault: dict[str, Any]) -> None:
    """A code may still be good when the exchange has failed, and with PKCE turned off it needs no verifier."""
    site.sandbox.fault(path=TOKEN, **fault)
    addresses: list[str] = []

    def ask(prompt: str) -> str:
        callback = allow(addresses[0])
        canaries.said.truncate(0)  # this test's own request was logged
        canaries.plant(callback.partition("code=")[2].partition("&")[0])
        return callback

    def show(text: str) -> None:
        addresses.extend(word for word in text.split() if "/oauth/authorize?" in word)

    terminal = Terminal(ask=ask, show=show, can_ask=lambda: True)
    with site.client(pkce=False, refresh_timeout=1) as api, pytest.raises(KrebitError) as caught:
        api.login(paste=True, terminal=terminal)
    canaries.look_at_error(caught.value)
    with site.client(pkce=False, refresh_timeout=1) as api:
        attempt = api.start_login()
        callback = allow(attempt.url)
        canaries.said.truncate(0)
        canaries.plant(callback.partition("code=")[2].partition("&")[0])
        site.sandbox.fault(path=TOKEN, **fault)
        with pytest.raises(KrebitError) as caught:
            api.finish_login(callback)
    canaries.look_at_error(caught.value)


def test_a_kept_sign_in_of_an_older_form(site: Site, canaries: Canaries) -> None:
    with site.client() as api:
        kept = api.start_login().to_dict()
    canaries.plant(kept["code_verifier"])
    del kept["origin"]
    with pytest.raises(KrebitError) as caught:
        LoginAttempt.from_dict(kept)
    canaries.look_at_error(caught.value)


def test_seeds(site: Site, canaries: Canaries) -> None:
    tokens = site.sandbox.issue_tokens()
    canaries.plant(tokens.refresh_token, tokens.access_token, dead := "def50200" + "ab12" * 100)
    for seed in (dead, tokens.refresh_token):
        with site.client(refresh_token=seed, auth_code=dead) as api:
            canaries.look_at(vars(api))
            try:
                api.get_current_user()
            except KrebitError as error:
                canaries.look_at(error)


def test_stores(site: Site, canaries: Canaries) -> None:
    planted(site, canaries)
    assert isinstance(site.store, FileTokenStore)
    file = site.store.path(site.key())
    content = file.read_bytes()
    for damaged in (content[:-2], content + b"x", content.replace(b'"version": 1', b'"version": []')):
        file.write_bytes(damaged)
        with site.client() as api:
            for call in (api.get_current_user, api.is_signed_in, api.logout):
                with pytest.raises(KrebitError) as caught:
                    call()
                canaries.look_at_error(caught.value)


SECRET = Secret("canary-0123456789")
THINGS: list[Callable[[], object]] = [
    lambda: SECRET,
    lambda: [SECRET],
    lambda: TokenPair(SECRET, SECRET, 1.0),
    lambda: Login.empty().with_pair(TokenPair(SECRET, SECRET, 1.0), 0.0),
    lambda: LoginAttempt(SECRET.reveal(), SECRET.reveal(), "https://a.example/", SECRET, "https://b.example", "id"),
]


@pytest.mark.parametrize("thing", THINGS)
def test_what_holds_a_secret_does_not_show_it(thing: Callable[[], object]) -> None:
    for text in (repr(thing()), str(thing()), f"{thing()}"):
        assert SECRET.reveal() not in text
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(thing())
    with pytest.raises(TypeError):
        json.dumps(thing())


def test_fingerprints_and_their_key_are_not_shown() -> None:
    login = Login.empty().with_seen(SECRET).with_pair(TokenPair(SECRET, SECRET, 1.0), 0.0).marked_dead()
    login = login._replace(granted=login.seen)
    for part in (login.salt, login.seen, login.granted, login.dead):
        assert part
        assert repr(part)[2:-1] not in repr(login)


def test_a_save_that_fails_leaves_no_token_in_any_frame(tmp_path: Path, site: Site, canaries: Canaries) -> None:
    secret = "canary-token-0123456789"
    canaries.plant(secret)
    login = Login.empty().with_pair(TokenPair(Secret(secret), Secret(secret), 1.0), 0.0)
    with FileTokenStore(tmp_path / "logins").lease(LoginKey("a.example", "client"), patience=1) as lease:
        lease.prepare()
        with full_disk(10), pytest.raises(StoreError) as caught:
            lease.save(login)
    canaries.look_at_error(caught.value)
    canaries.check()
