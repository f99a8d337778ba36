"""docs/sign-in.md works as it stands, and docs/settings.md names every option."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.sessions import SecureCookieSession

import krebit_api.models
from krebit import AsyncKrebit, ClientOptions, Krebit, LoginAttempt, LoginFailed, MemoryTokenStore
from krebit_sandbox import Sandbox
from tests.consent import allow
from tests.docs.pages import page, python_blocks

BLOCKS = python_blocks(page("sign-in"))


def block_of(text: str) -> str:
    """Return the one block of the page that holds a text."""
    (block,) = [block for block in BLOCKS if text in block]
    return block


@pytest.mark.parametrize("text", ["print(api.is_signed_in())", "ProcessPoolExecutor("])
def test_its_programs_run(text: str, krebit_environment: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(block_of(text))
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    grants = [request for request in krebit_environment.requests if request.path == "/api/oauth/token"]
    assert len(grants) == 1


def without_grants(sandbox: Sandbox) -> dict[str, str]:
    """Return the sandbox's variables without its token and its code."""
    grants = ("KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE")
    return {name: value for name, value in sandbox.environment.items() if name not in grants}


def test_its_sign_in_works(krebit_sandbox: Sandbox) -> None:
    """In two clients, as in two workers, and in two tabs of one person; a stray hit ends neither."""
    names: dict[str, Any] = {}
    exec(block_of("def callback"), names)
    connect, callback = names["connect"], names["callback"]
    session: dict[str, object] = {}
    application = without_grants(krebit_sandbox)
    with (
        Krebit.from_env(application, store=MemoryTokenStore()) as one,
        Krebit.from_env(application, store=MemoryTokenStore()) as another,
    ):
        tabs = [allow(str(connect(session, one)), krebit_sandbox.ca_file) for _ in range(2)]
        for stray in ("", "wrong"):
            with pytest.raises(LoginFailed):
                callback(session, another, f"https://a.example/?state={stray}&code=abc", stray)
        for url in reversed(tabs):
            state = parse_qs(urlsplit(url).query)["state"][0]
            with pytest.raises(LoginFailed):
                callback({}, another, url, state)  # somebody else's session
            callback(session, another, url, state)
            assert another.get_current_user().name


def test_its_sign_in_works_in_a_session_of_flask(krebit_sandbox: Sandbox) -> None:
    """Flask and Django store a session when one of its own keys has changed, not when a value within has."""
    names: dict[str, Any] = {}
    exec(block_of("def callback"), names)
    session = SecureCookieSession()
    with Krebit.from_env(without_grants(krebit_sandbox), store=MemoryTokenStore()) as api:
        for _ in range(2):
            session.modified = False
            url = allow(str(names["connect"](session, api)), krebit_sandbox.ca_file)
            assert session.modified
            session.modified = False
            names["callback"](session, api, url, parse_qs(urlsplit(url).query)["state"][0])
            assert session.modified
    assert not session


def test_each_person_has_a_login(krebit_sandbox: Sandbox) -> None:
    names: dict[str, Any] = {}
    exec(block_of("def company_of"), names)
    with Krebit.from_env(without_grants(krebit_sandbox), store=MemoryTokenStore()) as api:
        person = api.with_profile("person-7")
        attempt = person.start_login()
        person.finish_login(allow(attempt.url, krebit_sandbox.ca_file), attempt=attempt)
        assert names["company_of"](api, 7)
        assert not api.is_signed_in()


def test_signing_in_once_is_enough(krebit_environment: Sandbox) -> None:
    names: dict[str, Any] = {}
    exec(block_of("def sign_in"), names)
    with Krebit.from_env() as api:
        api.get_current_user()
        names["sign_in"](api)  # asks nobody


def test_the_pages_name_every_option_and_every_record() -> None:
    assert ClientOptions.__annotations__.keys() <= set(re.findall(r"`([a-z_]+)`", page("settings")))
    records = set(re.findall(r"`([A-Z][A-Za-z]+)`", page("values"))) & set(krebit_api.models.__all__)
    assert records >= {"ClientRecord", "Act", "ActDataPoint", "CurrentUser", "WebhookSubscription"}


def test_both_clients_take_the_same_arguments() -> None:
    assert AsyncKrebit.__init__ is Krebit.__init__
    assert AsyncKrebit.from_env.__func__ is Krebit.from_env.__func__  # type: ignore[attr-defined]


def test_an_attempt_that_nobody_kept_is_refused() -> None:
    with pytest.raises(LoginFailed):
        LoginAttempt.from_dict(None)
