"""The code in docs/pages.md runs, as it stands, against the sandbox."""

import asyncio
import re
import textwrap
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from krebit import AsyncKrebit, Krebit, MemoryTokenStore, paginate
from krebit_sandbox import Sandbox
from tests.needs import absent

PAGE = (Path(__file__).parents[2] / "docs" / "pages.md").read_text("utf-8")
PROGRAM, SETTINGS, ROWS, ASYNCHRONOUS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program(krebit_environment: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    exec(PROGRAM, {})
    assert len(capsys.readouterr().out.splitlines()) == krebit_environment.switches.clients


def test_settings_and_rows(krebit_environment: Sandbox) -> None:
    if find_spec("polars") is None:
        absent("needs polars; call: make .venv/.dev")
    with Krebit.from_env() as api:
        names: dict[str, Any] = {"api": api, "paginate": paginate, "polars": import_module("polars")}
        exec(SETTINGS, names)
        assert len(list(names["walk"])) == krebit_environment.switches.clients
        exec(ROWS, names)
        assert len(names["frame"]) == krebit_environment.switches.clients


def test_leaving_early(krebit_environment: Sandbox) -> None:
    names: dict[str, Any] = {"paginate": paginate}
    exec("async def leave(api):\n" + textwrap.indent(ASYNCHRONOUS, "    ") + "    return client", names)
    leave: Callable[..., Any] = names["leave"]

    async def main() -> int:
        async with AsyncKrebit.from_env(store=MemoryTokenStore()) as api:
            found: int = (await leave(api)).id
            return found

    assert asyncio.run(main()) == 12345
