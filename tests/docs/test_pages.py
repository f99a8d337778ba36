"""The Python code of the pages runs, as it stands, against the sandbox."""

import ast
import asyncio
import inspect
import subprocess
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from krebit import AsyncKrebit, Krebit, paginate
from krebit_sandbox import Sandbox
from tests.docs.pages import page, python_blocks
from tests.needs import needed_module

# Functions that a page only defines are called too.
CALLS = {
    "README": [],
    "errors": [],
    "files": ["saved.size", "saved.path.stat().st_size"],
    "lists": ["list(walk)", "len(frame)"],
    "performance": ["asyncio.run(names())"],
    "settings": [],
    "values": ["rating_of(client)", "subscribe(api)", "remaining_calls(api)", "clients_as_json(api)"],
}


def compiled(code: str, name: str) -> CodeType:
    """Return a block's code, which may `await` at its top level."""
    block: CodeType = compile(code, f"{name}.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return block


def run_asynchronous(code: CodeType, names: dict[str, Any]) -> None:
    """Run a block that awaits, with an asynchronous client as `api`."""

    async def main() -> None:
        async with AsyncKrebit.from_env() as api:
            await eval(code, names | {"api": api})

    asyncio.run(main())


@pytest.mark.parametrize("name", CALLS)
def test_the_code_of_the_page(
    name: str, krebit_environment: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block by block, from top to bottom, with a client that is signed in as `api`."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"asyncio": asyncio, "paginate": paginate, "polars": needed_module("polars")}
    blocks = python_blocks(page(name))
    assert blocks
    with Krebit.from_env() as client:
        for block in blocks:
            names["api"] = client
            code = compiled(block, name)
            if code.co_flags & inspect.CO_COROUTINE:
                run_asynchronous(code, names)
            else:
                exec(code, names)
        names["api"] = client
        for call in CALLS[name]:
            assert eval(call, names) not in (None, 0, []), call


@pytest.mark.slow
@pytest.mark.parametrize("name", ["testing", "sandbox"])
def test_the_tests_of_the_page_pass(name: str, tmp_path: Path) -> None:
    blocks = [block for block in python_blocks(page(name)) if "with Sandbox(" not in block]
    (tmp_path / "test_page.py").write_text("\n\n".join(blocks))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sum(block.count('def test_') for block in blocks)} passed" in done.stdout


def test_the_sandbox_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [block for block in python_blocks(page("sandbox")) if "with Sandbox(" in block]
    exec(compiled(block, "sandbox"), {})
    assert capsys.readouterr().out.strip()
