"""The PostgreSQL inbox beyond what any inbox promises: lost connections, restarts, forks, notifications, many rows."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

import krebit
from krebit import ConfigurationError, PostgresTokenStore, StoreUnsafe
from krebit.webhooks import PostgresInbox, Receiver, WebhookEvent
from tests.frames import frames_of
from tests.postgres import FUNCTIONS_OF_ANOTHER, PostgresServer, postgres_server
from tests.waiting import wait_for
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.workers import seconds_to_claim, stop


@pytest.fixture
def conninfo(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def inbox(conninfo: str) -> Iterator[PostgresInbox]:
    inbox = PostgresInbox(conninfo)
    yield inbox
    inbox.close()


def end_sessions(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'krebit-webhooks'"
        )


def test_a_connection_that_was_ended_is_replaced(conninfo: str, inbox: PostgresInbox) -> None:
    assert inbox.store("a", "d", b"b") == "new"
    end_sessions(conninfo)
    assert inbox.store("b", "d", b"b") == "new"
    end_sessions(conninfo)
    taken = inbox.take(60)
    assert taken is not None
    end_sessions(conninfo)
    assert inbox.complete(taken)


def test_a_server_that_is_down_is_a_503_and_all_goes_on_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    handled: list[object] = []
    with postgres_server() as server:
        inbox = PostgresInbox(server.new_database())
        receiver = Receiver(SECRET, lambda event: handled.append(event.id), inbox=inbox)

        def deliver(name: str) -> int:
            return receiver.receive(act_created(name), signed(act_created(name))).status

        assert deliver("before") == 200
        wait_for(lambda: handled == ["before"])
        for mode in ("fast", "immediate"):
            server.stop(mode)
            assert deliver(mode) == 503
            server.start()
            assert deliver(mode) == 200
            wait_for(lambda mode=mode: handled[-1] == mode)  # type: ignore[misc]
        assert "not stored" in caplog.text
        stop(receiver)
        inbox.close()


def test_a_session_with_a_server_that_only_reads_is_left(conninfo: str, inbox: PostgresInbox) -> None:
    """After a failover a name may lead to the old server for some seconds more, which is a standby then."""
    inbox.store("a", "d", b"b")
    inbox.close()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _make_read_only(connection, "on")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            inbox.store("b", "d", b"b")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            inbox.take(60)
        _make_read_only(connection, "off")
    assert inbox.store("b", "d", b"b") == "new"
    assert inbox.take(60) is not None


def _make_read_only(connection: psycopg.Connection[Any], value: LiteralString) -> None:
    database = sql.Identifier(connection.info.dbname)
    setting: LiteralString = f"ALTER DATABASE {{}} SET default_transaction_read_only = {value}"
    connection.execute(sql.SQL(setting).format(database))


def test_a_signal_handler_that_raises_costs_one_answer(conninfo: str, inbox: PostgresInbox) -> None:
    """The statement under way goes on: on the same connection nothing could be stored any more."""
    receiver = Receiver(SECRET, lambda event: None, inbox=inbox, handle_here=False)

    def deliver(name: str) -> int:
        return receiver.receive(act_created(name), signed(act_created(name))).status

    def too_late(number: int, frame: object) -> None:
        raise TimeoutError

    assert deliver("before") == 200
    before = signal.signal(signal.SIGALRM, too_late)
    try:
        with psycopg.connect(conninfo) as connection:
            connection.execute("LOCK TABLE krebit_deliveries IN ACCESS EXCLUSIVE MODE")
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            assert deliver("interrupted") == 503
    finally:
        signal.signal(signal.SIGALRM, before)
    assert [deliver(name) for name in ("interrupted", "after")] == [200, 200]


@pytest.mark.slow
def test_a_server_that_hangs_is_an_error_in_time(conninfo: str, inbox: PostgresInbox) -> None:
    """Its kernel still answers keepalives, and its own limit of a statement's time does not run."""
    inbox.store("a", "d", b"b")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'krebit-webhooks' AND datname = %s"
        backends = [pid for (pid,) in connection.execute(sql, (connection.info.dbname,))]
    errors: list[Exception] = []

    def store() -> None:
        try:
            inbox.store("b", "d", b"b")
        except psycopg.OperationalError as error:
            errors.append(error)

    storing = [threading.Thread(target=store, daemon=True) for _ in range(3)]
    with stopped(backends):
        for thread in storing:
            thread.start()
        for thread in storing:
            thread.join(60)
        # The server itself is well, so that a new connection stores what the broken one did not.
        assert not any(thread.is_alive() for thread in storing)
    assert not errors
    assert inbox.store("b", "d", b"b") == "same"


@contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("table", ["krebit_deliveries", "krebit_delivery_conflicts"])
@pytest.mark.parametrize("right", ["SELECT", "INSERT"])
def test_tables_that_everybody_may_use_are_refused_with_the_repair(
    conninfo: str, inbox: PostgresInbox, table: LiteralString, right: LiteralString
) -> None:
    """Whoever may insert a row could let the handler have any event, without a signature."""
    inbox.store("a", "d", b"b")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"GRANT {right} ON {table} TO PUBLIC")
        open_to_all = PostgresInbox(conninfo)
        with pytest.raises(StoreUnsafe) as caught:
            open_to_all.take(60)
        connection.execute(str(caught.value).partition("repair it with: ")[2].encode())
    assert open_to_all.take(60) is not None
    open_to_all.close()


def test_tables_are_made_for_their_owner_alone(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC")
    inbox = PostgresInbox(conninfo)
    assert inbox.store("a", "d", b"b") == "new"
    inbox.close()


def test_no_function_of_another_user_is_called(conninfo: str, inbox: PostgresInbox) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(FUNCTIONS_OF_ANOTHER)
    assert inbox.store("a", "d", b"b") == "new"
    assert inbox.take(60) is not None


class Listening(PostgresInbox):
    """Counts how often it wakes the worker: when it begins to listen, and for each notification."""

    heard = 0

    def listen(self, heard: Callable[[], object], stopped: threading.Event) -> None:
        def count() -> None:
            self.heard += 1
            heard()

        super().listen(count, stopped)


def test_another_process_s_delivery_is_heard_of(conninfo: str) -> None:
    inbox = Listening(conninfo)
    handled: list[object] = []
    receiver = Receiver(SECRET, lambda event: handled.append(event.id), inbox=inbox)
    receiver.receive(act_created("first"), signed(act_created("first")))
    wait_for(lambda: handled == ["first"])
    wait_for(lambda: inbox.heard >= 1)  # it listens now
    elsewhere = PostgresInbox(conninfo)
    other = Receiver(SECRET, print, inbox=elsewhere, handle_here=False)
    for number in range(10):
        body = act_created(number)
        other.receive(body, signed(body))
        wait_for(lambda expected=number + 2: inbox.heard >= expected)  # type: ignore[misc]
    wait_for(lambda: handled == ["first", *range(10)])
    stop(receiver)
    elsewhere.close()
    inbox.close()


def test_a_fork_has_its_own_connections(conninfo: str, inbox: PostgresInbox) -> None:
    assert inbox.store("parent", "d", b"b") == "new"
    pid = os.fork()
    if pid == 0:
        try:
            stored = [inbox.store(key, "d", b"b") for key in ("parent", "child")]
            os._exit(0 if stored == ["same", "new"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert inbox.store("child", "d", b"b") == "same"


def test_the_connection_string_is_not_shown(conninfo: str) -> None:
    inbox = PostgresInbox(f"{conninfo} password=hunter2")
    assert "hunter2" not in repr(inbox)
    assert "hunter2" not in repr(vars(inbox))
    with pytest.raises(ConfigurationError, match="PostgresInbox: the connection string") as caught:
        PostgresInbox("postgresql://krebit:hun%ter2@db.example/krebit")
    assert "ter2" not in frames_of(caught.value)


@pytest.mark.parametrize("password", ["hun/ter2", "12/ter2", "hun@ter2", "hun/t@er2", "hun%FFter2", "hun%ffter2"])
@pytest.mark.parametrize("kind", [PostgresInbox, PostgresTokenStore])
def test_a_password_that_the_url_cuts_is_refused_and_not_shown(kind: Any, password: str) -> None:
    """libpq takes the rest of it for the port, the host or the database."""
    with pytest.raises(ConfigurationError, match="needs percent-encoding in a URL") as caught:
        kind(f"postgresql://krebit:{password}@db.example/krebit")
    assert "er2" not in frames_of(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "host=@abstract,db.example port=5432,5433",
        "postgresql://krebit@one.example:1,db.example:2/krebit",
        "postgresql://krebit:hun%2Fter2@db.example/krebit",
    ],
)
def test_an_address_may_hold_every_sign_that_libpq_reads(address: str) -> None:
    assert "db.example" in repr(PostgresTokenStore(address))


def test_no_frame_of_ours_holds_the_password_when_no_connection_is_made(tmp_path: Path) -> None:
    inbox = PostgresInbox(f"host={tmp_path} user=postgres password=hunter2")
    with pytest.raises(psycopg.OperationalError) as caught:
        inbox.store("a", "d", b"b")
    # psycopg's own frames hold it.
    assert "hunter2" not in frames_of(caught.value, below=Path(krebit.__file__).parent)


def test_tables_that_somebody_else_made_need_no_right_to_make_any(conninfo: str, inbox: PostgresInbox) -> None:
    inbox.store("a", "d", b"b")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        tables = "krebit_deliveries, krebit_delivery_conflicts"
        connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO plain")
    theirs = PostgresInbox(conninfo.replace("user=postgres", "user=plain"))
    assert theirs.store("a", "d", b"b") == "same"
    assert theirs.take(60) is not None
    theirs.close()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DROP OWNED BY plain")
        connection.execute("DROP ROLE plain")


def test_a_claim_is_as_fast_among_a_hundred_thousand(postgres: PostgresServer) -> None:
    def filled(number: int) -> PostgresInbox:
        conninfo = postgres.new_database()
        inbox = PostgresInbox(conninfo)
        inbox.store("first", "d", b"b")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO krebit_deliveries (key, digest, body) "
                "SELECT %s || ' ' || n, 'd', 'b' FROM generate_series(1, %s) n",
                (str(number), number),
            )
            connection.execute("ANALYZE krebit_deliveries")
        return inbox

    inboxes = [filled(1_000), filled(100_000)]
    took = [[seconds_to_claim(inbox) for inbox in inboxes] for _ in range(5)]  # in turn: the load changes
    few, many = (min(column) for column in zip(*took, strict=True))
    assert many < 5 * few + 0.5  # without an index some five seconds
    for inbox in inboxes:
        inbox.close()


def test_several_workers_share_the_rows(conninfo: str) -> None:
    handled: list[object] = []
    lock = threading.Lock()

    def handle(event: WebhookEvent) -> None:
        with lock:
            handled.append(event.id)

    inboxes = [PostgresInbox(conninfo) for _ in range(3)]
    receivers = [Receiver(SECRET, handle, inbox=inbox, concurrency=2) for inbox in inboxes]
    for number in range(100):
        body = act_created(number)
        assert receivers[number % 3].receive(body, signed(body)).status == 200
    wait_for(lambda: len(handled) >= 100)
    assert sorted(handled, key=str) == sorted(range(100), key=str)
    for receiver, inbox in zip(receivers, inboxes, strict=True):
        stop(receiver)
        inbox.close()
