"""Ports: one for a server that another process starts, and one that refuses every connection."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def unused_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses, and that the system gives to nobody who asks for any port."""
    lowest = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 49_152
    while True:
        port = random.randrange(max(1024, lowest - 20_000), lowest)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@pytest.fixture
def port() -> int:
    """Return a port for one test."""
    return unused_port()


@contextmanager
def closed_port() -> Iterator[int]:
    """Give a port of 127.0.0.1 where nobody listens. It is taken meanwhile, so that no other server gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
