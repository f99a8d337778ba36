"""Fixtures of the tests of walks."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.pages.server import ListServer, Script
from tests.pages.support import World, end_call_threads, sockets, sockets_fall_to
from tests.world import plain_environment, sandbox, served

__all__ = ["plain_environment", "sandbox", "served"]


@pytest.fixture
def list_server() -> Iterator[Callable[[Script], ListServer]]:
    """Makes a server whose pages are what a function says."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(ListServer(script))


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """Check that a test leaves no thread of a call and no socket."""
    gc.collect()
    before = sockets()
    yield
    # The server is gone by now, and with it what was in flight.
    end_call_threads()
    gc.collect()
    assert sockets_fall_to(before + 1)


@pytest.fixture(params=["sync", "async"])
def world(request: pytest.FixtureRequest) -> World:
    """Blocking, and with asyncio."""
    found: World = request.param
    return found
