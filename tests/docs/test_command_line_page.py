"""docs/command-line.md: its commands run, its settings file is read, and its options and codes are true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from krebit.cli import problems
from krebit.cli.main import COMMANDS
from krebit.config_file import KEYS, load, read_settings
from krebit_sandbox import Sandbox
from tests.docs.pages import page
from tests.needs import needs

PAGE = page("command-line")
COMMAND_LINES = re.findall(r"^\$ (.*)", PAGE, re.MULTILINE)
# They wait for a person, for deliveries, or for a file that was saved.
NOT_RUN = ("pip", "krebit login", "krebit webhook listen", "krebit webhook verify")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_its_commands_run(krebit_environment: Sandbox, tmp_path: Path) -> None:
    needs("bash")
    chosen = [line for line in COMMAND_LINES if not line.startswith(NOT_RUN)]
    script = "\n".join(["set -e", f'krebit() {{ "{sys.executable}" -m krebit "$@"; }}', *chosen])
    environment = {**os.environ, "KREBIT_CONFIG": str(tmp_path / "config.toml")}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    names = set(re.findall(r"(?:--to|--secret-file|>) (\S+\.\w+)", "\n".join(chosen)))
    assert {path.name for path in tmp_path.iterdir()} >= names


def test_it_shows_every_command() -> None:
    assert {line.split()[1] for line in COMMAND_LINES if line.startswith("krebit ")} == {*COMMANDS} - {"logout"}


def test_its_settings_file(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    file = load(path)
    assert file is not None
    assert {*file.top, *re.findall(r"^# (\w+) =", text, re.MULTILINE)} == {*KEYS} - {"plain_http"}
    given = read_settings({}, "anna", path=path, with_secret=False)
    assert given.redirect_uri == "http://127.0.0.1:8766/callback"


def test_its_exit_codes() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    names = ("DONE", "FAILED", "USAGE", "LOGIN_REQUIRED", "INTERRUPTED")
    assert codes == {getattr(problems, name) for name in names}
