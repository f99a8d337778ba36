"""Compile and import every module of a package, and resolve every annotation in it; a line for each that fails.

Run by regenerate.py in a process of its own, before the package takes the place of the old one.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


def faults(package: Path) -> Iterator[str]:
    """Yield what cannot be compiled, imported or resolved, with its file."""
    sys.path.insert(0, str(package.parent))
    for path in sorted(package.rglob("*.py")):
        where = path.relative_to(package)
        name = ".".join([package.name, *where.with_suffix("").parts]).removesuffix(".__init__")
        try:
            compile(path.read_bytes(), where, "exec", dont_inherit=True)
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever an import raises is a fault of what was generated
            yield f"{where}: {type(error).__name__}: {error}"
        else:
            yield from (f"{where}: {fault}" for fault in _unresolved(module))


def _unresolved(module: ModuleType) -> Iterator[str]:
    for name, value in inspect.getmembers(module):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            members = [(f"{name}.{inner}", part) for inner, part in inspect.getmembers(value, inspect.isfunction)]
            yield from (fault for part in [(name, value), *members] for fault in _hints(*part))
        elif inspect.isfunction(value):
            yield from _hints(name, value)


def _hints(name: str, value: object) -> Iterator[str]:
    # `__init__` of attrs has the annotations of the class, as texts of the module that wrote it.
    if name.endswith(".__init__"):
        return
    try:
        typing.get_type_hints(value)
    except Exception as error:  # noqa: BLE001 - whatever an annotation raises is a fault of what was generated
        yield f"{name}: {type(error).__name__}: {error}"


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1])))
    print("\n".join(found))
    sys.exit(1 if found else 0)
