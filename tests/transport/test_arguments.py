"""Arguments that cannot be right end in an error that says so, before anything is sent."""

import asyncio
import pickle
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from krebit import AsyncKrebit, ConfigurationError, Krebit, LoginAttempt, LoginFailed, MemoryTokenStore, paginate
from krebit.models import ClientRecord
from krebit_api.types import UNSET
from krebit_sandbox import Sandbox

WRONG: dict[str, Callable[[Any], Any]] = {
    "no id": lambda api: api.get_client(None),
    "an id that was left out": lambda api: api.get_act_data(UNSET),
    "an empty id": lambda api: api.get_client(""),
    "a record in place of its id": lambda api: api.get_latest_act(ClientRecord(id=12345)),
    "several ids": lambda api: api.get_client([12345, 12346]),
    "half a character": lambda api: api.get_act_data("\ud800"),
    "no body": lambda api: api.create_webhook(body=None),
    "a body that is no model": lambda api: api.create_webhook(body={"event": "act.created"}),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_nothing_is_sent(call: Callable[[Any], Any], krebit_sandbox: Sandbox) -> None:
    with Krebit.from_env(krebit_sandbox.environment, store=MemoryTokenStore()) as api:
        api.get_current_user()
        before = len(krebit_sandbox.requests)
        with pytest.raises(ConfigurationError, match=r"^(get|create)_\w+: cannot be written as a request"):
            call(api)

    async def awaited() -> None:
        async with AsyncKrebit.from_env(krebit_sandbox.environment, store=store) as api:
            with pytest.raises(ConfigurationError):
                await call(api)

    store = MemoryTokenStore()
    asyncio.run(awaited())
    assert [one for one in krebit_sandbox.requests[before:] if one.path.startswith("/api/1.0")] == []


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_it_costs_no_token(call: Callable[[Any], Any], krebit_sandbox: Sandbox) -> None:
    """A wrong argument is the program's fault, whoever is signed in."""
    with (
        Krebit.from_env(krebit_sandbox.environment, store=MemoryTokenStore()) as api,
        pytest.raises(ConfigurationError, match="cannot be written as a request"),
    ):
        call(api)
    assert krebit_sandbox.requests == []


@pytest.mark.parametrize("amount", ["1e50000000", "1e-50000000", "0e50000000", "NaN"])
def test_an_amount_that_would_be_megabytes_of_digits(amount: str, krebit_sandbox: Sandbox) -> None:
    with (
        Krebit.from_env(krebit_sandbox.environment, store=MemoryTokenStore()) as api,
        pytest.raises(ConfigurationError, match="cannot be written as a request"),
    ):
        api.request("POST", "/webhooks", json={"amount": Decimal(amount)})


@pytest.mark.parametrize("store", [MemoryTokenStore, "logins", None])
def test_what_is_no_store(store: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^store: must be a token store, such as FileTokenStore\(folder\)"):
        Krebit("yourco.krebit.se", "id", "secret", store=store)


@pytest.mark.parametrize("name", ["client_id", "client_secret", "redirect_uri", "refresh_token", "auth_code"])
def test_from_env_names_the_variable_of_an_argument_that_it_does_not_have(name: str) -> None:
    given: dict[str, Any] = {name: "canary-1"}
    message = rf"^Krebit\.from_env\(\) has no argument {name}; set KREBIT_{name.upper()}, or call Krebit\("
    with pytest.raises(TypeError, match=message):
        Krebit.from_env({}, **given)


ARGUMENTS = ("domain", "client_id", "client_secret", "redirect_uri", "refresh_token", "auth_code", "profile", "proxy")


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("value", [5, b"canary-1", ["canary-1"], object()], ids=["int", "bytes", "list", "object"])
def test_what_is_no_text(name: str, value: Any) -> None:
    given = {"domain": "yourco.krebit.se", "client_id": "id", "client_secret": "secret", name: value}
    with pytest.raises(ConfigurationError, match=f"^{name}: must be ") as caught:
        Krebit(**given, store=MemoryTokenStore())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["domain", "client_id", "client_secret"])
def test_a_variable_that_is_missing_is_named(name: str) -> None:
    """`os.environ.get("KREBIT_DOMAIN")` is None where it is not set."""
    given: dict[str, Any] = {"domain": "yourco.krebit.se", "client_id": "id", "client_secret": "secret", name: None}
    with pytest.raises(ConfigurationError, match=f"^{name}: is not set"):
        Krebit(**given, store=MemoryTokenStore())
    variable = f"KREBIT_{name.upper()}"
    environ = {f"KREBIT_{key.upper()}": value for key, value in given.items()}
    with pytest.raises(ConfigurationError, match=f"^{variable}: is not set") as caught:
        Krebit.from_env(environ, store=MemoryTokenStore())
    assert "krebit login" not in str(caught.value)  # no settings file is read for a mapping


def test_a_missing_setting_may_come_from_the_settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KREBIT_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv("KREBIT_DOMAIN", raising=False)
    with pytest.raises(ConfigurationError, match="KREBIT_DOMAIN: is not set") as caught:
        Krebit.from_env(store=MemoryTokenStore())
    assert str(caught.value).endswith("; or call: krebit login --save")
    assert not any("krebit login" in problem for problem in caught.value.problems)


def test_a_placeholder_of_the_quickstart_is_named_as_one() -> None:
    """It is set, so that "not set" would send people looking at the wrong place."""
    environ = {
        "KREBIT_DOMAIN": "yourco.krebit.se",
        "KREBIT_CLIENT_ID": "YOUR_CLIENT_ID",
        "KREBIT_CLIENT_SECRET": "YOUR_CLIENT_SECRET",
    }
    with pytest.raises(ConfigurationError) as caught:
        Krebit.from_env(environ, store=MemoryTokenStore())
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "KREBIT_CLIENT_ID: is still the quickstart's placeholder",
        "KREBIT_CLIENT_SECRET: is still the quickstart's placeholder",
    ]


@pytest.mark.parametrize("name", ["refresh_timeout", "lock_patience"])
@pytest.mark.parametrize("value", [-1, 0, float("nan"), float("inf"), 1e9, "5", True])
def test_what_is_no_time_for_a_refresh(name: str, value: Any) -> None:
    """Not a number would be waited for without an end."""
    options: Any = {name: value, "store": MemoryTokenStore()}
    with pytest.raises(ConfigurationError, match=f"^{name}: must be a number of seconds above 0"):
        Krebit("yourco.krebit.se", "id", "secret", **options)


@pytest.mark.parametrize("value", [5, b"state=a", object(), ["a"]], ids=["int", "bytes", "object", "list"])
def test_what_is_no_part_of_a_sign_in(value: Any) -> None:
    """As `request.url` of some frameworks, which is an object, or a session that holds something else."""
    uri = "https://app.example/callback"
    with Krebit("yourco.krebit.se", "id", "secret", redirect_uri=uri, store=MemoryTokenStore()) as api:
        with pytest.raises(LoginFailed, match="is not a text"):
            api.finish_login(value)
        with pytest.raises(LoginFailed, match="is not a text"):
            api.finish_login(code="code", state=value)
        with pytest.raises(LoginFailed, match="begin the sign-in again"):
            LoginAttempt.from_dict(value)
        with pytest.raises(ConfigurationError, match="redirect_uri: must be a text"):
            api.start_login(redirect_uri=value)
        with pytest.raises(ConfigurationError, match="profile: must be"):
            api.with_profile(value)
        with pytest.raises(ConfigurationError, match="must be texts"):
            api.request("GET", value)
        with pytest.raises(ConfigurationError, match="must be texts"):
            api.request(value, "/me")
        with pytest.raises(ConfigurationError, match="headers: must be a mapping"):
            api.request("GET", "/me", headers=value)
        with pytest.raises(LoginFailed, match="from_dict makes one"):
            api.finish_login("?code=a&state=b", attempt=value)
        kept = api.start_login().to_dict()
        with pytest.raises(LoginFailed, match="from_dict makes one"):
            api.finish_login(f"?code=a&state={kept['state']}", attempt=kept)  # type: ignore[arg-type]


def test_what_has_no_pages_or_is_misspelt() -> None:
    with Krebit("yourco.krebit.se", "id", "secret", store=MemoryTokenStore()) as api:
        wrong: Any = api
        with pytest.raises(ConfigurationError, match="get_client has no pages"):
            paginate(wrong.get_client)
        with pytest.raises(TypeError, match=r"^list_clients\(\) .*'limt'"):
            paginate(wrong.list_clients, limt=10)


def test_a_client_is_not_pickled() -> None:
    with (
        Krebit("yourco.krebit.se", "id", "secret", store=MemoryTokenStore()) as api,
        pytest.raises(TypeError, match="make one in each process"),
    ):
        pickle.dumps(api)


def test_the_authority_of_an_environment_that_is_given(krebit_sandbox: Sandbox) -> None:
    """It was used in the tests above too: nothing else names the sandbox's authority."""
    environment = {**krebit_sandbox.environment, "SSL_CERT_FILE": "/nowhere"}
    with pytest.raises(ConfigurationError, match="/nowhere"):
        Krebit.from_env(environment, store=MemoryTokenStore())
    with Krebit.from_env(environment, store=MemoryTokenStore(), ca_file=krebit_sandbox.ca_file) as api:
        assert api.get_current_user().name
