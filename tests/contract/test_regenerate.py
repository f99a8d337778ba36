"""Making the generated package: always the same, never half, nothing lost on the way."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Scratch, contents
from .test_document import OPERATIONS

PACKAGE = ROOT / "generated" / "krebit_api"


def other_ruff(folder: Path) -> str:
    """A folder for PATH with a ruff that does something else and a generator that does nothing."""
    folder.mkdir()
    for name in ("ruff", "openapi-python-client"):
        (folder / name).write_text("#!/bin/sh\nfor f in *.py; do echo '# other' >> $f; done\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.slow
def test_from_nothing_it_makes_the_tree_that_is_kept_here(scratch: Scratch, tmp_path: Path) -> None:
    path = f"{other_ruff(tmp_path / 'bin')}:/usr/bin:/bin"
    # Settings of ruff that must not be found: above the folder, and the user's.
    (scratch.root / "ruff.toml").write_text("line-length = 40\nindent-width = 2\n", encoding="utf-8")
    done = scratch.regenerate(PATH=path, PYTHONHASHSEED="7", XDG_CONFIG_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    first = contents(scratch.package)
    assert first == contents(PACKAGE)
    done = scratch.regenerate(PYTHONHASHSEED="8")
    assert done.returncode == 0, done.stderr
    assert contents(scratch.package) == first
    assert [path.name for path in scratch.package.parent.iterdir()] == ["krebit_api"]


@pytest.mark.slow
def test_the_check_names_each_file_that_is_not_what_the_document_says(scratch: Scratch) -> None:
    shutil.copytree(PACKAGE, scratch.package, ignore=shutil.ignore_patterns("__pycache__"))
    assert scratch.regenerate("--check").returncode == 0
    (scratch.package / "client.py").write_text("# by hand\n", encoding="utf-8")
    (scratch.package / "models" / "act.py").unlink()
    (scratch.package / "models" / "old.py").write_text("", encoding="utf-8")
    edited = contents(scratch.package)
    done = scratch.regenerate("--check")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"missing: {scratch.package / 'models/act.py'}",
        f"stale, not generated: {scratch.package / 'models/old.py'}",
        f"differs from what the document says: {scratch.package / 'client.py'}",
    ]
    assert contents(scratch.package) == edited
    assert scratch.regenerate().returncode == 0
    assert contents(scratch.package) == contents(PACKAGE)


@pytest.mark.slow
def test_make_check_fails_on_a_hand_edit_naming_the_file(tmp_path: Path) -> None:
    """As a contributor sees it: the command of the Makefile, on a copy of the tree."""
    copied = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "build", "dist")
    root = tmp_path / "tree"
    shutil.copytree(ROOT, root, ignore=copied)
    for name in (".venv", "tools/node/node_modules"):
        if (ROOT / name).exists():
            (root / name).symlink_to(ROOT / name)
    # A line that breaks the types too, so that other checks have something to say as well.
    edited = root / "generated" / "krebit_api" / "client.py"
    edited.write_text("by_hand: int = 'x'\n", encoding="utf-8")
    command = ["make", "--old-file=.venv/.dev", f"BIN={Path(sys.executable).parent}", "check"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"differs from what the document says: {edited}" in done.stdout, done.stdout + done.stderr


def first_operation(document: dict[str, Any], path: str) -> dict[str, Any]:
    operation: dict[str, Any] = next(iter(document["paths"][path].values()))
    return operation


def move_to_component(document: dict[str, Any]) -> None:
    document["components"]["pathItems"] = {"Me": document["paths"]["/api/1.0/me"]}
    document["paths"]["/api/1.0/me"] = {"$ref": "#/components/pathItems/Me"}


def rename(document: dict[str, Any], name: str) -> None:
    first_operation(document, "/api/1.0/me")["operationId"] = name


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a reference to nothing": (
        lambda d: d["components"]["schemas"]["Act"]["properties"].update(x={"$ref": "#/components/schemas/Nothing"}),
        "components.schemas.Act.properties.x: $ref #/components/schemas/Nothing: points at nothing",
    ),
    "what the generator only warns of": (
        lambda d: first_operation(d, "/api/1.0/webhooks")["requestBody"]["content"].update(
            {"application/other+json": {"schema": {"type": "array"}}}
        ),
        "the generator refused it",
    ),
    "two operations of one name": (lambda d: rename(d, "get_client"), "operationId get_client is used 2 times"),
    "an operation without a name": (lambda d: rename(d, ""), "operationId '' is not in snake_case"),
    "a property that every model has already": (
        lambda d: d["components"]["schemas"]["Act"]["properties"].update(toRow={"type": "string"}),
        "schema Act: property 'toRow' is a method of every model already",
    ),
    "an operation that Krebit has already": (lambda d: rename(d, "request"), "is a method of Krebit already"),
    "a path that is a reference": (move_to_component, "a path item with $ref"),
    "a schema that shadows a class": (
        lambda d: d["components"]["schemas"].update(Client={"type": "object"}),
        "schema Client: shadows",
    ),
    "a tag in upper case": (
        lambda d: first_operation(d, "/api/1.0/me").update(tags=["Users"]),
        "needs exactly one tag, in lower case",
    ),
    "tags without one": (
        lambda d: first_operation(d, "/api/1.0/me").update(tags=None),
        "needs exactly one tag, in lower case",
    ),
    "a tag that is null": (
        lambda d: first_operation(d, "/api/1.0/me").update(tags=[None]),
        "paths./api/1.0/me.get.tags.0: Input should be a valid string",
    ),
    "an operation that anybody may call": (
        lambda d: first_operation(d, "/api/1.0/me").pop("security"),
        "needs its own `security`",
    ),
    "a dialect of JSON schema": (
        lambda d: d.update(jsonSchemaDialect="https://json-schema.org/draft/2020-12/schema"),
        "jsonSchemaDialect",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_old_tree_stays_whole_when_the_document_has(fault: str, scratch: Scratch) -> None:
    shutil.copytree(PACKAGE, scratch.package, ignore=shutil.ignore_patterns("__pycache__"))
    change, message = BROKEN[fault]
    change(scratch.document)
    scratch.save()
    done = scratch.regenerate()
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(scratch.package) == contents(PACKAGE)
    assert [path.name for path in scratch.package.parent.iterdir()] == ["krebit_api"]


INTERRUPTED = """
import sys
from pathlib import Path
sys.path.insert(0, {tools!r})
import regenerate

class Fresh(type(Path())):
    def rename(self, target):
        if self.name == "new":
            raise KeyboardInterrupt
        return super().rename(target)

package, fresh = Path({package!r}), Fresh({fresh!r})
try:
    regenerate.swap(fresh, package)
except KeyboardInterrupt:
    print("ended")
"""


def test_the_old_tree_stays_whole_when_ctrl_c_comes_between_the_two_renames(scratch: Scratch) -> None:
    shutil.copytree(PACKAGE, scratch.package, ignore=shutil.ignore_patterns("__pycache__"))
    fresh = scratch.root / "beside" / "new"
    fresh.mkdir(parents=True)
    names = {"tools": str(scratch.root / "tools"), "package": str(scratch.package), "fresh": str(fresh)}
    assert scratch.python(INTERRUPTED.format(**names)) == "ended\n"
    assert contents(scratch.package) == contents(PACKAGE)


def test_yaml_that_cannot_be_read_is_told_with_its_line(scratch: Scratch) -> None:
    text = (scratch.root / "openapi.yaml").read_text(encoding="utf-8")
    (scratch.root / "openapi.yaml").write_text(text + "servers: []\n", encoding="utf-8")
    done = scratch.regenerate()
    assert done.returncode == 1
    assert 'duplicate key "servers"' in done.stderr
    assert f"line {len(text.splitlines()) + 1}" in done.stderr


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("post_hook: []\n", "unknown key post_hook; known are"),
        ("class_overrides: {Act: {classname: Deed}}\n", "class_overrides: Act: unknown key classname"),
    ],
)
def test_keys_that_the_generator_would_ignore_are_refused(scratch: Scratch, added: str, message: str) -> None:
    with (scratch.root / "generator-config.yml").open("a", encoding="utf-8") as config:
        config.write(added)
    done = scratch.regenerate()
    assert done.returncode == 1
    assert message in done.stderr
    assert not scratch.package.exists()


def test_a_tool_of_another_version_than_the_pinned_one_is_refused(scratch: Scratch) -> None:
    project = scratch.root / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace('"openapi-python-client==', '"openapi-python-client==9.'), encoding="utf-8")
    done = scratch.regenerate()
    assert done.returncode == 1
    assert "the tree is made by 9." in done.stderr


def test_operations_are_endpoint_modules_and_all_but_oauth_are_methods() -> None:
    modules = {path.relative_to(PACKAGE / "api").as_posix() for path in (PACKAGE / "api").glob("*/[!_]*.py")}
    assert modules == {f"{tag}/{name}.py" for name, _, _, tag in OPERATIONS}
    tree = ast.parse((PACKAGE / "api" / "__init__.py").read_text(encoding="utf-8"))
    methods = {
        node.name: {part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Operations")
    }
    expected = sorted(["_send", *(name for name, _, _, tag in OPERATIONS if tag != "oauth")])
    assert {name: sorted(found) for name, found in methods.items()} == {
        "Operations": expected,
        "AsyncOperations": expected,
    }


def test_every_generated_file_says_so_and_the_package_is_typed() -> None:
    files = contents(PACKAGE)
    assert "py.typed" in files
    copied = contents(ROOT / "templates" / "runtime")
    generated = {text.split(b"\n", 1)[0] for name, text in files.items() if name not in copied}
    assert generated == {b"# Generated from openapi.yaml by `make regenerate`; do not edit."}


def test_what_holds_nothing_of_the_document_is_a_real_file_that_is_copied() -> None:
    files, copied = contents(PACKAGE), contents(ROOT / "templates" / "runtime")
    assert {name: files.get(name) for name in copied} == copied
    assert {text.split(b"\n", 1)[0] for text in copied.values()} == {
        b"# Copied from templates/runtime by `make regenerate`; edit it there."
    }
    # The linter reads the originals, the type checkers the copies.
    command = [sys.executable, "-m", "ruff", "check", "--show-files", "."]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name for name in copied if f"templates/runtime/{name}" in linted} == set(copied)
    assert "mypy overlay/krebit sandbox/krebit_sandbox generated/krebit_api" in (ROOT / "Makefile").read_text()
