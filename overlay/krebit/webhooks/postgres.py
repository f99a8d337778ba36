"""An inbox in PostgreSQL, for several hosts. It needs the extra `postgres`."""

# ruff: noqa: S608 - statements are put together from constants of this file alone

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, LiteralString, TypeVar

import psycopg

from krebit.errors import StoreUnsafe
from krebit.postgresql import Watch, connect, describe_conninfo
from krebit.redaction import Secret
from krebit.webhooks.group_commit import GroupCommit, NewDelivery
from krebit.webhooks.inbox import CONFLICT, FailedDelivery, LeasedDelivery, StoreOutcome
from krebit.webhooks.processes import PerProcess

T = TypeVar("T")
# A delivery has a body until it is handled, and a due time unless it has failed. A lease is a due time too.
_SCHEMA: LiteralString = """
CREATE TABLE IF NOT EXISTS krebit_deliveries (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, digest text NOT NULL, body bytea,
    arrived timestamptz NOT NULL DEFAULT now(), due timestamptz DEFAULT '-infinity',
    attempts integer NOT NULL DEFAULT 0, tries integer NOT NULL DEFAULT 0, reason text
);
CREATE INDEX IF NOT EXISTS krebit_deliveries_undone ON krebit_deliveries (due, number) WHERE body IS NOT NULL;
CREATE TABLE IF NOT EXISTS krebit_delivery_conflicts (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, digest text NOT NULL,
    body bytea NOT NULL, arrived timestamptz NOT NULL DEFAULT now(), UNIQUE (key, digest)
);
REVOKE ALL ON krebit_deliveries, krebit_delivery_conflicts FROM PUBLIC;
"""
# The lock is needed: IF NOT EXISTS fails when two sessions make a table at the same time.
_MAKE_TABLES: LiteralString = f"BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(1802659170); {_SCHEMA} COMMIT"
_ARE_PUBLIC: LiteralString = """
    SELECT bool_or(pg_catalog.has_table_privilege('public', name, 'SELECT, INSERT, UPDATE, DELETE'))
    FROM (VALUES ('krebit_deliveries'::text), ('krebit_delivery_conflicts')) AS tables (name)"""
_CHANNEL: LiteralString = "krebit_deliveries"
_OURS: LiteralString = "number = %s AND attempts = %s AND body IS NOT NULL AND due IS NOT NULL"
_IN: LiteralString = "now() + pg_catalog.make_interval(secs => %s)"
_ARRIVED: LiteralString = "extract(epoch FROM arrived)::float8"
_LISTEN_STEP = 0.5
_LISTEN_PAUSE = 0.05  # of many notifications the first counts
_APPLICATION = "krebit-webhooks"
# Seconds for one statement. The server's own limit is shorter than ours, so that its error comes first.
_STATEMENT = 10.0


class PostgresInbox:
    """Keeps deliveries in the database that `conninfo` names. See `Inbox` for its methods.

    `conninfo` is a libpq connection string or URL, for direct connections or a pooler in session mode; its own timeouts
    go before the built-in ones. The tables are made at the first use, if they are missing. Two connections for each
    process that uses it, a third one for each worker. The methods raise psycopg.Error while the database is down,
    and StoreUnsafe for tables that every role may read or change: nobody verifies a row again before it is handled.
    Raises ConfigurationError for a string that libpq does not read.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = Secret(conninfo)
        del conninfo  # a traceback that shows local variables must not show it
        where, _, _ = describe_conninfo(self._conninfo, "PostgresInbox")
        self._sessions = PerProcess(lambda: _Session(self._conninfo, where))
        self._groups = PerProcess(lambda: GroupCommit(self._store_all, threading.RLock()))

    def __repr__(self) -> str:
        return "PostgresInbox(***)"

    def store(self, key: str, digest: str, body: bytes) -> StoreOutcome:
        """See `Inbox.store`. As durable as the database's `synchronous_commit` makes it."""
        return self._groups.get().store(NewDelivery(key, digest, body))

    def _store_all(self, deliveries: Sequence[NewDelivery]) -> list[StoreOutcome]:
        # With several arrays, unnest is the server's own function whatever the search path has.
        sql: LiteralString = f"""
            WITH stored AS (
                INSERT INTO krebit_deliveries (key, digest, body)
                SELECT key, digest, body FROM unnest(%s::text[], %s::text[], %s::bytea[])
                WITH ORDINALITY AS given (key, digest, body, place) ORDER BY place
                ON CONFLICT (key) DO NOTHING RETURNING key
            ) SELECT key, pg_catalog.pg_notify('{_CHANNEL}', '') FROM stored"""
        columns = zip(*((delivery.key, delivery.digest, delivery.body) for delivery in deliveries), strict=True)
        stored = {key for key, _ in self._rows(sql, *map(list, columns), durable=True)}
        outcomes: list[StoreOutcome] = []
        for delivery in deliveries:
            outcomes.append("new" if delivery.key in stored else self._outcome_of_known(delivery))
            stored.discard(delivery.key)  # of several with one key the first was stored
        return outcomes

    def _outcome_of_known(self, delivery: NewDelivery) -> StoreOutcome:
        found = self._rows("SELECT digest FROM krebit_deliveries WHERE key = %s", delivery.key)
        if found == [(delivery.digest,)]:
            return "same"
        sql: LiteralString = """
            INSERT INTO krebit_delivery_conflicts (key, digest, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"""
        self._count(sql, delivery.key, delivery.digest, delivery.body, durable=True)
        return "conflict"

    def take(self, lease: float) -> LeasedDelivery | None:
        sql: LiteralString = f"""
            UPDATE krebit_deliveries SET due = {_IN}, attempts = attempts + 1, tries = tries + 1 WHERE number = (
                SELECT number FROM krebit_deliveries WHERE body IS NOT NULL AND due <= now()
                ORDER BY due, number LIMIT 1 FOR UPDATE SKIP LOCKED
            ) RETURNING number, key, body, attempts, tries"""
        rows = self._rows(sql, lease)
        return LeasedDelivery(*rows[0]) if rows else None

    def renew(self, delivery: LeasedDelivery, lease: float) -> bool:
        return self._change(delivery, f"due = {_IN}", lease)

    def complete(self, delivery: LeasedDelivery) -> bool:
        """See `Inbox.complete`. The body is gone from the database's files after its next VACUUM."""
        return self._change(delivery, "body = NULL")

    def retry(self, delivery: LeasedDelivery, pause: float) -> bool:
        return self._change(delivery, f"due = {_IN}", pause)

    def fail(self, delivery: LeasedDelivery, reason: str) -> bool:
        return self._change(delivery, "due = NULL, reason = %s", reason)

    def failures(self) -> list[FailedDelivery]:
        failed: LiteralString = "body IS NOT NULL AND due IS NULL"
        sql: LiteralString = (
            f"SELECT key, body, {_ARRIVED}, reason FROM krebit_deliveries WHERE {failed} ORDER BY number"
        )
        return [FailedDelivery(*row) for row in self._rows(sql)]

    def conflicts(self) -> list[FailedDelivery]:
        sql: LiteralString = f"SELECT key, body, {_ARRIVED} FROM krebit_delivery_conflicts ORDER BY number"
        return [FailedDelivery(key, body, arrived, CONFLICT) for key, body, arrived in self._rows(sql)]

    def redeliver(self, key: str) -> bool:
        sql: LiteralString = """
            UPDATE krebit_deliveries SET due = '-infinity', tries = 0
            WHERE key = %s AND body IS NOT NULL AND due IS NULL"""
        return self._count(sql, key, durable=True) == 1

    def prune(self, seconds: float, *, failures: bool = False) -> int:
        old: LiteralString = "arrived < now() - pg_catalog.make_interval(secs => %s)"
        finished: LiteralString = "(body IS NULL OR due IS NULL)" if failures else "body IS NULL"
        self._count(f"DELETE FROM krebit_delivery_conflicts WHERE {old}", seconds)
        return self._count(f"DELETE FROM krebit_deliveries WHERE {old} AND {finished}", seconds)

    def close(self) -> None:
        self._sessions.get().close()

    def listen(self, heard: Callable[[], object], stopped: threading.Event) -> None:
        """See `NotifyingInbox.listen`, on a connection of its own. Raises psycopg.Error when that breaks."""
        with connect(self._conninfo, _APPLICATION) as connection, closing(Watch(connection)) as watch:
            with watch.at_most(_STATEMENT):
                connection.execute(f"LISTEN {_CHANNEL}")
            heard()  # of what was stored before
            while not stopped.is_set():
                for _ in connection.notifies(timeout=_LISTEN_STEP, stop_after=1):
                    heard()
                stopped.wait(_LISTEN_PAUSE)

    def _change(self, delivery: LeasedDelivery, change: LiteralString, *values: object) -> bool:
        sql: LiteralString = f"UPDATE krebit_deliveries SET {change} WHERE {_OURS}"
        return self._count(sql, *values, delivery.number, delivery.attempt) == 1

    def _rows(self, sql: LiteralString, *values: object, durable: bool = False) -> list[Any]:
        """Run one statement as a transaction. Return its rows."""
        return self._sessions.get().run(lambda connection: connection.rows(sql, *values), durable=durable)

    def _count(self, sql: LiteralString, *values: object, durable: bool = False) -> int:
        """Run one statement as a transaction. Return how many rows it touched."""
        return self._sessions.get().run(lambda connection: connection.count(sql, *values), durable=durable)


class _Session:
    """The connections of one process: one whose commits are durable, and one whose commits do not wait for the disk.

    When the server crashes, a commit of the second kind may be lost: then a delivery is handled again.
    """

    def __init__(self, conninfo: Secret, where: str) -> None:
        self._conninfo = conninfo
        self._where = where
        self._lock = threading.Lock()
        self._connections: dict[bool, _Connection] = {}

    def run(self, statement: "Callable[[_Connection], T]", *, durable: bool) -> T:
        """Return what a statement returns on a connection.

        A connection that broke since its last use is replaced once: no statement here does harm if it runs twice.
        """
        connection = self._connection(durable)
        try:
            return statement(connection)
        except psycopg.OperationalError:
            if not connection.is_closed:
                raise
        return statement(self._connection(durable))

    def close(self) -> None:
        with self._lock:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()

    def _connection(self, durable: bool) -> "_Connection":
        with self._lock:
            connection = self._connections.get(durable)
            if connection is not None and connection.is_closed:
                connection.close()  # its watch too
                connection = None
            if connection is None:
                connection = self._connections[durable] = _Connection(self._conninfo, self._where, durable=durable)
            return connection


class _Connection:
    """A connection that one thread uses at a time. A statement that the server does not end breaks it."""

    def __init__(self, conninfo: Secret, where: str, *, durable: bool) -> None:
        self._connection = connect(conninfo, _APPLICATION)
        # One for all statements: to make a cursor takes as long as to run a statement.
        self._cursor = self._connection.cursor()
        self._watch = Watch(self._connection)
        self._lock = threading.Lock()
        try:
            self.count("SET statement_timeout = '5s'")
            if not durable:
                self.count("SET synchronous_commit = off")
            self._make_tables()
            self._check_tables(where)
        except BaseException:
            self.close()
            raise

    @property
    def is_closed(self) -> bool:
        return self._connection.closed

    def rows(self, sql: LiteralString, *values: object) -> list[Any]:
        """Return the rows of a statement. Raises psycopg.Error."""
        with self._executed(sql, values) as cursor:
            return cursor.fetchall()

    def count(self, sql: LiteralString, *values: object) -> int:
        """Return how many rows a statement touched. Raises psycopg.Error."""
        with self._executed(sql, values) as cursor:
            return cursor.rowcount

    @contextmanager
    def _executed(self, sql: LiteralString, values: tuple[object, ...]) -> Iterator[psycopg.Cursor[Any]]:
        with self._lock, self._watch.at_most(_STATEMENT):
            try:
                yield self._cursor.execute(sql, values or None)
            except psycopg.errors.ReadOnlySqlTransaction:
                # A standby now, after a failover: the next connection finds the server that writes.
                self._connection.close()
                raise
            except psycopg.Error:
                raise
            except BaseException:
                # Of a signal handler, for one: the statement goes on, and the connection would take no other.
                self._connection.close()
                raise

    def close(self) -> None:
        self._watch.close()
        self._connection.close()

    def _make_tables(self) -> None:
        """Make the tables unless they are there: then no right to make any is needed."""
        found = self.rows("SELECT pg_catalog.to_regclass('krebit_delivery_conflicts') IS NOT NULL")
        if found != [(True,)]:
            self.count(_MAKE_TABLES)

    def _check_tables(self, where: str) -> None:
        """Raise StoreUnsafe if every role has rights on the tables."""
        if self.rows(_ARE_PUBLIC) == [(True,)]:
            raise StoreUnsafe(
                f"PostgreSQL at {where}: every role has rights on the deliveries; repair it with: "
                "REVOKE ALL ON krebit_deliveries, krebit_delivery_conflicts FROM PUBLIC"
            )
