"""Arguments that cannot be right end in an error that says so, before anything is sent."""

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from krebit import AsyncKrebit, ConfigurationError, Krebit, MemoryTokenStore, paginate
from krebit_api.types import UNSET
from krebit_sandbox import Sandbox

WRONG: dict[str, Callable[[Any], Any]] = {
    "no id": lambda api: api.get_client(None),
    "an id that was left out": lambda api: api.get_act_data(UNSET),
    "an empty id": lambda api: api.get_client(""),
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


@pytest.mark.parametrize("store", [MemoryTokenStore, "logins", None])
def test_what_is_no_store(store: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^store: must be a token store, such as FileTokenStore\(folder\)"):
        Krebit("yourco.krebit.se", "id", "secret", store=store)


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
