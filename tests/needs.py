"""What a test needs from the machine: it says so and skips, or fails where everything must be there."""

import os
import shutil

import pytest

NO_NODE_MODULES = "needs tools/node/node_modules; call: npm ci --prefix tools/node"
DEBIAN = {"node": "nodejs", "chromedriver": "chromium-driver"}
"""The package of a command that is called otherwise."""


def needs(*commands: str) -> None:
    """Skip the test unless each command is on PATH; with KREBIT_TESTS_REQUIRE_ALL=1 (CI) fail instead."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        packages = [DEBIAN.get(command, command) for command in missing]
        absent(f"needs {', '.join(missing)} on PATH; call: apt-get install {' '.join(packages)}")


def absent(reason: str) -> None:
    """Skip with the reason, or fail where nothing may be skipped."""
    if os.environ.get("KREBIT_TESTS_REQUIRE_ALL") == "1":
        pytest.fail(f"this machine must not skip: {reason}")
    pytest.skip(reason)
