"""The code in docs/jobs.md runs, as it stands, against the sandbox."""

import re
import runpy
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from krebit.webhooks import sign, verify
from krebit_sandbox import Sandbox

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "jobs.md").read_text("utf-8")
CALLS, HANDLER = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program(krebit_environment: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    exec(CALLS, {})
    assert len(capsys.readouterr().out.splitlines()) == krebit_environment.switches.clients


def test_the_handler_of_webhooks_stores_acts_for_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KREBIT_WEBHOOK_SECRET", "whsec_of_a_test")
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    schema = runpy.run_path(str(ROOT / "examples" / "portfolio_sync.py"))["SCHEMA"]
    program: dict[str, Any] = {}
    with closing(sqlite3.connect("portfolio.db")) as database:
        database.executescript(schema)
        exec(HANDLER, program)
        body = (
            b'{"event": "act.created", "id": "evt_1", "data": {"uuid": "123e4567-e89b-12d3-a456-426614174000", '
            b'"client_id": 12345, "amount": 10.10}}'
        )
        program["handle"](verify(body, {"X-Signature": sign(body, "whsec_of_a_test")}, "whsec_of_a_test"))
        stored = database.execute("SELECT client_id, amount, points_as_of FROM acts").fetchall()
    sys.modules.pop("portfolio_sync", None)
    assert stored == [(12345, "10.10", None)]
