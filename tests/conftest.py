"""Rules for the whole suite: the client logs no secret, and a run says how many slow tests it leaves out."""

import logging
import os
import re
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The forms in which the sandbox makes codes, refresh tokens and access tokens; and any bearer that is not masked
# (a request id may be that word alone).
SECRETS = re.compile(
    r"def50200[0-9a-f]{16}|eyJ[\w-]{16,}|[Bb]earer (?!\*\*\*)\w+|canary-\d+|\"(client_secret|refresh_token)\":"
)

SLOW = pytest.StashKey[int]()

# The same examples in every run: a change is not refused for what was there before it. A long run tries others.
# A busy machine takes long for one of them now and then; what must be fast has a test of its own.
settings.register_profile(
    "krebit",
    derandomize=os.environ.get("KREBIT_TESTS_LONG") != "1",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("krebit")


def pytest_configure() -> None:
    """Take no notice of the settings of whoever runs the tests, nor of the signals and rights of their shell.

    A job in the background has SIGINT ignored, one under nohup SIGHUP, and programs that a test starts inherit that;
    what a handler takes they do not inherit.
    """
    for name in list(os.environ):
        if name.startswith("KREBIT_") and not name.startswith(("KREBIT_TESTS_", "KREBIT_PYTHON_")):
            del os.environ[name]
    os.environ["KREBIT_CONFIG"] = os.devnull
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)
    os.umask(0o022)
    # A file to which another thread writes at a fork stays locked in the child, and pytest's own log is one.
    os.register_at_fork(after_in_child=lambda: logging.disable(logging.CRITICAL))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the slow tests that `-m` leaves out."""
    slow = [item for item in items if item.get_closest_marker("slow") is not None]
    if not slow:
        return
    config = slow[0].config
    config.stash[SLOW] = config.stash.get(SLOW, 0) + len(slow)
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["slow"] = config.stash[SLOW]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the count over from a worker of pytest-xdist; each of them collects the same tests."""
    if "slow" in node.workeroutput:
        node.config.stash[SLOW] = node.workeroutput["slow"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many slow tests did not run, and how to run them."""
    left_out = config.stash.get(SLOW, 0)
    if left_out:
        terminalreporter.write_line(f"{left_out} slow tests were left out; `make test-slow` runs them")


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
