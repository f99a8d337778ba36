"""No private part of a dependency is used, by whatever way, but in the two files that exist to contain it.

ruff's rules SLF001 and PLC2701 see attributes and imports; they see neither `vars()` nor names in strings.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["overlay", "sandbox", "tools", "bench", "examples", "templates"]
OWN_PACKAGES = {"krebit", "krebit_api", "krebit_sandbox", "bench", "examples", "tools"}
ALLOWED = {Path("overlay/krebit/http/pool.py"), Path("overlay/krebit/http/aiohttp.py")}
BY_NAME = {"getattr", "setattr", "hasattr", "delattr", "getattr_static", "attrgetter", "methodcaller"}
DOCUMENTED = {"_asdict", "_exit", "_field_defaults", "_fields", "_make", "_replace"}
"""Public names of the standard library: those of named tuples and `os._exit`."""


def is_private(name: str) -> bool:
    """Return whether a part of it begins with an underscore and is no name of the language, such as `__doc__`."""
    return any(
        part.startswith("_") and part.strip("_") and not part.endswith("__") and part not in DOCUMENTED
        for part in name.split(".")
    )


def is_private_text(node: ast.expr) -> bool:
    """Return whether it is a text that `is_private`."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and is_private(node.value)


def found_in(source: str) -> Iterator[str]:
    """Yield `line: reason` for each use of a private part of something that the file does not define itself."""
    tree = ast.parse(source)
    own = set(_defined_in(tree))
    for node in ast.walk(tree):
        if reason := _reason(node, own):
            yield f"{getattr(node, 'lineno', 0)}: {reason}"


def _defined_in(tree: ast.AST) -> Iterator[str]:
    """Yield the names of functions, classes, arguments and variables, and of attributes that are set on `self`."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name


def _reason(node: ast.AST, own: set[str]) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id="vars")):
            return "vars()"
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments) if name in BY_NAME:
            if any(map(is_private_text, arguments)):
                return f"{name} of a private name"
        case ast.Attribute(value=owner, attr="__dict__") if not _is_self(owner):
            return "__dict__ of another object"
        case ast.Attribute(value=owner, attr=name) if is_private(name) and not _is_self(owner) and name not in own:
            return f"attribute {name}"
        case ast.Import(names=aliases):
            for alias in aliases:
                if is_private(alias.name) and alias.name.partition(".")[0] not in OWN_PACKAGES:
                    return f"import {alias.name}"
        case ast.ImportFrom(module=module, names=aliases, level=0) if module is not None:
            for alias in aliases:
                name = f"{module}.{alias.name}"
                if is_private(name) and name.partition(".")[0] not in OWN_PACKAGES:
                    return f"import {name}"
    return None


def _is_self(owner: ast.expr) -> bool:
    match owner:
        case ast.Name(id="self" | "cls") | ast.Call(func=ast.Name(id="super")):
            return True
    return False


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_private_part_of_a_dependency(folder: str) -> None:
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT)
        if name not in ALLOWED and "node_modules" not in name.parts:
            found += [f"{name}:{line}" for line in found_in(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "vars(transport)",
        "vars(transport)['_pool']",
        "getattr(transport, '_pool')",
        "getattr(transport, '_pool', None)",
        "setattr(transport, '_pool', mine)",
        "hasattr(transport, '_pool')",
        "delattr(transport, '_pool')",
        "inspect.getattr_static(transport, '_pool')",
        "operator.attrgetter('_pool._connections')(transport)",
        "transport.__dict__['_pool']",
        "transport._pool",
        "transport._pool = mine",
        "self.transport._pool",
        "make()._pool",
        "sys._getframe(1)",
        "import _thread",
        "import httpcore._sync.connection_pool",
        "from httpcore import _sync",
        "from httpcore._sync import ConnectionPool",
        "from httpx._config import create_ssl_context",
    ],
)
def test_each_way_is_found(source: str) -> None:
    assert len(list(found_in(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "self._pool = self._make()",
        "self.__dict__.copy()",
        "super()._pool",
        "transport.__doc__",
        "getattr(method, '__self__', None)",
        "getattr(transport, name)",
        "from __future__ import annotations",
        "from krebit._version import __version__",
        "from . import _private",
        "for _, name in pairs: name.strip()",
        "os._exit(1)",
        "urlsplit(url)._replace(query='')",
        "class Pool:\n    def __eq__(self, other): return self._size == other._size\n    _size: int = 0",
    ],
)
def test_what_is_ones_own_is_not_found(source: str) -> None:
    assert list(found_in(source)) == []
