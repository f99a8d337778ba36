"""The portfolio in data frames and in a spreadsheet: exact amounts, times in a zone, an empty list."""

import datetime
import os
import subprocess
import sys
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from krebit import Krebit, MemoryTokenStore, paginate
from krebit.models import ClientRecord
from krebit_sandbox import Sandbox
from tests.needs import needed_module

PROGRAM = Path(__file__).parents[2] / "examples" / "data_frame.py"
SHAPES: list[dict[str, Any]] = [
    {},
    {"unknown_keys": True, "times": "offset"},
    {"money": "text", "times": "space"},
    {"times": "null"},
]


@pytest.fixture
def example() -> Any:
    needed_module("polars")
    return import_module("examples.data_frame")


@pytest.fixture
def api(sandbox: Sandbox) -> Any:
    with Krebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore()) as api:
        yield api


def clients_of(api: Krebit) -> list[ClientRecord]:
    return list(paginate(api.list_clients, limit=100))


@pytest.mark.parametrize("clients", [0, 250])
def test_the_program(sandbox: Sandbox, tmp_path: Path, clients: int, example: Any) -> None:
    sandbox.switch(clients=clients)
    environment = os.environ | sandbox.environment | {"XDG_STATE_HOME": str(tmp_path), "KREBIT_PLAIN_HTTP": "1"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "portfolio.xlsx")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{clients} clients" in done.stdout
    assert "decimal" in done.stdout
    assert ("SEK" in done.stdout) is (clients > 0)
    assert (tmp_path / "portfolio.xlsx").exists()


@pytest.mark.parametrize("changes", SHAPES)
def test_polars(api: Krebit, sandbox: Sandbox, example: Any, changes: dict[str, Any]) -> None:
    sandbox.switch(clients=120, **changes)
    frame = example.in_polars(api)
    clients = clients_of(api)
    assert frame.schema == example.SCHEMA
    assert frame["credit_limit"].to_list() == [client.credit_limit for client in clients]
    if changes.get("times") != "space":  # those have no zone
        assert frame["updated_at"].to_list() == [client.updated_at for client in clients]


@pytest.mark.parametrize("clients", [0, 120])
@pytest.mark.parametrize("changes", SHAPES)
def test_pandas(api: Krebit, sandbox: Sandbox, example: Any, changes: dict[str, Any], clients: int) -> None:
    needed_module("pandas")
    sandbox.switch(clients=clients, **changes)
    frame = example.in_pandas(api)
    assert list(frame.columns) == list(example.SCHEMA)
    assert str(frame["updated_at"].dtype).endswith("UTC]")
    known = [client.credit_limit for client in clients_of(api) if isinstance(client.credit_limit, Decimal)]
    assert frame["credit_limit"].dropna().tolist() == known
    assert frame["credit_limit"].dropna().sum() == sum(known)


@pytest.mark.parametrize("clients", [0, 120])
def test_a_spreadsheet(api: Krebit, sandbox: Sandbox, example: Any, tmp_path: Path, clients: int) -> None:
    openpyxl = needed_module("openpyxl")
    sandbox.switch(clients=clients, times="offset")
    path = str(tmp_path / "portfolio.xlsx")
    example.write_excel(example.in_polars(api), path)
    sheet = openpyxl.load_workbook(path).active
    header, *lines = sheet.iter_rows(values_only=True)
    found = [dict(zip(header, line, strict=True)) for line in lines if line[0] is not None]
    assert list(header) == list(example.SCHEMA)
    expected = clients_of(api)
    assert [one["id"] for one in found] == [client.id for client in expected]
    amounts = [one["credit_limit"] for one in found]
    assert [amount and Decimal(str(amount)) for amount in amounts] == [client.credit_limit for client in expected]
    for one, client in zip(found, expected, strict=True):
        assert isinstance(client.updated_at, datetime.datetime)
        local = client.updated_at.astimezone(ZoneInfo("Europe/Stockholm")).replace(tzinfo=None)
        assert abs(one["updated_at"] - local) < datetime.timedelta(milliseconds=1)
