"""Fixtures of the transport's tests."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from krebit_sandbox import Sandbox
from krebit_sandbox.certificates import server_context
from tests.world import plain_environment, sandbox, way

__all__ = ["plain_environment", "sandbox", "way"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sandbox keeps its authority."""
    made = tmp_path_factory.mktemp("sandbox")
    made.chmod(0o700)
    return made


@pytest.fixture(scope="session")
def served(folder: Path) -> Iterator[Sandbox]:
    """One sandbox for all tests, with TLS."""
    with Sandbox(state_dir=folder) as sandbox:
        yield sandbox


@pytest.fixture
def server_tls(served: Sandbox, folder: Path) -> ssl.SSLContext:
    """TLS for another server on localhost, under the sandbox's authority."""
    return server_context(folder)
