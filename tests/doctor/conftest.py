"""Fixtures of the doctor's tests: real sandboxes, and an environment without proxies."""

from collections.abc import Iterator

import pytest

from krebit_sandbox import Sandbox
from tests.world import plain_environment, sandbox

__all__ = ["plain_environment", "sandbox"]


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """One sandbox for all tests, with TLS."""
    with Sandbox() as sandbox:
        yield sandbox
