"""Keeps the overlay thin: counts its hand-written lines, the command line apart, and fails above the ceiling.

A line is a statement: a call that the formatter spreads over six lines is one, and blank lines, comments and docstrings
are free, so that nobody saves on them. What an editor shows is told beside it.
"""

import ast
from pathlib import Path

CEILING = 2500
OVERLAY = Path(__file__).resolve().parent.parent / "overlay" / "krebit"


def statements(source: str) -> int:
    """The statements of a file, but for docstrings."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return sum(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in found)


def main(overlay: Path = OVERLAY) -> int:
    """Print the lines of each file and their sum; 1 when it is over the ceiling."""
    files = [path for path in sorted(overlay.rglob("*.py")) if "cli" not in path.relative_to(overlay).parts[:-1]]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    counts = {path: statements(text) for path, text in texts.items()}
    for path, count in counts.items():
        print(f"{count:6} {path.relative_to(overlay)}")
    total, shown = sum(counts.values()), sum(len(text.splitlines()) for text in texts.values())
    print(f"{total:6} hand-written lines in overlay/krebit, counted as statements; at most {CEILING}")
    print(f"{shown:6} lines as an editor shows them, with docstrings, comments and blank ones")
    return int(total > CEILING)


if __name__ == "__main__":
    raise SystemExit(main())
