"""Tests see the project from outside: they replace no part of it, and use no private name of it.

A part of the standard library or of a dependency may be replaced, to provoke a fault that comes by no other way. ruff's
rules SLF001 and PLC2701 see private attributes and imports. They do not see what is replaced, names in strings, or the
programs that tests hold as texts.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.test_private_parts import BY_NAME, OWN_PACKAGES, is_private, is_private_text

TESTS = Path(__file__).resolve().parents[1]
OURS = OWN_PACKAGES | {"tests"}
REPLACES = {"setattr", "delattr", "setitem", "delitem"}
IN_TEXT = re.compile(r"[\w)\]]\.(_\w+)|\bimport (?:\w+, )*(_\w+)")
HOLD_EXAMPLES = {"test_from_outside.py", "test_private_parts.py"}


def found_in(source: str) -> Iterator[str]:
    """Yield `line: reason` for each part of the project that is replaced, and for each private name."""
    tree = ast.parse(source)
    foreign = set(_foreign_names(tree))
    imported = set(_imported_names(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases) if any(alias.name == "unittest.mock" for alias in aliases):
                yield f"{node.lineno}: unittest.mock"
            case ast.ImportFrom(module="unittest.mock") | ast.ImportFrom(module="unittest"):
                yield f"{node.lineno}: unittest.mock"
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
                if name in REPLACES and not (arguments and _root(arguments[0]) in foreign):
                    yield f"{node.lineno}: {name} of what is not imported from elsewhere"
                if name in BY_NAME and any(map(is_private_text, arguments)):
                    yield f"{node.lineno}: {name} of a private name"
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if _root(node) in imported - foreign:
                yield f"{node.lineno}: a new value for {ast.unparse(node)}"
            case ast.Subscript(slice=key) if is_private_text(key):
                yield f"{node.lineno}: a private name as a key"
            case ast.Constant(value=str() as text):
                yield from (f"{node.lineno}: {name} in a text" for name in _private_names(text))


def _imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names that the file imports, whatever they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]


def _foreign_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names that the file imports from the standard library and from dependencies."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                packages = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(package), names=aliases, level=0):
                packages = [package] * len(aliases)
            case _:
                continue
        for package, alias in zip(packages, aliases, strict=True):
            if package.partition(".")[0] not in OURS:
                yield alias.asname or alias.name.partition(".")[0]


def _root(node: ast.expr) -> str | None:
    """Return the name that a chain of attributes and keys begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _private_names(text: str) -> Iterator[str]:
    if "krebit" not in text:
        return  # no program that uses the project
    for names in IN_TEXT.findall(text):
        yield from (name for name in names if is_private(name))


def test_tests_replace_no_part_of_the_project_and_use_no_private_name() -> None:
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        if path.name not in HOLD_EXAMPLES:
            found += [f"{path.relative_to(TESTS)}:{line}" for line in found_in(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "monkeypatch.setattr('krebit.oauth.session.time', clock)",
        "monkeypatch.setattr('socket.getaddrinfo', refuse)",
        "monkeypatch.setattr(target=pool, name='SIZE', value=1)",
        "import krebit.http.pool\nmonkeypatch.setattr(krebit.http.pool, 'SIZE', 1)",
        "from krebit.http import pool\nmonkeypatch.setattr(pool, 'SIZE', 1)",
        "from krebit import Krebit as Socket\npatch.setattr(Socket, 'close', print)",
        "from tests.support import pool\nmonkeypatch.setattr(pool, 'SIZE', 1)",
        "from .support import pool\nmonkeypatch.setattr(pool, 'SIZE', 1)",
        "def test(site): monkeypatch.setattr(site.store, 'load', load)",
        "def test(api): setattr(api, 'close', print)",
        "from krebit import cli\nmonkeypatch.setitem(cli.TABLE, 'a', 1)",
        "from krebit.http import pool\npool.SIZE = 1",
        "import krebit\ndel krebit.http.pool.SIZE",
        "from krebit import Krebit\nKrebit.close = print",
        "from unittest import mock",
        "from unittest.mock import patch",
        "import unittest.mock",
        "getattr(api, '_core')",
        "operator.attrgetter('_core.store')(api)",
        "vars(api)['_core']",
        "api.__dict__['_core']",
        "PROGRAM = 'import krebit; krebit.Krebit()._core'",
        "PROGRAM = f'from krebit.http.pool import _SIZE; print({name})'",
    ],
)
def test_each_way_is_found(source: str) -> None:
    assert len(list(found_in(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import socket\nmonkeypatch.setattr(socket, 'getaddrinfo', refuse)",
        "import socket\nmonkeypatch.setattr(socket.socket, 'connect', refuse)",
        "from pathlib import Path\nmonkeypatch.setattr(Path, 'read_text', read)",
        "import sys\nmonkeypatch.setitem(sys.modules, 'uwsgi', server)",
        "import warnings\nwarnings.showwarning = show",
        "def test(site): site.store = MemoryTokenStore()",
        "getattr(api, name)",
        "repr(vars(api))",
        "form = {'_token': token}",
        "PROGRAM = 'import os, krebit; os._exit(0)'",
        "PROGRAM = 'from krebit import *; print(krebit.__file__)'",
    ],
)
def test_what_is_not_the_project_s_own_may_be_replaced(source: str) -> None:
    assert list(found_in(source)) == []
