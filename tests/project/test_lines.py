"""`make lines` shows what each room holds."""

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / "tools" / "count_lines.py"))
LINES_OF: Callable[[Path], int] = TOOL["lines_of"]
MAIN: Callable[[], None] = TOOL["main"]


def test_blank_lines_comments_and_docstrings_are_no_code(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text('"""One."""\n\n# Two.\nvalue = [\n    1,  # three\n]\n"""Four."""\n\n\ndef f():\n    """Five."""\n')
    assert LINES_OF(file) == 4


def test_each_room_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    MAIN()
    printed = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    rooms = {
        path.name for path in (ROOT / "overlay" / "krebit").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))
    }
    assert {*rooms, "model.py.jinja", "runtime"} <= set(printed)
