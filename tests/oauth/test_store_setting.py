"""KREBIT_TOKEN_STORE chooses the store of `from_env`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from krebit import FileTokenStore, Krebit, MemoryTokenStore
from krebit.errors import ConfigurationError
from krebit.redaction import Secret
from krebit.stores import LoginKey
from krebit.stores.address import store_at
from krebit_sandbox import Sandbox
from tests.frames import frames_of
from tests.oauth.servers import KINDS, store_server

APPLICATION = {
    "KREBIT_DOMAIN": "yourco.krebit.se",
    "KREBIT_CLIENT_ID": "application",
    "KREBIT_CLIENT_SECRET": "canary-1",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_url_is_that_of_a_server(kind: str, sandbox: Sandbox) -> None:
    environ = {**sandbox.environment, "KREBIT_API": "", "KREBIT_AUTH_CODE": ""}
    with store_server(kind) as server:
        address = server.address
        if kind == "PostgresTokenStore":
            address = f"postgresql://postgres@/{address.split('dbname=')[1]}?host={server.server.folder}"
        environ["KREBIT_TOKEN_STORE"] = address
        with Krebit.from_env(environ, plain_http=True) as api:
            assert api.get_current_user().name
        del environ["KREBIT_REFRESH_TOKEN"]
        with Krebit.from_env(environ, plain_http=True) as api:
            assert api.get_current_user().name
        assert len([request for request in sandbox.requests if request.path == "/api/oauth/token"]) == 1


def test_a_whole_path_is_a_folder(tmp_path: Path, sandbox: Sandbox) -> None:
    environ = {**sandbox.environment, "KREBIT_API": "", "KREBIT_TOKEN_STORE": str(tmp_path / "logins")}
    with Krebit.from_env(environ, plain_http=True) as api:
        api.get_current_user()
    key = LoginKey(sandbox.domain, sandbox.application.client_id)
    assert FileTokenStore(tmp_path / "logins").load(key) is not None


def test_an_argument_goes_before_it(sandbox: Sandbox) -> None:
    store = MemoryTokenStore()
    environ = {**sandbox.environment, "KREBIT_API": "", "KREBIT_TOKEN_STORE": "nonsense"}
    with Krebit.from_env(environ, plain_http=True, store=store) as api:
        api.get_current_user()
    assert store.load(LoginKey(sandbox.domain, sandbox.application.client_id)) is not None


@pytest.mark.parametrize(
    "value", ["hunter2", "postgresql:hunter2", "mysql://u:hunter2@h/d", "logins/hunter2", "redis://h:hunter2"]
)
def test_anything_else_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KREBIT_TOKEN_STORE: ") as caught:
        Krebit.from_env({**APPLICATION, "KREBIT_TOKEN_STORE": value})
    assert "hunter2" not in str(caught.value)


def test_the_command_line_keeps_logins_there_too(krebit_environment: Sandbox, tmp_path: Path) -> None:
    """Here in a folder: any store is found the same way."""
    environ = {**os.environ, "KREBIT_TOKEN_STORE": str(tmp_path / "elsewhere")}
    for command in ("me", "status"):
        program = [sys.executable, "-m", "krebit", command, "--json"]
        done = subprocess.run(program, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    assert str(tmp_path / "elsewhere") in done.stdout
    assert "signed in" in done.stdout


@pytest.mark.parametrize(
    "address",
    [
        "mysql://krebit:canary-1@db/krebit",
        "redis://:canary-1@db:port/0",
        "postgresql://a:canary-1@h:x%zz/db",
        "x/canary-1",
    ],
)
def test_no_frame_shows_the_password_of_an_address_that_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        store_at(Secret(address), "KREBIT_TOKEN_STORE")
    assert "canary-1" not in frames_of(caught.value)
