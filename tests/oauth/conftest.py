"""Fixtures of the login's tests."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from krebit import FileTokenStore
from krebit_sandbox import Sandbox, Switches
from tests.oauth.support import Site
from tests.postgres import postgres
from tests.redis import redis_server
from tests.waiting import wait_for
from tests.world import plain_environment

__all__ = ["plain_environment", "postgres", "redis_server"]


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """One sandbox for all tests, that ends a session when a refresh token is used twice."""
    with Sandbox(tls=False, switches=Switches(reuse_revokes_family=True, consent="allow")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Iterator[Sandbox]:
    """The sandbox as new; what is held is let go afterwards, so that no test leaves a thread behind."""
    served.reset()
    yield served
    served.clear_faults()
    served.release()
    wait_for(lambda: "krebit-login" not in [thread.name for thread in threading.enumerate()])


@pytest.fixture
def store(tmp_path: Path) -> FileTokenStore:
    """A store of files."""
    return FileTokenStore(tmp_path / "logins")


@pytest.fixture
def site(sandbox: Sandbox, store: FileTokenStore) -> Site:
    """The sandbox and the store, and what is done with them."""
    return Site(sandbox, store)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The library's log, whole."""
    caplog.set_level(logging.DEBUG, "krebit")
    return caplog
