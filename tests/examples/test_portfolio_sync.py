"""The nightly job: killed in the middle, limited, run again; it copies everything, and asks for nothing twice."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.portfolio_sync import SCHEMA, acts_to_read, save_act, save_data_points
from krebit import Krebit, MemoryTokenStore, paginate
from krebit.models import Act
from krebit_sandbox import Sandbox
from tests.waiting import wait_for

PROGRAM = Path(__file__).parents[2] / "examples" / "portfolio_sync.py"
CONCURRENCY = 16  # calls of `each`; half as many more wait to be read


@pytest.fixture
def job(sandbox: Sandbox, tmp_path: Path) -> "Job":
    return Job(sandbox, tmp_path)


class Job:
    """The program, on one database."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self.environment = (
            os.environ
            | sandbox.environment
            | {
                "XDG_STATE_HOME": str(folder),
                "KREBIT_PLAIN_HTTP": "1",
            }
        )
        self.path = folder / "portfolio.db"

    def start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), str(self.path)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> tuple[int, str, str]:
        with self.start() as process:
            output, errors = process.communicate(timeout=240)
        return process.returncode, output, errors

    def kill_when(self, answered: int) -> None:
        """Start it, and kill it when that many acts have been answered; no more are, so that it cannot end before."""
        self._sandbox.fault(kind="hold", path="*/acts/latest", skip=answered, times=None)
        with self.start() as process:
            wait_for(lambda: len(self.asked("acts/latest")) >= answered or process.poll() is not None, 120)
            assert process.poll() is None, process.communicate()
            process.kill()
        self._sandbox.clear_faults()
        self._sandbox.release()

    def asked(self, part: str) -> list[str]:
        """Return the paths that were answered with a success or with "there is none"."""
        return [one.path for one in self._sandbox.requests if part in one.path and one.status in (200, 404)]

    def query(self, text: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(text).fetchall()


def check_killed_limited_and_run_again(job: Job, sandbox: Sandbox, clients: int) -> None:
    sandbox.switch(clients=clients)
    job.kill_when(clients // 2)
    sandbox.fault(
        kind="status", status=429, path="*/acts/latest", skip=10, times=3, headers={"Retry-After": "1"}, body={}
    )
    code, output, errors = job.run()
    assert (code, errors) == (0, "")
    assert output.startswith(f"{clients} clients, ")

    with Krebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore()) as api:
        expected = {client.id: client.credit_limit for client in paginate(api.list_clients, limit=100)}
    stored = job.query("SELECT id, credit_limit FROM clients")
    assert {number: amount and Decimal(amount) for number, amount in stored} == expected
    with_acts = {int(one.path.split("/")[4]) for one in sandbox.requests if one.status == 200 and "latest" in one.path}
    assert clients / 2 < len(with_acts) < clients
    assert job.query("SELECT client_id FROM acts ORDER BY 1") == [(number,) for number in sorted(with_acts)]
    # Nothing was asked for twice but what was under way when the job was killed.
    asked = job.asked("acts/latest")
    assert len(set(asked)) == clients
    assert len(asked) <= clients + CONCURRENCY * 3 // 2
    acts = job.query("SELECT uuid FROM acts")
    assert sorted(job.asked("/data")) == sorted(f"/api/1.0/acts/{act}/data" for (act,) in acts)
    assert job.query("SELECT count(DISTINCT act) FROM data_points") == [(len(acts),)]


def test_killed_limited_and_run_again(job: Job, sandbox: Sandbox) -> None:
    check_killed_limited_and_run_again(job, sandbox, 120)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killed_limited_and_run_again_with_5000_clients(job: Job, sandbox: Sandbox) -> None:
    check_killed_limited_and_run_again(job, sandbox, 5_000)


def test_the_next_run_asks_only_for_new_data_points(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=30, money="text", unknown_keys=True)
    assert job.run()[0] == 0
    before = len(job.asked("/data"))
    act = sandbox.create_act(12350)
    assert job.run()[0] == 0
    assert job.asked("/data")[before:] == [f"/api/1.0/acts/{act['uuid']}/data"]
    (amount,) = job.query(f"SELECT amount FROM acts WHERE uuid = '{act['uuid']}'")[0]
    assert amount == act["amount"]
    assert job.query("SELECT count(*) FROM runs WHERE ended IS NOT NULL") == [(2,)]


def test_a_whole_number_of_many_digits_is_stored(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=3)
    point = {"id": "1", "name": "Turnover", "type": "number", "value": 10**30}
    sandbox.fault(kind="status", status=200, path="*/acts/*/data", times=None, body={"data": [point]})
    assert job.run()[0] == 0
    assert job.query("SELECT DISTINCT value FROM data_points") == [(f"{10**30}",)]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ('{"id": "1", "name": "cut \\ud83d", "value": ["\\ud83d"]}', [("cut \\ud83d", '["\\ud83d"]')]),
        ('{"id": "1", "value": 1e999999999}', [(None, "1E+999999999")]),
        ('{"id": "1", "value": 1}, {"id": "1", "value": 2}', [(None, "1"), (None, "2")]),
    ],
)
def test_no_odd_value_stops_the_job(job: Job, sandbox: Sandbox, points: str, expected: list[Any]) -> None:
    """One that cannot be stored would end each run, and hide the data points of all later acts."""
    sandbox.switch(clients=3)
    body = f'{{"data": [{points}]}}'
    sandbox.fault(kind="status", status=200, path="*/acts/*/data", times=None, body=body)
    code, _, errors = job.run()
    assert (code, errors) == (0, "")
    assert job.query("SELECT name, value FROM data_points ORDER BY value") == expected


def test_an_act_that_changes_while_its_data_points_come_is_read_again() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SCHEMA)
        act = {"uuid": "5a8ab1d2-5ff7-4a0f-8f3d-7ef0a4a0a7b1", "updated_at": "2024-05-01T10:00:00Z"}
        save_act(database, 1, Act.from_dict(act))
        ((uuid, version),) = acts_to_read(database).items()
        save_act(database, 1, Act.from_dict({**act, "updated_at": "2024-05-01T11:00:00Z"}))  # a delivery
        save_data_points(database, uuid, version, [])
        assert list(acts_to_read(database)) == [uuid]
        save_data_points(database, uuid, acts_to_read(database)[uuid], [])
        assert acts_to_read(database) == {}


def test_a_list_that_changes_meanwhile_is_read_again(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=250, list_behaviour="shrinks")
    code, _, errors = job.run()
    assert code == 1
    assert errors.startswith("error: the list changed while it was walked: ")
    asked = job.asked("acts/latest")
    sandbox.switch(list_behaviour="honest")
    assert job.run()[0] == 0
    again = job.asked("acts/latest")[len(asked) :]
    assert 0 < len(again) < 10
    assert not {*again} & {*asked}
    assert job.query("SELECT count(*) FROM runs WHERE ended IS NOT NULL") == [(1,)]


def test_a_failure_is_told_and_asked_for_again(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=30)
    sandbox.fault(kind="status", status=403, path="*/12350/acts/latest", times=1, body={"message": "no"})
    code, output, errors = job.run()
    assert code == 1
    assert "failed calls: 1" in output
    assert errors.startswith("error: client 12350: 403")
    before = len(job.asked("acts/latest"))
    assert job.run()[0] == 0
    assert job.asked("acts/latest")[before:] == ["/api/1.0/clients/12350/acts/latest"]


def test_a_call_that_fails_each_time_hides_no_new_act_of_another_client(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=30)
    sandbox.fault(kind="status", status=403, path="*/12350/acts/latest", times=None, body={"message": "no"})
    assert job.run()[0] == 1
    act = sandbox.create_act(12351)
    with closing(sqlite3.connect(job.path)) as database, database:
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
        database.execute("UPDATE runs SET began = ?", [yesterday])
    assert job.run()[0] == 1
    assert job.query(f"SELECT count(*) FROM acts WHERE uuid = '{act['uuid']}'") == [(1,)]


def test_an_act_that_was_removed_fails_no_run(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=3)
    sandbox.fault(kind="status", status=404, path="*/acts/*/data", times=1, body={"message": "no"})
    assert job.run()[0] == 0
    assert job.query("SELECT count(*) FROM acts WHERE points_as_of IS NULL") == [(1,)]
    assert job.run()[0] == 0
    assert job.query("SELECT count(*) FROM acts WHERE points_as_of IS NULL") == [(0,)]


def test_a_delivery_that_comes_late_replaces_no_newer_amount(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=3)
    assert job.run()[0] == 0
    client, uuid, updated, amount = job.query("SELECT client_id, uuid, updated_at, amount FROM acts")[0]
    act = {"uuid": uuid, "client_id": client, "template_id": 1, "template_name": "T", "currency": "SEK"}
    moment = datetime.fromisoformat(updated)
    for hours, given, expected in ((-1, "1.5", amount), (1, "2.5", "2.5"), (None, "3.5", "3.5")):
        time = None if hours is None else (moment + timedelta(hours=hours)).isoformat()
        with closing(sqlite3.connect(job.path)) as database, database:
            save_act(database, client, Act.from_dict({**act, "amount": given, "updated_at": time}))
        assert job.query(f"SELECT amount FROM acts WHERE uuid = '{uuid}'") == [(expected,)]


def test_exit_codes(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=3)
    job.environment.pop("KREBIT_REFRESH_TOKEN")
    job.environment.pop("KREBIT_AUTH_CODE", None)
    code, output, errors = job.run()
    assert (code, output) == (4, "")
    assert errors.startswith("error: ")
    job.environment.pop("KREBIT_DOMAIN")
    assert job.run()[0] == 2


def test_two_runs_at_once(job: Job, sandbox: Sandbox) -> None:
    sandbox.switch(clients=3)
    sandbox.fault(kind="hold", path="/api/1.0/clients", times=1)
    with job.start() as first:
        sandbox.wait_for_held(timeout=30)
        code, _, errors = job.run()
        sandbox.release()
        first.communicate(timeout=60)
    assert code == 75
    assert "another run" in errors
    assert first.returncode == 0
