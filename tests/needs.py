"""Say that a test needs something of the machine: it skips, or fails where everything must be there."""

import os
import shutil
import socket
import sys
from importlib import import_module
from typing import Any, NoReturn

import pytest

NO_NODE_MODULES = "needs tools/node/node_modules; call: npm ci --prefix tools/node"
DEBIAN = {"node": "nodejs", "chromedriver": "chromium-driver"}
"""The package of a command that is called otherwise."""
NOT_ON_3_15 = {
    "dlt": "has no release for Python 3.15",
    "gevent": "has no wheel for Python 3.15",
    "nest_asyncio": "is no longer maintained, and does not know the tasks of Python 3.15",
    "pandas": "has no wheel for Python 3.15",
    "uvloop": "has no wheel for Python 3.15",
}
"""The modules that a test may lack there. pyproject.toml leaves the packages without a wheel out."""


def needs(*commands: str) -> None:
    """Skip the test unless each command is on PATH, or fail where nothing may be skipped."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        packages = [DEBIAN.get(command, command) for command in missing]
        absent(f"needs {', '.join(missing)} on PATH; call: apt-get install {' '.join(packages)}")


def needs_root() -> None:
    """Skip the test unless it can become another user, or fail where nothing may be skipped."""
    if os.geteuid() != 0:
        absent("needs root, to become another user")


def needs_ipv6() -> None:
    """Skip the test unless the machine has the address ::1, or fail where nothing may be skipped."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        absent("needs the address ::1")


def needed_module(name: str) -> Any:
    """Return a module. Skip the test where it is missing, or fail where nothing may be skipped."""
    if sys.version_info >= (3, 15) and name in NOT_ON_3_15:
        pytest.skip(f"{name} {NOT_ON_3_15[name]}")  # in CI too: no machine can run it there
    try:
        return import_module(name)
    except ImportError:
        absent(f"needs {name}; call: make .venv/.dev")


def absent(reason: str) -> NoReturn:
    """Skip with the reason, or with KREBIT_TESTS_REQUIRE_ALL=1 (CI) fail."""
    if os.environ.get("KREBIT_TESTS_REQUIRE_ALL") == "1":
        pytest.fail(f"this machine must not skip: {reason}")
    pytest.skip(reason)
