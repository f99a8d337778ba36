"""What users may import: a change here is a change of the version."""

import re
import subprocess
import sys

import pytest

import krebit
import krebit.errors
from krebit import KrebitError


def test_the_public_names_are_these() -> None:
    assert sorted(krebit.__all__) == [
        "ApiError",
        "AsyncKrebit",
        "AsyncWalk",
        "BadRequest",
        "ClientClosed",
        "ClientOptions",
        "ConfigurationError",
        "ConnectionFailed",
        "DeadlineExceeded",
        "DownloadFailed",
        "DownloadedFile",
        "FileTokenStore",
        "Forbidden",
        "Krebit",
        "KrebitError",
        "ListDrift",
        "ListDriftWarning",
        "LoginAttempt",
        "LoginFailed",
        "LoginRequired",
        "MemoryTokenStore",
        "NotFound",
        "Outcome",
        "Page",
        "PageBeyondEnd",
        "PageError",
        "RateLimited",
        "RawResponse",
        "ServerError",
        "StoreBusy",
        "StoreError",
        "StoreUnsafe",
        "TokenStore",
        "TransportError",
        "Unauthorized",
        "UnexpectedResponse",
        "UploadFailed",
        "ValidationFailed",
        "Walk",
        "WebhookError",
        "__version__",
        "download",
        "each",
        "money",
        "paginate",
        "parse_time",
    ]


def test_each_name_is_there_and_an_unknown_one_is_not() -> None:
    assert all(getattr(krebit, name) is not None for name in krebit.__all__)
    assert not hasattr(krebit, "no_such_name")


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("PostgresTokenStore", "psycopg", "postgres"), ("RedisTokenStore", "redis", "redis")],
)
def test_a_store_that_needs_an_extra_says_which(name: str, package: str, extra: str) -> None:
    assert name in dir(krebit)
    program = f"import sys; sys.modules[{package!r}] = None; from krebit import *; from krebit import {name}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert f"pip install 'krebit[{extra}]'" in done.stderr.splitlines()[-1]


def test_every_error_is_public_and_is_drawn_in_the_tree() -> None:
    drawn = krebit.errors.__doc__ or ""
    kinds = [kind for kind in vars(krebit.errors).values() if isinstance(kind, type) and issubclass(kind, KrebitError)]
    for name in [kind.__name__ for kind in kinds]:
        assert name in krebit.__all__
        assert re.search(rf"(^|── ){name}( |$)", drawn, re.MULTILINE), name


def test_importing_it_loads_nothing_heavy() -> None:
    """In a process of its own: this one has loaded everything."""
    program = "import sys, krebit; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "httpx",
        "httpcore",
        "attrs",
        "attr",
        "ssl",
        "asyncio",
        "json",
        "typing",
        "filelock",
        "krebit_api",
        "dateutil",
        "psycopg",
        "redis",
    }
    assert not heavy & set(loaded)
