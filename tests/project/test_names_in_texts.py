"""Pages and messages call a client `api`, and never call a method of a client on the module."""

import re
from pathlib import Path

import krebit

ROOT = Path(__file__).resolve().parents[2]
METHODS = [name for name in dir(krebit.Krebit) if not name.startswith("_") and not hasattr(krebit, name)]
CALL = re.compile(rf"(?<![\w./])krebit\.({'|'.join(METHODS)})\(")


def test_no_text_calls_a_method_of_a_client_on_the_module() -> None:
    folders = [ROOT / name for name in ("docs", "examples", "overlay", "sandbox", "generated", "templates")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".md", ".py", ".jinja")]
    found = [path.name for path in (ROOT / "README.md", *files) if CALL.search(path.read_text(encoding="utf-8"))]
    assert found == []
    assert CALL.search("call krebit.login() first")
    assert CALL.search("call api.login() first") is None
