"""Fixtures of the tests of walks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from krebit_sandbox import Sandbox
from tests.pages.server import ListServer, Script
from tests.pages.support import World


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """One sandbox for all tests, without TLS."""
    with Sandbox(tls=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Sandbox:
    """The sandbox as new."""
    served.reset()
    return served


@pytest.fixture
def list_server() -> Iterator[Callable[[Script], ListServer]]:
    """Makes a server whose pages are what a function says."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(ListServer(script))


@pytest.fixture(params=["sync", "async"])
def world(request: pytest.FixtureRequest) -> World:
    """Blocking, and with asyncio."""
    found: World = request.param
    return found


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
