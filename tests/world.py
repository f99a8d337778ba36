"""Fixtures that several folders of tests share. A conftest.py imports those that its tests need."""

from collections.abc import Iterator

import pytest

from krebit_sandbox import Sandbox
from tests.transport.support import WAYS, Way

__all__ = ["plain_environment", "sandbox", "served", "way"]


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


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each of the three ways to call."""
    found: Way = request.param
    return found


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take proxy and authority of whoever runs the tests out of the environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
