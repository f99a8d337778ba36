"""docs/doctor.md: its commands work, its code runs, and its screen and tables are those of the doctor."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from krebit.cli.doctor import command
from krebit.doctor.comparison import Kind
from krebit_sandbox import Sandbox
from tests.docs.pages import page, python_blocks
from tests.needs import needs

ROOT = Path(__file__).resolve().parents[2]
PAGE = page("doctor")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the document, as in a clone."""
    shutil.copy(ROOT / "openapi.yaml", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_its_commands_work(krebit_sandbox: Sandbox, clone: Path) -> None:
    """All but those that start a sandbox or write the generated package, in their order, in one shell."""
    needs("bash", "git")
    krebit_sandbox.switch(money="text")
    lines = re.findall(r"^\$ (.*)", PAGE, re.MULTILINE)
    assert len(lines) == 6
    chosen = [line for line in lines if not line.startswith(("krebit-sandbox", "make"))]
    script = "\n".join([f'krebit() {{ "{sys.executable}" -m krebit "$@"; }}', *chosen])
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone), "LANG": "C.UTF-8", **krebit_sandbox.environment}
    done = subprocess.run(
        ["bash", "-e", "-c", script], cwd=clone, env=environment, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "type: [string, number, 'null']" in (clone / "openapi.yaml").read_text()
    with Sandbox(tls=False, like=clone / "report.json") as like:
        assert like.switches.money == "text"


def test_its_screen_is_the_one_of_today(krebit_sandbox: Sandbox, clone: Path) -> None:
    (screen,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    krebit_sandbox.switch(money="text", metadata="flat")
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone), "LANG": "C.UTF-8", **krebit_sandbox.environment}
    done = subprocess.run(
        [sys.executable, "-m", "krebit", "doctor"],
        env={**environment, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    shown = [line.rstrip() for line in done.stdout.splitlines()]
    for line in screen.split("Answers,")[1].splitlines()[1:4]:
        assert line in shown
    steps = [line[2:11].strip() for line in shown if re.match("[✓!] [a-zA-Z]", line)][:8]
    assert len(steps) == 8
    assert [line[2:11].strip() for line in screen.splitlines() if re.match("[✓!] [a-zA-Z]", line)][:8] == steps


def test_its_code_runs(krebit_environment: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    del krebit_environment
    (block,) = python_blocks(PAGE)
    exec(compile(block, "doctor.md", "exec"), {})
    # It warns where the document has an operation that the sandbox does not have yet.
    assert re.search("^API (pass|warn) ", capsys.readouterr().out, re.MULTILINE)


def test_it_names_every_option_and_every_kind_of_difference() -> None:
    named = set(re.findall(r"`([a-z-]+)`", PAGE))
    assert set(get_args(Kind)) <= named
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert {"--offline", "--json", "--report", "--patch"} <= options
    assert all(f"`{name}" in PAGE for name in ("--offline", "--json", "--report", "--patch"))
