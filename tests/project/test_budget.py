"""The overlay stays thin, and the check that says so can fail."""

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "check_budget.py"))
MAIN: Callable[..., int] = TOOL["main"]
CEILING: int = TOOL["CEILING"]


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "overlay" / "krebit", tmp_path / "krebit"))


def test_the_ceiling_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert MAIN() == 0
    assert CEILING == 2500
    assert "hand-written lines in overlay/krebit" in capsys.readouterr().out


def test_above_it_the_check_fails(overlay: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (overlay / "oauth" / "more.py").write_text("value = 1\n" * (CEILING + 1))
    assert MAIN(overlay) == 1
    assert "oauth/more.py" in capsys.readouterr().out


def test_the_command_line_docstrings_and_comments_are_free(overlay: Path) -> None:
    (overlay / "cli" / "more.py").write_text("value = 1\n" * (CEILING + 1))
    (overlay / "notes.py").write_text('"""One."""\n\n# Another.\n' * CEILING)
    assert MAIN(overlay) == 0
