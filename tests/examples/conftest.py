"""Fixtures of the tests of the examples."""

from collections.abc import Iterator

import pytest

from krebit_sandbox import Sandbox


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
