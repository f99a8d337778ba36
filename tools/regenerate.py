"""Write `generated/krebit_api` anew from `openapi.yaml`, or check that it is what the document says.

The tree is made beside the old one and swapped in when everything has succeeded: a failure leaves the old tree whole.
"""

from __future__ import annotations

import argparse
import ast
import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

from contract import DOCUMENT, ROOT, Problem, load, operations
from openapi_python_client.config import ClassOverride, ConfigFile
from refusals import refused
from ruamel.yaml import YAML

CONFIG = ROOT / "generator-config.yml"
TEMPLATES = ROOT / "templates"
PACKAGE = ROOT / "generated" / "krebit_api"
INSTALL = "call rm -f .venv/.dev, then make regenerate"
HEADER = "# Generated from openapi.yaml by `make regenerate`; do not edit.\n"

# Files of the package that hold nothing of the document: copied as they are.
RUNTIME = TEMPLATES / "runtime"


def check_configuration() -> None:
    """Refuse keys that the generator would ignore, and tools of another version than the pinned ones."""
    known = set(ConfigFile.model_fields)
    given = YAML(typ="safe").load(CONFIG) or {}
    if unknown := sorted(set(given) - known):
        raise Problem(f"{CONFIG.name}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    for name, override in (given.get("class_overrides") or {}).items():
        if unknown := sorted(set(override) - set(ClassOverride.model_fields)):
            raise Problem(f"{CONFIG.name}: class_overrides: {name}: unknown key {', '.join(unknown)}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in project["dependency-groups"]["generator"]:
        name, _, pinned = requirement.partition("==")
        if version(name) != pinned:
            raise Problem(f"{name} {version(name)} is installed, the tree is made by {pinned}: {INSTALL}")


def generate(document: Path, package: Path) -> None:
    """Make the package in a folder that does not exist yet. Raises Problem with the generator's own words."""
    described = load(document)
    if found := list(refused(described)):
        raise Problem("\n".join(f"{document.name}: {line}" for line in found))
    scripts = sysconfig.get_path("scripts")
    if shutil.which("ruff", path=scripts) is None:
        raise Problem(f"no ruff in {scripts}: {INSTALL}")
    script = Path(__file__).with_name("generate.py")
    command = [sys.executable, str(script), str(document), str(CONFIG), str(TEMPLATES), str(package)]
    # This interpreter's ruff, whatever else PATH holds; and no order that depends on the hash of a string.
    environment = {**os.environ, "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Problem(f"{document.name}: the generator refused it\n{done.stdout}{done.stderr}".rstrip())
    finish(package)
    verify(described, package)
    check(document, package)


def check(document: Path, package: Path) -> None:
    """Compile, import and resolve all that was generated, in a process of its own. Raises Problem."""
    script = Path(__file__).with_name("check_package.py")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    ruff = str(Path(sysconfig.get_path("scripts")) / "ruff")
    commands = [
        [sys.executable, str(script), str(package)],
        [ruff, "check", "--isolated", "--no-cache", "--quiet", "--select=E9,F811,F821", str(package)],
    ]
    for command in commands:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Problem(
                f"{document.name}: the code that it makes does not work, so the old tree stays; rename what the lines "
                f"below name, or report it\n{done.stdout}{done.stderr}".rstrip()
            )


def finish(package: Path) -> None:
    """Do what templates cannot: the marker of PEP 561, the first line of each file, the files that are copied."""
    (package / "py.typed").write_text("", encoding="utf-8")
    for file in files(package):
        path = package / file
        path.write_text(HEADER + path.read_text(encoding="utf-8"), encoding="utf-8")
    for source in sorted(RUNTIME.glob("*.py")):
        shutil.copyfile(source, package / source.name)


def verify(document: dict[str, object], package: Path) -> None:
    """Check that each operation has its module and its method in both classes, and nothing else has. Raises Problem."""
    known = list(operations(document))
    expected = {f"{operation.tags[0]}/{operation.id}.py" for operation in known}
    modules = {str(path.relative_to(package / "api")) for path in (package / "api").glob("*/*.py")}
    modules = {module for module in modules if not module.endswith("__init__.py")}
    if modules != expected:
        raise Problem(f"operations and endpoint modules differ: {', '.join(sorted(modules ^ expected))}")
    tree = ast.parse((package / "api" / "__init__.py").read_text(encoding="utf-8"))
    wanted = sorted(operation.id for operation in known if operation.tags != ["oauth"])
    for name in ("Operations", "AsyncOperations"):
        (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        functions = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        # Overloads have the name of their method.
        methods = sorted({name for name in functions if not name.startswith("_")})
        if methods != wanted:
            raise Problem(f"operations and methods of {name} differ: {methods} instead of {wanted}")


def files(package: Path) -> set[str]:
    """Return the files of a package by their relative names, without what Python compiles beside them."""
    return {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def differences(fresh: Path, package: Path) -> list[str]:
    """Return how a package differs from a fresh one, a line for each file."""
    new, old = files(fresh), files(package)
    lines = [f"missing: {package / name}" for name in sorted(new - old)]
    lines += [f"stale, not generated: {package / name}" for name in sorted(old - new)]
    _, changed, unreadable = filecmp.cmpfiles(fresh, package, sorted(new & old), shallow=False)
    lines += [f"differs from what the document says: {package / name}" for name in sorted(changed + unreadable)]
    return lines


def swap(fresh: Path, package: Path) -> None:
    """Put a fresh package in the place of the old one; if that fails, or Ctrl-C ends it, the old one is back."""
    if not package.exists():
        fresh.rename(package)
        return
    old = fresh.with_name("old")
    package.rename(old)
    try:
        fresh.rename(package)
    except BaseException:
        if not package.exists():
            old.rename(package)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name each file that differs")
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE", help="default: openapi.yaml")
    parser.add_argument("--output", type=Path, default=PACKAGE, metavar="FOLDER", help="default: generated/krebit_api")
    options = parser.parse_args()
    package: Path = options.output.absolute()
    try:
        check_configuration()
        if not options.check:
            package.parent.mkdir(parents=True, exist_ok=True)
        place = None if options.check else package.parent
        with tempfile.TemporaryDirectory(prefix=".regenerate-", dir=place) as beside:
            fresh = Path(beside) / "new"
            generate(options.document.absolute(), fresh)
            changes = differences(fresh, package)
            if options.check:
                print("\n".join(changes), end="\n" if changes else "")
                return 1 if changes else 0
            if changes:
                swap(fresh, package)
            print(f"{package}: {len(changes)} files changed")
    except (Problem, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
