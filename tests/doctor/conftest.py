"""Fixtures of the doctor's tests: real sandboxes, and an environment without proxies."""

from collections.abc import Iterator

import pytest

from krebit_sandbox import Sandbox


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """One sandbox for all tests, with TLS."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Sandbox:
    """The sandbox as new."""
    served.reset()
    return served


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
