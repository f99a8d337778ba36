"""docs/architecture.md shows the rooms of the overlay as they are."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OVERLAY = ROOT / "overlay" / "krebit"
PAGE = ROOT / "docs" / "architecture.md"


def listed_modules() -> set[str]:
    """Return the modules in the drawing, as paths below overlay/krebit."""
    drawing = PAGE.read_text(encoding="utf-8").split("## The rooms of `overlay/krebit`")[1].split("```")[1]
    modules = set()
    folder = ""
    for line in drawing.splitlines():
        names = re.match(r"\s*([a-z_]+/|(?:[a-z_]+\.py(?:, )?)+)", line)
        for name in names[1].split(", ") if names else ():
            if name.endswith("/"):
                folder = name
            else:
                modules.add(folder + name if line.startswith(" ") else name)
    return modules


def test_the_drawing_lists_every_module() -> None:
    modules = {path.relative_to(OVERLAY).as_posix() for path in OVERLAY.rglob("*.py")}
    assert listed_modules() == {module for module in modules if not module.endswith("__init__.py")}


def test_each_file_that_the_page_names_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|yaml|toml))`", text))
    missing = [name for name in named if not (ROOT / name).exists() and not (OVERLAY / name).exists()]
    assert not missing
