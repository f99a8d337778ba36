"""The portfolio in DuckDB, by dlt: exact, complete, and only what is new in the next run."""

import json
import os
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from krebit import Krebit, MemoryTokenStore, paginate
from krebit_sandbox import Sandbox
from tests.needs import needed_module

PROGRAM = Path(__file__).parents[2] / "examples" / "warehouse_dlt.py"
QUERY = """
    import duckdb, json, sys
    with duckdb.connect(sys.argv[1], read_only=True) as warehouse:
        print(json.dumps([warehouse.sql(query).fetchall() for query in sys.argv[2:]], default=str))
"""


@pytest.fixture
def environment(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    needed_module("dlt")
    return {
        **os.environ,
        **sandbox.environment,
        "XDG_STATE_HOME": str(tmp_path),
        "KREBIT_PLAIN_HTTP": "1",
        "DLT_DATA_DIR": f"{tmp_path}/dlt",
    }


def run(environment: dict[str, str], *command: str, folder: Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=folder,  # dlt looks for its settings there
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_two_runs(environment: dict[str, str], sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.switch(clients=120, unknown_keys=True)
    warehouse = str(tmp_path / "portfolio.duckdb")

    def query(*queries: str) -> list[Any]:
        output = run(environment, "-c", textwrap.dedent(QUERY), warehouse, *queries, folder=tmp_path)
        found: list[Any] = json.loads(output)
        return found

    def read() -> list[str]:
        return [one.path for one in sandbox.requests if one.path.endswith("/data")]

    run(environment, str(PROGRAM), warehouse, folder=tmp_path)
    with Krebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore()) as api:
        expected = {client.id: client.credit_limit for client in paginate(api.list_clients, limit=100)}
    columns = (
        "SELECT table_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'krebit' AND column_name IN ('amount', 'credit_limit') ORDER BY 1"
    )
    amounts = "SELECT id, credit_limit::VARCHAR FROM krebit.clients"
    counts = "SELECT (SELECT count(*) FROM krebit.acts), (SELECT count(DISTINCT act) FROM krebit.data_points)"
    types, stored, (first,) = query(columns, amounts, counts)
    assert types == [["acts", "DECIMAL(38,9)"], ["clients", "DECIMAL(38,9)"]]
    assert {number: amount and Decimal(amount) for number, amount in stored} == expected
    assert first[0] == first[1] == len(read()) > 60

    act = sandbox.create_act(12350)
    run(environment, str(PROGRAM), warehouse, folder=tmp_path)
    assert read()[first[0] :] == [f"/api/1.0/acts/{act['uuid']}/data"]
    (second,), clients = query(counts, "SELECT count(*) FROM krebit.clients")
    assert second == [first[0] + 1, first[1] + 1]
    assert clients == [[120]]


@pytest.mark.slow
def test_a_call_that_fails_stops_no_other(environment: dict[str, str], sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.switch(clients=20)
    warehouse = str(tmp_path / "portfolio.duckdb")
    count = "SELECT (SELECT count(*) FROM krebit.acts), (SELECT count(DISTINCT act) FROM krebit.data_points)"

    def counts() -> list[int]:
        output = run(environment, "-c", textwrap.dedent(QUERY), warehouse, count, folder=tmp_path)
        found: list[int] = json.loads(output)[0][0]
        return found

    uuid = sandbox.create_act(12345)["uuid"]
    removed = sandbox.create_act(12346)["uuid"]
    sandbox.fault(kind="status", status=403, path="*/12348/acts/latest", times=1, body={"message": "no"})
    sandbox.fault(kind="status", status=403, path=f"*/{uuid}/data", times=1, body={"message": "no"})
    sandbox.fault(kind="status", status=404, path=f"*/{removed}/data", times=1, body={"message": "no"})
    output = run(environment, str(PROGRAM), warehouse, folder=tmp_path, code=1)
    assert "error: client 12348: 403 Forbidden: no" in output
    assert f"error: act {uuid}: 403 Forbidden: no" in output
    assert removed not in output
    acts, with_points = counts()
    assert with_points == acts - 2 > 5
    run(environment, str(PROGRAM), warehouse, folder=tmp_path)
    assert counts() == [acts + 1, acts + 1]
