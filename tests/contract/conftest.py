"""A scratch copy of everything that makes the generated package, to be broken and added to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.needs import NO_NODE_MODULES, absent
from tests.world import way

__all__ = ["way"]

ROOT = Path(__file__).resolve().parents[2]
Finished = subprocess.CompletedProcess[str]


class Scratch:
    """A folder with document, configuration, templates and tools of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "generated" / "krebit_api"
        for name in ("openapi.yaml", "generator-config.yml", "pyproject.toml"):
            shutil.copy(ROOT / name, root / name)
        shutil.copytree(ROOT / "templates", root / "templates")
        (root / "tools").mkdir()
        for script in (ROOT / "tools").glob("*.py"):
            shutil.copy(script, root / "tools")
        self.document: dict[str, Any] = YAML(typ="safe").load(root / "openapi.yaml")

    def add_operations(self, file: Path) -> None:
        """Add the operations of a file to the document, each with tag, security and summary."""
        for path, item in YAML(typ="safe").load(file).items():
            for operation in item.values():
                tag = path.split("/")[3].lower()
                operation |= {"tags": [tag], "security": [{"oauth2": []}], "summary": operation["operationId"]}
            self.document["paths"].setdefault(path, {}).update(item)

    def save(self) -> None:
        """Write the document as it stands now."""
        YAML(typ="safe").dump(self.document, self.root / "openapi.yaml")

    def run(self, script: str, *arguments: str, **environment: str) -> Finished:
        command = [sys.executable, str(self.root / "tools" / script), *arguments]
        return subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, cwd=self.root
        )

    def regenerate(self, *arguments: str, **environment: str) -> Finished:
        return self.run("regenerate.py", *arguments, **environment)

    def generated(self) -> None:
        """Save and generate, which must succeed."""
        self.save()
        done = self.regenerate()
        assert done.returncode == 0, done.stderr

    def python(self, program: str) -> str:
        """What a program prints that imports this copy's package."""
        environment = {**os.environ, "PYTHONPATH": str(self.root / "generated")}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=self.root)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_calls(self, client: str, calls: list[tuple[str, dict[str, Any]]]) -> Finished:
        """Make the calls of a grown document on a client: `blocking`, `asynchronous` or `aiohttp`."""
        file = self.root / "calls.json"
        file.write_text(json.dumps(calls), encoding="utf-8")
        paths = os.pathsep.join([str(self.root / "generated"), str(ROOT / "overlay")])
        command = [sys.executable, "-W", "error", str(Path(__file__).with_name("grown_program.py")), client, str(file)]
        environment = {**os.environ, "PYTHONPATH": paths}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def check_types(self, program: str) -> list[Finished]:
        """Run mypy --strict and pyright over the package and a program that uses it."""
        (self.root / "generated" / "program.py").write_text(program, encoding="utf-8")
        targets = ["krebit_api", "program.py"]
        commands = [[sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", "../mypy", *targets]]
        pyright = ROOT / "tools" / "node" / "node_modules" / ".bin" / "pyright"
        if not pyright.exists():
            absent(NO_NODE_MODULES)
        commands.append([str(pyright), "--pythonpath", sys.executable, *targets])
        folder = self.root / "generated"
        return [
            subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder) for command in commands
        ]


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path)


def contents(package: Path) -> dict[str, bytes]:
    """Every file of a package with its bytes, without what Python compiles beside them."""
    return {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
