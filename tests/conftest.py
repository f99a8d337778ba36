"""What holds for the whole suite: no secret is in any log of the client, whatever a test does."""

import logging
import re
from collections.abc import Iterator

import pytest

# The forms in which the sandbox makes codes, refresh tokens and access tokens; and any bearer that is not masked
# (a request id may be that word alone).
SECRETS = re.compile(
    r"def50200[0-9a-f]{16}|eyJ[\w-]{16,}|[Bb]earer (?!\*\*\*)\w+|canary-\d+|\"(client_secret|refresh_token)\":"
)


class _Watch(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self.found: list[str] = []
        self.records = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        text = f"{self.format(record)} {record.__dict__.get('krebit')}"  # with the traceback, if there is one
        self.found += [text] if SECRETS.search(text) else []


@pytest.fixture(autouse=True)
def logs_without_secrets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything that the client logs is looked at, but where a test sets its levels itself."""
    if {"caplog", "log", "loggers"} & {*request.fixturenames}:
        yield
        return
    watch, logger = _Watch(), logging.getLogger("krebit")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(watch)
    yield
    logger.removeHandler(watch)
    logger.setLevel(before)
    assert watch.found == []
