"""Fixtures of the sandbox's tests."""

from collections.abc import Iterator

import httpx
import pytest

from krebit_sandbox import Sandbox
from tests.sandbox.support import http_client


@pytest.fixture
def sandbox(krebit_sandbox: Sandbox) -> Sandbox:
    """The sandbox of the session, as new."""
    return krebit_sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A signed in HTTP client."""
    with http_client(sandbox) as client:
        yield client


@pytest.fixture
def browser(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """An HTTP client without a token, that keeps cookies and asks for HTML."""
    with http_client(sandbox, signed_in=False) as client:
        client.headers["Accept"] = "text/html"
        yield client
