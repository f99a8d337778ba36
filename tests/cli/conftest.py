"""A sandbox, its environment, and a home of the test's own."""

from pathlib import Path

import pytest

from krebit_sandbox import Sandbox


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of `krebit_environment`."""
    return tmp_path


@pytest.fixture
def site(krebit_environment: Sandbox, monkeypatch: pytest.MonkeyPatch, home: Path) -> Sandbox:
    """A sandbox whose variables stand in the environment, and no settings file."""
    monkeypatch.setenv("KREBIT_CONFIG", str(home / "config.toml"))
    return krebit_environment
