"""The worker where processes fork, end, or have no thread to give."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from krebit.webhooks import MemoryInbox, SqliteInbox, WebhookEvent
from tests.waiting import wait_for
from tests.webhooks.servers import ROOT
from tests.webhooks.workers import Handled, deliver, make, stop


def test_each_forked_process_has_a_worker_of_its_own(inbox: SqliteInbox, tmp_path: Path) -> None:
    """As a server's that loads the application, which has received already, before it forks."""
    file = tmp_path / "handled"

    def handle(event: WebhookEvent) -> None:
        with file.open("a") as handled:
            handled.write(f"{event.id}:{os.getpid()}\n")

    def lines() -> list[list[str]]:
        return [line.split(":") for line in file.read_text().splitlines()] if file.exists() else []

    receiver = make(handle, inbox=inbox)
    deliver(receiver, "parent")
    wait_for(lambda: len(lines()) == 1)
    stop(receiver)  # so that only a child can have handled the others
    children = []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            try:
                before = len(lines())
                deliver(receiver, f"child {number}")
                wait_for(lambda before=before: len(lines()) > before)  # type: ignore[misc]
                os._exit(0)
            finally:
                os._exit(1)
        children.append(str(pid))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert lines() == [["parent", str(os.getpid())], *([f"child {n}", pid] for n, pid in enumerate(children))]


@pytest.mark.parametrize("busy", [True, False])
def test_a_process_may_fork_while_its_worker_works(inbox: SqliteInbox, tmp_path: Path, busy: bool) -> None:
    file = tmp_path / "handled"

    def handle(event: WebhookEvent) -> None:
        with file.open("a") as handled:
            handled.write(f"{event.id}\n")

    file.touch()
    receiver = make(handle, inbox=inbox, lease=1.0)
    names = {"first"}
    deliver(receiver, "first")
    for number in range(20):
        if busy:
            deliver(receiver, f"parent {number}")
            names.add(f"parent {number}")
        pid = os.fork()
        if pid == 0:
            try:
                deliver(receiver, f"child {number}")
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        names.add(f"child {number}")
    wait_for(lambda: names <= {*file.read_text().splitlines()})
    stop(receiver)


PROGRAM = """
import sys, time
from pathlib import Path
from krebit.webhooks import Receiver, SqliteInbox
from tests.waiting import wait_for
from tests.webhooks.cases import act_created, signed
folder = Path(sys.argv[1])
def handle(event):
    (folder / "begun").touch()
    time.sleep(0.5)  # the program reaches its end meanwhile
    (folder / "ended").touch()
receiver = Receiver("secret", handle, inbox=SqliteInbox(folder / "inbox.db"))
assert receiver.receive(act_created(), signed(act_created(), "secret")).status == 200
wait_for((folder / "begun").exists)
"""


def test_a_program_that_ends_waits_for_its_handler(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, env=environment, timeout=60, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "ended").exists()
    assert make(Handled(), inbox=SqliteInbox(tmp_path / "inbox.db"), handle_here=False).drain() == 0


class NoThreads(threading.Thread):
    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_a_process_without_a_thread_to_give_says_so_and_tries_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handled = Handled()
    receiver = make(handled, inbox=MemoryInbox())
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", NoThreads)
        deliver(receiver, 1)
    assert "deliveries are stored and not handled, because no thread starts" in caplog.text
    deliver(receiver, 2)
    wait_for(lambda: handled == [1, 2])
    stop(receiver)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, True),
        ({"enable-threads": b"true"}, False),
        ({"enable-threads": True}, False),
        ({"threads": b"4"}, False),
    ],
)
def test_a_server_that_runs_no_threads_is_named_at_the_first_delivery(
    options: dict[str, Any], said: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Server:
        opt = options

    monkeypatch.setitem(sys.modules, "uwsgi", Server())
    receiver = make(Handled(), inbox=MemoryInbox())
    deliver(receiver, 1, 2)
    named = [record for record in caplog.records if "--enable-threads" in record.getMessage()]
    assert len(named) == said
    stop(receiver)


def test_a_host_that_stops_threads_between_requests_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    receiver = make(Handled(), inbox=MemoryInbox())
    deliver(receiver, 1)
    assert "handle_here=False" in caplog.text
    stop(receiver)
    caplog.clear()
    elsewhere = make(Handled(), inbox=MemoryInbox(), handle_here=False)
    deliver(elsewhere, 1)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


WAITING = """
import sys, threading, time
from krebit.webhooks import Receiver, SqliteInbox
from tests.webhooks.cases import act_created, signed
handled = threading.Event()
receiver = Receiver("secret", lambda event: handled.set(), inbox=SqliteInbox(sys.argv[1], busy=20))
receiver.receive(act_created(), signed(act_created(), "secret"))
assert handled.wait(30)
time.sleep(0.5)  # what the delivery cost is over
before = time.process_time()
time.sleep(3)  # the time that is measured
print(time.process_time() - before)
"""


def test_a_worker_that_waits_costs_next_to_nothing(path: Path) -> None:
    """In a process of its own: in this one, other tests may have left threads."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WAITING, str(path)]
    done = subprocess.run(command, env=environment, timeout=60, check=True, capture_output=True, text=True)
    assert float(done.stdout) < 0.15  # some three milliseconds in fact
