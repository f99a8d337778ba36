"""What a type checker knows of a walk: the records' type, and a misspelt or wrong argument."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import NO_NODE_MODULES, absent, needs

ROOT = Path(__file__).parents[2]
PYRIGHT = ROOT / "tools" / "node" / "node_modules" / ".bin" / "pyright"

GOOD = """
from typing import Any, assert_type

from krebit import AsyncKrebit, AsyncWalk, Krebit, Outcome, Page, Walk, each, paginate
from krebit.models import Act, ClientRecord


def many(api: Krebit, ids: list[int]) -> None:
    for found in each(api.get_latest_act, ids, concurrency=4):
        assert_type(found, Outcome[int, Act])
        assert_type(found.value, Act)


async def many_async(api: AsyncKrebit, ids: list[int]) -> None:
    async for found in each(api.get_latest_act, ids):
        assert_type(found, Outcome[int, Act])


def walk(api: Krebit) -> None:
    clients = paginate(api.list_clients, limit=100, page=2)
    assert_type(clients, Walk[ClientRecord])
    assert_type(clients.options(prefetch=4, max_items=10, on_drift="raise"), Walk[ClientRecord])
    assert_type(clients.options(updated_since="2024-05-01"), Walk[ClientRecord])
    for client in clients:
        assert_type(client, ClientRecord)
    for page in clients.pages():
        assert_type(page, Page[ClientRecord])
        assert_type(page.records, list[ClientRecord])
    for row in clients.rows():
        assert_type(row, dict[str, Any])


async def awalk(api: AsyncKrebit) -> None:
    clients = paginate(api.list_clients, limit=100)
    assert_type(clients, AsyncWalk[ClientRecord])
    async for client in clients.options(prefetch=4):
        assert_type(client, ClientRecord)
    async for page in clients.pages():
        assert_type(page.records, list[ClientRecord])
    async for row in clients.rows():
        assert_type(row, dict[str, Any])
"""

BAD = """
from krebit import AsyncKrebit, Krebit, paginate


def walk(api: Krebit, asynchronous: AsyncKrebit) -> None:
    paginate(api.list_clients, limt=100)
    paginate(api.list_clients, limit="100")
    paginate(api.list_clients, 100)
    paginate(api.get_client, 1)
    paginate(api.list_clients).options(prefech=4)
    paginate(api.list_clients).options(on_drift="shout")
    for client in paginate(api.list_clients):
        client.compny_name
    for client in paginate(asynchronous.list_clients):
        pass
    paginate(asynchronous.list_clients, limt=100)
"""
BAD_LINES = [6, 7, 8, 9, 10, 11, 13, 14, 16]


def commands(program: Path) -> dict[str, list[str]]:
    return {
        "mypy": [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--follow-imports=silent",
            "--cache-dir",
            str(ROOT / ".mypy_cache" / "typing"),
            str(program),
        ],
        "pyright": [str(PYRIGHT), "--pythonpath", sys.executable, str(program)],
    }


def check(checker: str, program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    if checker == "pyright":
        needs("node")
        if not PYRIGHT.exists():
            absent(NO_NODE_MODULES)
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    return subprocess.run(commands(file)[checker], capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_walk_is_typed_through(checker: str, tmp_path: Path) -> None:
    done = check(checker, GOOD, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_what_is_misspelt_or_of_a_wrong_type_fails(checker: str, tmp_path: Path) -> None:
    done = check(checker, BAD, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = [line for line in range(1, BAD.count("\n") + 1) if f"program.py:{line}:" in done.stdout]
    assert found == BAD_LINES, done.stdout
