"""`python -m krebit.webhooks`: a worker in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from krebit.webhooks import PostgresInbox, Receiver, SqliteInbox
from tests.postgres import PostgresServer
from tests.waiting import wait_for
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.servers import ROOT

COMMAND = [sys.executable, "-m", "krebit.webhooks"]
MODULE = """
import asyncio, os, time
from pathlib import Path
from krebit.webhooks import PostgresInbox, Receiver, SqliteInbox
place = os.environ["INBOX"]
async def handle(event):
    Path("begun").touch()
    await asyncio.sleep(0.3)
    with open("effects", "a") as file:
        file.write(f"{event.id}\\n")
class settings:
    receiver = Receiver("whsec_new", handle, handle_here=False,
                        inbox=PostgresInbox(place) if place.startswith("host=") else SqliteInbox(place, busy=20))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "inbox.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_handles_what_others_store_and_stops_cleanly(inbox: str, number: int, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(MODULE)
    environment = {**os.environ, "INBOX": inbox, "PYTHONPATH": str(ROOT)}
    command = [*COMMAND, "shop:settings.receiver"]
    store = PostgresInbox(inbox) if inbox.startswith("host=") else SqliteInbox(inbox, busy=20.0)
    receiver = Receiver(SECRET, print, inbox=store, handle_here=False)
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        assert worker.stderr.readline() == "handling deliveries; stop with Ctrl-C\n"
        receiver.receive(act_created("first"), signed(act_created("first")))
        wait_for(lambda: (tmp_path / "effects").exists())
        (tmp_path / "begun").unlink()
        receiver.receive(act_created("second"), signed(act_created("second")))
        wait_for(lambda: (tmp_path / "begun").exists())
        worker.send_signal(number)
        assert worker.wait(30) == 0
        assert worker.stderr.read() == ""
    assert (tmp_path / "effects").read_text().split() == ["first", "second"]
    store.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: python -m krebit.webhooks MODULE:RECEIVER"),
        (["--help"], "usage: python -m krebit.webhooks MODULE:RECEIVER"),
        (["shop"], "'shop' is not of the form MODULE:RECEIVER"),
        (["missing:receiver"], "there is no module 'missing' on the path"),
        (["shop:missing"], "module 'shop' has no 'missing'"),
        (["shop:place"], "shop:place is not a Receiver, but str"),
    ],
)
def test_a_name_that_is_wrong_is_said_in_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("place = 'here'")
    command = [*COMMAND, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == said
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["import missing_within", "import os; os.environ['MISSING']"])
def test_an_import_that_fails_within_the_module_is_shown_whole(line: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(line)
    command = [*COMMAND, "shop:receiver"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert line in done.stderr
