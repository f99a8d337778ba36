"""The code in docs/bulk.md runs, as it stands, against the sandbox."""

import re
from pathlib import Path

import pytest

from krebit_sandbox import Sandbox

PAGE = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text("utf-8")
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program(krebit_environment: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    exec(PROGRAM, {})
    assert len(capsys.readouterr().out.splitlines()) == krebit_environment.switches.clients
