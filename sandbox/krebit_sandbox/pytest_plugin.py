"""Fixtures for tests with a sandbox. Nothing is imported until a test uses one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from krebit_sandbox.sandbox import Sandbox

_OPTION = "krebit_sandbox_seed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--krebit-sandbox-seed`, or `krebit_sandbox_seed` in the configuration file."""
    text = "seed of the sandbox's companies (default 1)"
    parser.getgroup("krebit").addoption("--krebit-sandbox-seed", type=int, default=None, help=text)
    parser.addini(_OPTION, text, default="1")


def _seed(config: pytest.Config) -> int:
    chosen = config.getoption(_OPTION)
    return int(config.getini(_OPTION) if chosen is None else chosen)


@pytest.fixture(scope="session")
def krebit_sandbox_server(pytestconfig: pytest.Config) -> Iterator[Sandbox]:
    """One sandbox for all tests, with TLS, in the state that the tests before have left."""
    from krebit_sandbox import Sandbox

    with Sandbox(seed=_seed(pytestconfig)) as sandbox:
        yield sandbox


@pytest.fixture
def krebit_sandbox(krebit_sandbox_server: Sandbox) -> Sandbox:
    """The sandbox of the session as new: other tokens, no faults, first switches, nothing logged.

    It runs, also if the test before has stopped it; then it has another port.
    """
    if not krebit_sandbox_server.running:
        krebit_sandbox_server.stop()
        krebit_sandbox_server.start()
    krebit_sandbox_server.reset()
    return krebit_sandbox_server


@pytest.fixture
def krebit_environment(krebit_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """`krebit_sandbox`, with its variables in the environment and a home of the test's own, where logins are kept.

    For code that calls `Krebit.from_env()`, also in processes that it starts.
    """
    own = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(tmp_path)) | dict.fromkeys(
        ("NO_PROXY", "no_proxy"), "localhost"
    )
    for name, value in {**krebit_sandbox.environment, **own}.items():
        monkeypatch.setenv(name, value)
    # A database that the shell names is no place for the logins of tests.
    monkeypatch.delenv("KREBIT_TOKEN_STORE", raising=False)
    return krebit_sandbox


@pytest.fixture
def krebit_sandbox_factory(pytestconfig: pytest.Config) -> Iterator[Callable[..., Sandbox]]:
    """A function that starts another sandbox, with the arguments of `Sandbox`; it runs until the test has ended."""
    from krebit_sandbox import Sandbox

    with ExitStack() as stack:

        def make(**arguments: Any) -> Sandbox:
            return stack.enter_context(Sandbox(**{"seed": _seed(pytestconfig), **arguments}))

        yield make
