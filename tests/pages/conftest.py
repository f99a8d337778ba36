"""Fixtures of the tests of walks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.pages.server import ListServer, Script
from tests.pages.support import World
from tests.world import plain_environment, sandbox, served

__all__ = ["plain_environment", "sandbox", "served"]


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
