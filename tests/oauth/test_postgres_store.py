"""The PostgreSQL store beyond what both stores for several hosts promise: rights, poolers, hosts that are gone."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from krebit import PostgresTokenStore
from krebit.errors import ConfigurationError, StoreBusy, StoreError, StoreUnsafe
from krebit.stores import Lease, Login, LoginKey
from tests.needs import absent, needs
from tests.oauth.support import Program
from tests.postgres import FUNCTIONS_OF_ANOTHER, PostgresServer, postgres_server
from tests.waiting import wait_for

KEY = LoginKey("shared.example", "application")


@pytest.fixture
def conninfo(postgres: PostgresServer) -> str:
    return postgres.new_database()


def save(store: PostgresTokenStore, generation: int = 1) -> None:
    with store.lease(KEY, patience=5) as lease:
        lease.prepare()
        lease.save(Login(generation=generation))


@contextmanager
def as_role(conninfo: str, *statements: LiteralString) -> Iterator[PostgresTokenStore]:
    """A store for a role of its own, that has what the statements give it."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN")
        for statement in statements:
            connection.execute(statement)
    try:
        yield PostgresTokenStore(conninfo.replace("user=postgres", "user=plain"))
    finally:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("DROP OWNED BY plain")
            connection.execute("DROP ROLE plain")


def test_a_table_that_others_made_needs_three_rights_and_no_more(conninfo: str) -> None:
    save(PostgresTokenStore(conninfo))
    with as_role(conninfo, "GRANT SELECT, INSERT, UPDATE ON krebit_logins TO plain") as store:
        save(store, 2)
        assert store.load(KEY) == Login(generation=2)


def test_a_right_that_is_missing_is_found_before_anything_is_sent(conninfo: str) -> None:
    with as_role(conninfo) as store:
        assert store.load(KEY) is None
        with pytest.raises(StoreError, match=r"cannot make the table krebit_logins.*CREATE on the schema"):
            save(store)
    save(PostgresTokenStore(conninfo))
    with as_role(conninfo) as store, pytest.raises(StoreError, match=r"cannot read the login.*needs SELECT, INSERT"):
        store.load(KEY)
    with as_role(conninfo, "GRANT SELECT ON krebit_logins TO plain") as store:
        with store.lease(KEY, patience=1) as lease, pytest.raises(StoreError, match=r"cannot write.*UPDATE"):
            lease.prepare()
        assert store.load(KEY) == Login(generation=1)


def test_a_standby_is_found_before_anything_is_sent(conninfo: str) -> None:
    """Here a database that takes no changes."""
    save(PostgresTokenStore(conninfo))
    store = PostgresTokenStore(f"{conninfo} options='-c default_transaction_read_only=on'")
    with store.lease(KEY, patience=1) as lease, pytest.raises(StoreError, match=r"cannot write.*primary server"):
        lease.prepare()


def test_a_table_that_everybody_may_read_is_refused_with_the_repair(conninfo: str) -> None:
    store = PostgresTokenStore(conninfo)
    save(store)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("GRANT SELECT ON krebit_logins TO PUBLIC")
    with pytest.raises(StoreUnsafe, match="REVOKE ALL ON krebit_logins FROM PUBLIC"):
        store.load(KEY)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("REVOKE ALL ON krebit_logins FROM PUBLIC")
    assert store.load(KEY) == Login(generation=1)


def before_each_write(conninfo: str, statement: LiteralString) -> None:
    """Have the session that writes a login run a statement just before."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            f"CREATE FUNCTION before_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {statement}; RETURN NULL; END'"
        )
        connection.execute(
            "CREATE TRIGGER before_write BEFORE INSERT ON krebit_logins "
            "FOR EACH STATEMENT EXECUTE FUNCTION before_write()"
        )


def test_no_function_of_another_user_is_called(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(FUNCTIONS_OF_ANOTHER)
    store = PostgresTokenStore(conninfo)
    save(store)
    assert store.load(KEY) == Login(generation=1)


def test_nothing_is_written_without_the_lock(conninfo: str) -> None:
    """As where a pooler has given the lock's session to somebody else, who let it go."""
    store = PostgresTokenStore(conninfo)
    save(store)
    before_each_write(conninfo, "PERFORM pg_advisory_unlock_all()")
    steps: list[Callable[[Lease], object]] = [lambda lease: lease.prepare(), lambda lease: lease.save(Login())]
    for step in steps:
        with store.lease(KEY, patience=1) as lease, pytest.raises(StoreError, match="lock of this login was lost"):
            step(lease)
    assert store.load(KEY) == Login(generation=1)


def test_nothing_is_written_when_the_connection_is_gone(conninfo: str) -> None:
    store = PostgresTokenStore(conninfo)
    save(store)
    with store.lease(KEY, patience=1) as lease:
        end_sessions(conninfo)
        with pytest.raises(StoreError, match="cannot write the login"):
            lease.save(Login(generation=2))
    assert store.load(KEY) == Login(generation=1)


def end_sessions(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'krebit-logins'"
        )


def test_no_connection_is_left_behind(conninfo: str) -> None:
    store = PostgresTokenStore(conninfo)
    save(store)
    store.load(KEY)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        sessions = "SELECT FROM pg_stat_activity WHERE application_name = 'krebit-logins'"
        wait_for(lambda: connection.execute(sessions).fetchall() == [])


def test_a_save_waits_for_the_disk_whatever_the_database_is_set_to(conninfo: str) -> None:
    store = PostgresTokenStore(f"{conninfo} options='-c synchronous_commit=off'")
    save(store)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE seen (setting text)")
    before_each_write(conninfo, "INSERT INTO seen SELECT current_setting(''synchronous_commit'')")
    save(store, 2)
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT setting FROM seen").fetchall() == [("on",)]


def takes_connections(place: Path) -> bool:
    """Return whether somebody listens at a socket. The file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(place)) == 0


@pytest.fixture
def pooler(postgres: PostgresServer, conninfo: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A function that starts pgbouncer in a mode, and gives the connection string."""
    needs("pgbouncer")
    running: list[subprocess.Popen[bytes]] = []

    def start(mode: str) -> str:
        folder = postgres.folder / f"pooler-{mode}"
        folder.mkdir()
        folder.chmod(0o777)
        database = conninfo.split("dbname=")[1]
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n{database} = host={postgres.folder} dbname={database} user=postgres\n"
            f"[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nlisten_port = 6432\nauth_type = any\n"
            f"pool_mode = {mode}\ndefault_pool_size = 5\n"
        )
        # The server's user, who owns its folder; root is refused.
        owner = postgres.folder.stat().st_uid if os.geteuid() == 0 else None
        command = ["pgbouncer", "-q", str(settings)]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=owner))
        wait_for(lambda: takes_connections(folder / ".s.PGSQL.6432"))
        return f"host={folder} port=6432 user=postgres dbname={database}"

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


def test_a_pooler_in_transaction_mode_is_refused(pooler: Callable[[str], str]) -> None:
    store = PostgresTokenStore(pooler("transaction"))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"pooler in transaction mode.*session mode"):
            save(store)
        with pytest.raises(ConfigurationError, match="transaction mode"):
            store.load(KEY)


def test_a_pooler_in_session_mode_serves(pooler: Callable[[str], str]) -> None:
    conninfo = pooler("session")
    save(PostgresTokenStore(conninfo))
    store = PostgresTokenStore(conninfo)
    with store.lease(KEY, patience=1):
        with pytest.raises(StoreBusy), store.lease(KEY, patience=0.2):
            pass
        assert store.load(KEY) == Login(generation=1)
    save(store, 2)


ADDRESS, OTHER, SPACE = "10.213.77.1", "10.213.77.2", "krebit-test"


@pytest.fixture
def other_host() -> Iterator[list[str]]:
    """A network namespace with a cable to this one; the command that runs another in there."""
    needs("ip")
    made = ["ip", "netns", "add", SPACE]
    if os.geteuid() != 0 or subprocess.run(made, capture_output=True, check=False).returncode != 0:
        absent("needs the right to make a network namespace")
    inside = ["ip", "netns", "exec", SPACE]
    try:
        for command in (
            ["ip", "link", "add", "krebit0", "type", "veth", "peer", "name", "krebit1", "netns", SPACE],
            ["ip", "address", "add", f"{ADDRESS}/30", "dev", "krebit0"],
            ["ip", "link", "set", "krebit0", "up"],
            [*inside, "ip", "address", "add", f"{OTHER}/30", "dev", "krebit1"],
            [*inside, "ip", "link", "set", "krebit1", "up"],
        ):
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                absent("needs the right to join network namespaces")
        yield inside
    finally:
        subprocess.run(["ip", "link", "delete", "krebit0"], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "delete", SPACE], capture_output=True, check=False)


@pytest.mark.slow
def test_a_host_that_is_gone_lets_go_within_a_minute(other_host: list[str]) -> None:
    """Its cable is pulled while it holds the lock. What it saves afterwards changes nothing."""
    with postgres_server(ADDRESS) as server:
        near = server.new_database()
        far = near.replace(str(server.folder), ADDRESS)
        save(PostgresTokenStore(near))
        given = {"store": ["PostgresTokenStore", far, {}], "key": KEY}
        command = [*other_host, sys.executable, "-m", "tests.oauth.program"]
        with Program(["hold_lease"], given, command=command) as holder:
            assert holder.hear() == "held"
            subprocess.run(["ip", "link", "set", "krebit0", "down"], check=True)
            with pytest.raises(StoreBusy), PostgresTokenStore(near).lease(KEY, patience=1):
                pass
            began = time.monotonic()
            with PostgresTokenStore(near).lease(KEY, patience=60) as lease:
                assert 5 < time.monotonic() - began < 60
                subprocess.run(["ip", "link", "set", "krebit0", "up"], check=True)
                lease.save(Login(generation=7))
            holder.tell("go")
            assert holder.hear() == "StoreError"
        assert PostgresTokenStore(near).load(KEY) == Login(generation=7)
