"""The examples, and the code of the documentation, under the real frameworks and with real processes."""

import logging
import os
import re
import runpy
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from krebit.webhooks import verify
from tests.postgres import PostgresServer
from tests.waiting import wait_for
from tests.webhooks.cases import ACT, SECRET, act_created, signed
from tests.webhooks.client import PATH, send
from tests.webhooks.servers import serving_asgi, serving_wsgi

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "webhooks"
DOCUMENT = ROOT / "docs" / "webhooks.md"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KREBIT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.webhooks.django_project")
    return tmp_path


class Seen(logging.Handler):
    """The lines that an example's handler logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.any = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.any.set()


@pytest.mark.parametrize("name", ["starlette_app", "fastapi_app", "flask_app"])
def test_an_example_receives(name: str) -> None:
    seen = Seen()
    log = logging.getLogger("shop")
    log.setLevel(logging.INFO)
    log.addHandler(seen)
    try:
        module = runpy.run_path(str(EXAMPLES / f"{name}.py"))
        serve: Any = serving_wsgi if name == "flask_app" else partial(serving_asgi, lifespan="on")
        with serve(module["app"]) as port:
            body = act_created()
            assert send(port, body, signed(body)) == (200, b"stored\n")
            assert seen.any.wait(30)
            assert send(port, body, signed(body), path=f"{PATH}/") == (200, b"known\n")
            assert send(port, body, signed(b"other"))[0] == 401
            assert send(port, body, signed(body), path="/elsewhere")[0] == 404
            assert httpx.get(f"http://127.0.0.1:{port}/", timeout=60).text.strip('"') == "the rest of the application"
    finally:
        log.removeHandler(seen)
    assert seen.lines == [f"act {ACT['uuid']} of client 12345"]


def test_flask_s_own_command_finds_the_application(place: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", str(EXAMPLES / "flask_app.py"), "routes"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "home" in done.stdout


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)


def test_the_receiver_of_the_documentation_has_ten_lines_and_works(capsys: pytest.CaptureFixture[str]) -> None:
    code = blocks()[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    names: dict[str, Any] = {"__name__": __name__}
    exec(code, names)
    body = act_created()
    with serving_asgi(names["app"], lifespan="on") as port:
        assert send(port, body, signed(body)) == (200, b"stored\n")
        assert send(port, body, signed(body)) == (200, b"known\n")
        output = ""

        def is_printed() -> bool:
            nonlocal output
            output += capsys.readouterr().out
            return output.endswith("\n")

        wait_for(is_printed)
    assert output == f"act {ACT['uuid']} of client 12345\n"


def test_all_code_of_the_documentation_runs(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.new_database())
    names: dict[str, Any] = {"__name__": __name__}
    for code in blocks():
        exec(code, names)
    assert names["event"].id == "evt_1"
    event = names["verify"](act_created(), signed(act_created()), SECRET)
    with closing(sqlite3.connect("shop.db")) as shop:
        before = shop.execute("SELECT uuid FROM acts").fetchall()
        for _ in range(3):
            names["handle_once"](event)
        assert shop.execute("SELECT uuid FROM acts").fetchall() == [*before, (ACT["uuid"],)]
    names["several_hosts"].inbox.close()


def test_an_event_is_counted_once_by_the_example_for_postgresql(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens when its process is killed is tested with the kills."""
    database = postgres.new_database()
    monkeypatch.setenv("DATABASE_URL", database)
    with psycopg.connect(database) as db:
        db.execute("CREATE TABLE handled (delivery text PRIMARY KEY)")
        db.execute("CREATE TABLE clients (id bigint PRIMARY KEY, acts integer NOT NULL)")
    module = runpy.run_path(str(EXAMPLES / "own_transaction_postgres.py"))
    event = verify(act_created(), signed(act_created()), SECRET)
    for _ in range(3):
        module["handle"](event)
    with psycopg.connect(database) as db:
        assert db.execute("SELECT * FROM clients").fetchall() == [(12345, 1)]


def test_an_event_goes_through_a_job_queue_to_its_worker(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    with serving_wsgi(import_module("huey_queue").app) as port:
        body = act_created()
        assert send(port, body, signed(body)) == (200, b"stored\n")
    worker = [sys.executable, "-m", "huey.bin.huey_consumer", "huey_queue.queue", "--delay", "0.05"]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    with subprocess.Popen(worker, cwd=place, env=environment, stderr=subprocess.DEVNULL) as consumer:
        wait_for((place / "acts.txt").exists)
        consumer.send_signal(signal.SIGINT)
    assert (place / "acts.txt").read_text() == f"{ACT['uuid']}\n"
