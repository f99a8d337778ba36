"""A dependency that fails while it is imported: the error says so."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("statement", ["from krebit import Krebit", "import krebit; krebit.Krebit"])
@pytest.mark.parametrize("failure", ["import os; os.no_such_name", "raise RuntimeError('no_such_name')"])
def test_the_cause_is_shown(tmp_path: Path, statement: str, failure: str) -> None:
    (tmp_path / "httpx.py").write_text(failure)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {statement}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no_such_name" in done.stderr
    assert str(tmp_path / "httpx.py") in done.stderr
    assert "cannot import name" not in done.stderr
    assert "module 'krebit' has no attribute" not in done.stderr
