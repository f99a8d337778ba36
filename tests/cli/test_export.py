"""Files of all records: whole or not at all, exact, harmless in a spreadsheet."""

import csv
import gc
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import openpyxl
import pytest

from krebit.cli.files import new_file
from krebit.cli.values import plain_text
from krebit.cli.whole_files import whole_file
from krebit_sandbox import Sandbox
from tests.cli.support import run
from tests.full_disk import full_disk
from tests.needs import needs_root

FORMULA = "=cmd|'/c calc'!A1"


def list_of(site: Sandbox, *clients: dict[str, object]) -> None:
    """Let the list be these clients."""
    site.fault(kind="status", status=200, path="/api/1.0/clients", body={"data": list(clients)}, times=None)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_every_client_once(site: Sandbox, tmp_path: Path, kind: str) -> None:
    site.switch(clients=230)
    path = tmp_path / f"clients.{kind}"
    done = run("export", "clients", "--to", path)
    assert (done.code, done.out, done.err) == (0, "", f"230 clients in {path}\n")
    assert len({row["id"] for row in rows_of(path)}) == 230
    assert [file.name for file in tmp_path.iterdir() if "clients" in file.name] == [path.name]


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line, parse_float=Decimal) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    header, *rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_a_full_disk_is_named_and_leaves_nothing(site: Sandbox, tmp_path: Path, kind: str) -> None:
    list_of(site, *({"id": number, "name": f"company {number}"} for number in range(1, 200)))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = tmp_path / f"clients.{kind}"
    assert run("me").code == 0  # the login is stored
    for limit in (1000, 4000):
        with full_disk(limit):
            done = run("export", "clients", "--to", path, env={"TMPDIR": str(scratch)})
        assert done.code == 1
        # Python 3.15 adds that the temporary file of a spreadsheet has no room either.
        assert f"krebit: --to {path}: cannot be written (File too large); name another place" in done.err.splitlines()
        assert "Traceback" not in done.err
        assert not list(scratch.iterdir())
        assert not path.exists()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # xlsxwriter leaves its temporary file open
def test_a_spreadsheet_that_failed_is_collected_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # On Python 3.15 the collector closed the memory before the archive that wanted to write its end into it.
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    for _ in range(10):
        with pytest.raises(click.ClickException, match="File too large"):
            write_on_a_full_disk(tmp_path / "a.xlsx")
    gc.collect()
    assert not complaints


def write_on_a_full_disk(path: Path) -> None:
    with full_disk(4000), new_file(path, "xlsx", ["id", "name"]) as writer:
        for number in range(200):
            writer.add({"id": number, "name": f"company {number}"})


def test_a_spreadsheet_that_fails_leaves_no_row_behind(site: Sandbox, tmp_path: Path) -> None:
    site.fault(kind="status", status=403, path="/api/1.0/acts/*", times=None)
    assert run("export", "data", "--to", tmp_path / "a.xlsx", env={"TMPDIR": str(tmp_path)}).code == 1
    assert not list(tmp_path.glob("tmp*"))


INTERRUPTED = """
import signal, sys
from pathlib import Path
from krebit.cli.files import new_file

signal.signal(signal.SIGPROF, signal.default_int_handler)
try:
    with new_file(Path(sys.argv[1]), "xlsx", ["id", "name"]) as writer:
        for number in range(60_000):
            writer.add({"id": number, "name": f"company {number}"})
        signal.setitimer(signal.ITIMER_PROF, 0.02)  # the archive takes some 0.1 s
except KeyboardInterrupt:
    sys.exit(7)
"""


def test_a_spreadsheet_that_is_interrupted_at_its_end_says_nothing_more(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "a.xlsx")]
    done = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert not list(tmp_path.iterdir())


def test_a_link_of_another_user_in_a_folder_for_all_is_not_followed(site: Sandbox, tmp_path: Path) -> None:
    needs_root()
    shared, mine = tmp_path / "shared", tmp_path / "mine.csv"
    shared.mkdir()
    shared.chmod(0o1777)
    mine.write_text("precious")
    (shared / "a.csv").symlink_to(mine)
    os.lchown(shared / "a.csv", 65534, -1)
    done = run("export", "clients", "--to", shared / "a.csv")
    assert done.code == 1
    assert "a.csv: is a link of another user, in a folder for all; name another place" in done.err
    assert mine.read_text() == "precious"


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_the_rights_of_no_other_file_change(tmp_path: Path) -> None:
    """Whoever may write to the folder can put a link in the place of the temporary file."""
    private = tmp_path / "private"
    private.touch(0o600)
    with whole_file(tmp_path / "a.csv", "--to", "") as file:
        file.write(b"a")
        (temporary,) = tmp_path.glob(".a.csv.*.tmp")
        temporary.unlink()
        temporary.symlink_to(private)
    assert private.stat().st_mode & 0o777 == 0o600


def test_amounts_and_times_in_a_spreadsheet(site: Sandbox, tmp_path: Path) -> None:
    time = "2024-05-01T10:00:00+02:00"
    many = "12345678901234567.89"
    list_of(
        site,
        {"id": 1, "credit_limit": "1234.50", "updated_at": time, "org_number": "5560004567"},
        {"id": 2, "credit_limit": many},
    )
    path = tmp_path / "a.xlsx"
    assert run("export", "clients", "--to", path).code == 0
    first, second = rows_of(path)
    assert first["credit_limit"] == 1234.5
    assert first["updated_at (UTC)"] == datetime(2024, 5, 1, 8)  # noqa: DTZ001 - a sheet has no zones
    assert first["org_number"] == "5560004567"
    assert second["credit_limit"] == many  # a number would lose digits


def test_columns_of_a_spreadsheet_are_as_wide_as_their_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with new_file(path, "xlsx", ["short", "long", "endless"]) as writer:
        writer.add({"short": "a", "long": "a" * 30, "endless": "a" * 1000})
    columns = openpyxl.load_workbook(path).worksheets[0].column_dimensions
    assert [int(columns[name].width) for name in "ABC"] == [18, 31, 60]


def test_what_looks_like_a_formula(site: Sandbox, tmp_path: Path) -> None:
    list_of(site, {"id": 1, "company_name": FORMULA, "contact_phone": "+46 70 1"})
    path = tmp_path / "a.xlsx"
    assert run("export", "clients", "--to", path).code == 0
    cell = next(cell for row in openpyxl.load_workbook(path).worksheets[0] for cell in row if cell.value == FORMULA)
    assert cell.data_type == "s"
    done = run("export", "clients", "--to", tmp_path / "a.csv")
    assert rows_of(tmp_path / "a.csv")[0]["company_name"] == FORMULA  # programs read it too
    assert "a spreadsheet may run 1 cell as a formula: " in done.err


def test_fields_that_the_document_does_not_know(site: Sandbox, tmp_path: Path) -> None:
    list_of(site, {"id": 1, "segment": "a"}, {"id": 2, "segment": "b", "note": "c"})
    done = run("export", "clients", "--to", tmp_path / "a.csv")
    assert [row["segment"] for row in rows_of(tmp_path / "a.csv")] == ["a", "b"]
    assert "left out, because the first record does not have them: note. Export to .jsonl for all fields" in done.err
    run("export", "clients", "--to", tmp_path / "a.jsonl")
    assert rows_of(tmp_path / "a.jsonl")[1]["note"] == "c"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_no_client_at_all(site: Sandbox, tmp_path: Path, kind: str) -> None:
    site.switch(clients=0)
    path = tmp_path / f"a.{kind}"
    assert run("export", "clients", "--to", path).code == 0
    assert rows_of(path) == []
    if kind == "csv":
        assert path.read_text().startswith("id,company_name,org_number")


def test_a_failure_on_the_way_leaves_what_was_there(site: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("before")
    path.chmod(0o640)
    site.switch(clients=500)
    site.fault(kind="status", status=403, path="/api/1.0/clients", skip=3, times=None)
    done = run("export", "clients", "--to", path)
    assert done.code == 1
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".a")] == []
    site.clear_faults()
    assert run("export", "clients", "--to", path).code == 0
    assert path.stat().st_mode & 0o777 == 0o640


def test_places_where_nothing_can_be_written(site: Sandbox, tmp_path: Path) -> None:
    assert "there is no folder /nowhere" in run("export", "clients", "--to", "/nowhere/a.csv").err
    done = run("export", "clients", "--format", "csv", "--to", os.devnull)
    assert "is not a regular file" in done.err
    assert run("export", "clients", "--to", tmp_path).code == 2
    done = run("export", "clients", "--to", "-", cwd=tmp_path)
    assert done.err.startswith("krebit: --to -: is not a file; for a pipe call: krebit clients --all --csv")
    assert list(tmp_path.glob("*clients*")) == list(tmp_path.glob("-")) == []


def test_one_client(site: Sandbox, tmp_path: Path) -> None:
    list_of(site, {"id": 1})
    assert run("export", "clients", "--to", tmp_path / "a.csv").err == f"1 client in {tmp_path / 'a.csv'}\n"


def test_acts_and_their_values(site: Sandbox, tmp_path: Path) -> None:
    assert run("export", "acts", "--to", tmp_path / "acts.csv").code == 0
    acts = rows_of(tmp_path / "acts.csv")
    assert 0 < len(acts) < site.switches.clients  # some have none
    assert run("export", "data", "--to", tmp_path / "data.jsonl").code == 0
    values = rows_of(tmp_path / "data.jsonl")
    assert {row["act_uuid"] for row in values} == {row["uuid"] for row in acts}
    assert all(isinstance(row["client_id"], int) for row in values)
    site.fault(kind="status", status=403, path="/api/1.0/clients/12348/acts/latest")
    done = run("export", "acts", "--to", tmp_path / "no.csv")
    assert (done.code, done.err[:26]) == (1, "krebit: client 12348: 403 ")
    assert not (tmp_path / "no.csv").exists()


def test_an_act_that_is_removed_meanwhile_has_no_values(site: Sandbox, tmp_path: Path) -> None:
    run("export", "data", "--to", tmp_path / "before.csv")
    acts = list(dict.fromkeys(row["act_uuid"] for row in rows_of(tmp_path / "before.csv")))
    site.fault(kind="status", status=404, path=f"/api/1.0/acts/{acts[1]}/data", times=None)
    done = run("export", "data", "--to", tmp_path / "after.csv")
    assert done.code == 0
    assert f"act {acts[1]} has no values, or was removed; the server says: 404 Not Found" in done.err
    assert {row["act_uuid"] for row in rows_of(tmp_path / "after.csv")} == {*acts} - {acts[1]}


def test_a_list_that_changes_meanwhile_is_said_and_no_success(site: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for command in (("export", "clients", "--to", path), ("clients", "--all")):
        site.switch(clients=350, list_behaviour="shrinks")
        done = run(*command)
        assert done.code == 1
        first, *rest = done.err.splitlines()
        assert first.startswith("krebit: the list changed while it was walked: its size changed (")
        assert first.endswith("); records may be missing: call the command again")
        assert rest in ([], [f"{len(rows_of(path))} clients in {path}"])


def test_masked(site: Sandbox, tmp_path: Path) -> None:
    run("export", "clients", "--mask", "--to", tmp_path / "a.csv")
    assert {row["org_number"] for row in rows_of(tmp_path / "a.csv")} == {"***"}


@pytest.mark.parametrize(
    ("text", "is_formula"),
    [
        ("+cmd|'/c calc'!A1", True),
        ("-2+3+cmd|'/c calc'!A1", True),
        ("\n=1", True),
        ("\uff1d1", True),
        ("+46 (0)70-123 45 67", False),
        ("-12.50", False),
        ("-", False),
    ],
)
def test_which_cells_a_spreadsheet_takes_for_formulas(tmp_path: Path, text: str, is_formula: bool) -> None:
    with new_file(tmp_path / "a.csv", "csv", ["id"]) as writer:
        writer.add({"id": text})
    assert writer.formulas == is_formula
    with new_file(tmp_path / "a.csv", "csv", []) as writer:
        writer.add({text: 1})  # a field's name comes from the server too
    assert writer.formulas == is_formula


@pytest.mark.parametrize(
    "value",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(1899, 12, 30, tzinfo=UTC),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
        Decimal("1E+400"),
        Decimal("1E-400"),
        10**400,
    ],
)
def test_what_no_sheet_can_hold_is_written_as_text(tmp_path: Path, value: Any) -> None:
    with new_file(tmp_path / "a.xlsx", "xlsx", ["id"]) as writer:
        writer.add({"id": value})
    (row,) = rows_of(tmp_path / "a.xlsx")
    assert row == {"id": plain_text(value)}


def test_a_field_whose_name_no_file_takes(tmp_path: Path) -> None:
    for kind in ("csv", "xlsx", "jsonl"):
        with new_file(tmp_path / f"a.{kind}", kind, []) as writer:
            writer.add({"a\ud800": "b\ud800"})
    assert rows_of(tmp_path / "a.xlsx") == [{"a?": "b?"}]
