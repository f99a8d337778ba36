"""docs/sandbox.md: its tests pass as they stand, and it names every switch and every kind of fault."""

import re
import subprocess
import sys
from pathlib import Path

from krebit_sandbox.faults import KINDS
from krebit_sandbox.switches import choices, hints

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text()


def test_its_tests_pass(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "test_page.py").write_text("\n\n".join(blocks))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_it_names_every_switch_every_choice_and_every_fault() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)`", PAGE))
    switches = hints()
    assert switches.keys() <= named
    assert {choice for hint in switches.values() for choice in choices(hint)} <= named
    assert set(KINDS) <= named
