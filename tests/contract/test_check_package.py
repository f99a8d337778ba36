"""A generated package with a broken module is not taken."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from .conftest import ROOT

BROKEN = {
    "does not compile": ("def broken(:\n", "SyntaxError"),
    "does not import": ("from .nothing import here\n", "ModuleNotFoundError"),
    "fails when it is imported": ("raise RuntimeError('at import')\n", "RuntimeError: at import"),
    "has an annotation of nothing": (
        "from __future__ import annotations\ndef call(a: Nothing) -> None: ...\n",
        "call: NameError: name 'Nothing' is not defined",
    ),
    "has a field of nothing": (
        "from __future__ import annotations\nclass Record:\n    field: Nothing\n",
        "Record: NameError: name 'Nothing' is not defined",
    ),
    "has a method of nothing": (
        "from __future__ import annotations\nclass Record:\n    def read(self) -> Nothing: ...\n",
        "Record.read: NameError: name 'Nothing' is not defined",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_package_is_not_taken_if_a_module(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    code, message = BROKEN[fault]
    name = f"package_that_{fault.replace(' ', '_')}"
    package = tmp_path / name
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "models" / "__init__.py").write_text("", encoding="utf-8")
    (package / "models" / "whole.py").write_text("def call(a: int) -> str: ...\n", encoding="utf-8")
    (package / "models" / "broken.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = list(importlib.import_module("check_package").faults(package))
    assert len(found) == 1
    assert found[0].startswith("models/broken.py: ")
    assert message in found[0]
