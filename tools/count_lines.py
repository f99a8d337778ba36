"""Print the lines of code of each room: of the overlay's modules and packages, and of the templates.

Blank lines, comments and docstrings are not counted. There is no ceiling: a person looks at what grows.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def lines_of(path: Path) -> int:
    """Return the lines of code of a Python file, or all lines of another that are not blank."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return sum(bool(line.strip()) for line in text.splitlines())
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(ast.parse(text)))


def docstring_lines(tree: ast.Module) -> set[int]:
    """Return the numbers of the lines that hold nothing but a string: docstrings, also those of attributes."""
    return {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def rooms(folder: Path, pattern: str) -> dict[str, int]:
    """Return the lines of each file and each folder that stands directly in a folder."""
    counted: dict[str, int] = {}
    for path in sorted(folder.rglob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            room = path.relative_to(folder).parts[0]
            counted[room] = counted.get(room, 0) + lines_of(path)
    return counted


def main() -> None:
    for folder, pattern in ((ROOT / "overlay" / "krebit", "*.py"), (ROOT / "templates", "*")):
        counted = rooms(folder, pattern)
        print(f"{sum(counted.values()):6} {folder.relative_to(ROOT)}")
        for room, lines in counted.items():
            print(f"{lines:6}   {room}")


if __name__ == "__main__":
    main()
