"""Processes that are killed at every step: nothing is lost, and the effect happens once by the recipe for that.

Two processes receive and work at a time, each with a home and with connections of its own, as on two hosts.
"""

import os
import runpy
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from krebit.webhooks import (
    LeasedDelivery,
    PostgresInbox,
    Receiver,
    SqliteInbox,
    StoreOutcome,
    WebhookEvent,
    WsgiReceiver,
)
from tests.postgres import PostgresServer
from tests.waiting import wait_for
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.client import send
from tests.webhooks.servers import ROOT

MOMENTS = ("storing", "stored", "taking", "taken", "before the commit", "after the commit", "completed")
LEASE = 1.0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """Kills its process before or after a step of the inbox: at the first occasion."""

    moment = ""

    def reached(self, moment: str) -> None:
        if moment == self.moment:
            die()

    def store(self, key: str, digest: str, body: bytes) -> StoreOutcome:
        self.reached("storing")
        stored: StoreOutcome = super().store(key, digest, body)  # type: ignore[misc]
        self.reached("stored")
        return stored

    def take(self, lease: float) -> LeasedDelivery | None:
        self.reached("taking")
        delivery: LeasedDelivery | None = super().take(lease)  # type: ignore[misc]
        if delivery is not None:
            self.reached("taken")
        return delivery

    def complete(self, delivery: LeasedDelivery) -> bool:
        self.reached("after the commit")
        done: bool = super().complete(delivery)  # type: ignore[misc]
        self.reached("completed")
        return done


class DyingSqlite(Dying, SqliteInbox):
    pass


class DyingPostgres(Dying, PostgresInbox):
    pass


class Shop:
    """The user's own database, and the example's handler on it; where the inbox is, and what the handler has done."""

    def __init__(self, name: str, folder: Path, conninfo: str) -> None:
        self.name, self.folder, self.conninfo = name, folder, conninfo
        self.example: dict[str, Any] = {}
        if name == "postgres":
            with psycopg.connect(conninfo) as db:
                db.execute("CREATE TABLE handled (delivery text PRIMARY KEY)")
                db.execute("CREATE TABLE clients (id bigint PRIMARY KEY, acts integer NOT NULL)")

    def inbox(self) -> DyingSqlite | DyingPostgres:
        if self.name == "postgres":
            return DyingPostgres(self.conninfo)
        return DyingSqlite(self.folder / "inbox.db", busy=10.0)

    def handler(self, moment: str) -> Callable[[WebhookEvent], object]:
        os.environ |= {"KREBIT_WEBHOOK_SECRET": SECRET, "DATABASE_URL": self.conninfo}
        os.chdir(self.folder)
        file = "own_transaction_postgres.py" if self.name == "postgres" else "own_transaction.py"
        handle: Any = runpy.run_path(str(ROOT / "examples" / "webhooks" / file))["handle"]
        if moment == "before the commit":
            if self.name == "postgres":
                psycopg.Connection.commit = lambda self: die()  # type: ignore[method-assign]
            else:
                connect = sqlite3.connect

                def dying(path: str, **options: Any) -> sqlite3.Connection:
                    db: sqlite3.Connection = connect(path, **options)
                    if path == "shop.db":
                        db.set_trace_callback(lambda statement: die() if statement == "COMMIT" else None)
                    return db

                sqlite3.connect = dying  # type: ignore[assignment]
        return handle  # type: ignore[no-any-return]

    def effects(self) -> tuple[int, int]:
        """How many deliveries have had their effect, and how many effects there are."""
        sql = "SELECT (SELECT count(*) FROM handled), (SELECT coalesce(sum(acts), 0) FROM clients)"
        if self.name == "postgres":
            with psycopg.connect(self.conninfo) as db:
                row: Any = db.execute(sql).fetchone()
                return row[0], row[1]
        with closing(sqlite3.connect(self.folder / "shop.db", timeout=30)) as shop:
            try:
                found: tuple[int, int] = shop.execute(sql).fetchone()
            except sqlite3.OperationalError:  # no table yet
                return 0, 0
            return found


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    conninfo = ""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        conninfo = server.new_database()
    return Shop(request.param, tmp_path, conninfo)


class Process:
    """A forked receiver with its worker, which dies at a moment."""

    def __init__(self, shop: Shop, moment: str, home: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            os.environ["HOME"] = str(shop.folder / f"home {home}")
            try:
                self._serve(shop, moment)
            finally:
                os._exit(1)

    def _serve(self, shop: Shop, moment: str) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
                """Not in the tests' output."""

        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        inbox = shop.inbox()
        inbox.moment = moment
        receiver = Receiver(SECRET, shop.handler(moment), inbox=inbox, lease=LEASE, pauses=[0.5] * 20)
        app = WsgiReceiver(receiver)
        make_server(
            "127.0.0.1", 0, app, threaded=True, fd=self._listener.fileno(), request_handler=Quiet
        ).serve_forever()

    def end(self, *, kill: bool) -> int:
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self._listener.close()
        return os.waitstatus_to_exitcode(status)


def deliver(port: int, name: str) -> bool:
    """Whether it was answered 200; else the sender will try again."""
    body = act_created(name)
    try:
        return send(port, body, signed(body))[0] == 200
    except (OSError, IndexError):
        return False


def kill_again_and_again(shop: Shop, rounds: int) -> None:
    unanswered: list[str] = []
    names = [f"evt_{number}" for number in range(rounds)]
    for pair in zip(*[iter(enumerate(names))] * 2, strict=False):
        processes = [Process(shop, MOMENTS[number % len(MOMENTS)], home=number % 2) for number, _ in pair]
        for process, (_, name) in zip(processes, pair, strict=True):
            if not deliver(process.port, name):
                unanswered.append(name)
        for process in processes:  # each dies by itself, at its moment; or the other one had its delivery
            thread = threading.Timer(3.0, lambda pid=process.pid: _kill(pid))
            thread.start()
            assert process.end(kill=False) == -signal.SIGKILL
            thread.cancel()
            thread.join()
    last = Process(shop, "")
    for name in unanswered:
        assert deliver(last.port, name)
    assert deliver(last.port, names[0])  # known, and the worker runs
    wait_for(lambda: shop.effects()[0] == len(names), 120)
    last.end(kill=True)
    assert shop.effects() == (len(names), len(names))
    inbox = shop.inbox()
    assert inbox.failures() == []
    assert inbox.conflicts() == []
    inbox.close()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_killed_at_each_step_nothing_is_lost_and_effects_happen_once(shop: Shop) -> None:
    kill_again_and_again(shop, 2 * len(MOMENTS))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_two_hundred_times_nothing_is_lost_and_effects_happen_once(shop: Shop) -> None:
    kill_again_and_again(shop, 200)
