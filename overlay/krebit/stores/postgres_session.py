"""Sessions of PostgreSQL in which logins are locked, read and written. They need the extra `postgres`."""

import os
import time
from contextlib import suppress
from typing import Any, LiteralString

import psycopg

from krebit.clock import monotonic
from krebit.errors import StoreBusy, StoreError, StoreUnsafe
from krebit.postgresql import Watch, connect
from krebit.redaction import Secret, mask
from krebit.stores.record import Login, LoginKey, as_bytes

SCHEMA: LiteralString = """
CREATE TABLE IF NOT EXISTS krebit_logins (
    tenant text NOT NULL, client_id text NOT NULL, profile text NOT NULL,
    login bytea NOT NULL, changed timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, client_id, profile)
);
REVOKE ALL ON krebit_logins FROM PUBLIC;
"""
"""The statements that make the table, for whoever has to run them by hand."""

_APPLICATION = "krebit-logins"
# Seconds for one statement. The server's own limit is shorter than ours, so that its error comes first.
_STATEMENT = 6.0
_SETTINGS: LiteralString = (
    "SET statement_timeout = '5s'; SET lock_timeout = '5s'; SET synchronous_commit = on; "
    # The server gives up a holder whose host is gone within 30 seconds, and its lock with it.
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4; "
    "SET tcp_user_timeout = '30s'"
)
# The lock is needed: IF NOT EXISTS fails when two sessions make a table at the same time.
_MAKE_TABLE: LiteralString = f"BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(1802659170); {SCHEMA} COMMIT"
# Seconds between two looks at a lock that somebody else holds. A server would grant a lock to a waiter whose host is
# gone, so nobody waits in its queue.
_POLL = 0.05

# With the schema: a function that another user put into ours, for the same arguments, must not be taken instead.
_SELECT: LiteralString = """
    SELECT (SELECT login FROM krebit_logins WHERE (tenant, client_id, profile) = (%s, %s, %s)),
    pg_catalog.has_table_privilege('public', 'krebit_logins', 'SELECT, INSERT, UPDATE, DELETE')"""


class Session:
    """A connection whose statements end in time, and whose errors are StoreError without a secret."""

    def __init__(self, conninfo: Secret, where: str) -> None:
        self._where = where
        self._has_table = False
        try:
            self._connection = connect(conninfo, _APPLICATION)
        except psycopg.Error as error:
            problem = _problem(where, "connect", error)
        else:
            self._watch = Watch(self._connection)
            self.process = os.getpid()
            return
        raise StoreError(problem)

    def run(self, action: str, sql: LiteralString, *values: object) -> list[Any]:
        """Run a statement and return its rows. Raises a StoreError, "cannot `action`"."""
        try:
            return self.execute(sql, *values)
        except psycopg.Error as error:
            problem = _problem(self._where, action, error)
        raise StoreError(problem)

    def execute(self, sql: LiteralString, *values: object) -> list[Any]:
        """Do the same as `run`, but raise psycopg.Error."""
        with self._watch.at_most(_STATEMENT):
            cursor = self._connection.execute(sql, [as_bytes(value) for value in values] or None)
            return cursor.fetchall() if cursor.description is not None else []

    def close(self) -> None:
        self._watch.close()
        self._connection.close()

    def backend(self) -> int:
        """Return the process of the server that runs this statement."""
        number: int = self.run("use the database", "SELECT pg_backend_pid()")[0][0]
        return number

    def set_up(self) -> None:
        """Set the server's limits for this session. Raises StoreError where it has broken."""
        self.run("use the database", _SETTINGS)

    def is_pooled(self) -> bool:
        """Return whether a pooler made the connection: then another process of the server runs the statements."""
        return self.backend() != self._connection.info.backend_pid

    def make_table(self) -> None:
        """Make the table if it is missing. Only that needs the right to make tables."""
        if self._has_table:
            return
        if self.run("look for the table", "SELECT pg_catalog.to_regclass('krebit_logins') IS NOT NULL") != [(True,)]:
            self.run("make the table krebit_logins", _MAKE_TABLE)
        self._has_table = True

    def lock(self, number: int, patience: float) -> None:
        """Take the lock. Raises StoreBusy after `patience` seconds."""
        until = monotonic() + patience
        while self.run("lock the login", "SELECT pg_catalog.pg_try_advisory_lock(%s)", number) != [(True,)]:
            if monotonic() >= until:
                raise StoreBusy(
                    f"PostgreSQL at {self._where}: another process or thread held the lock of this login for more "
                    f"than {patience:g} s; find it in pg_stat_activity, application_name {_APPLICATION}"
                )
            time.sleep(_POLL)

    def unlock(self, number: int) -> None:
        """Give the lock back at once. Where that fails, the end of the connection does it."""
        with suppress(psycopg.Error):
            self.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", number)

    def load(self, key: LoginKey) -> Login | None:
        try:
            rows = self.execute(_SELECT, *key)
        except psycopg.errors.UndefinedTable:
            return None
        except psycopg.Error as error:
            problem = _problem(self._where, "read the login", error)
        else:
            self._has_table = True
            return self._login(*rows[0])
        raise StoreError(problem)

    def _login(self, content: bytes | None, is_public: bool) -> Login | None:
        if is_public:
            raise StoreUnsafe(
                f"PostgreSQL at {self._where}: every role has rights on the table krebit_logins; repair it with: "
                "REVOKE ALL ON krebit_logins FROM PUBLIC"
            )
        return None if content is None else Login.from_json(content, f"krebit_logins in PostgreSQL at {self._where}")


def _problem(where: str, action: str, error: psycopg.Error) -> str:
    """Return what failed, where, and what to do, without a secret."""
    return f"PostgreSQL at {where}: cannot {action} ({mask(_reason(error))}); {_repair(error)}"


def _reason(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).strip() or type(error).__name__


def _repair(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "it needs SELECT, INSERT and UPDATE on krebit_logins, or CREATE on the schema to make it"
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return "connect to the primary server: target_session_attrs=read-write"
    if isinstance(error, psycopg.OperationalError):
        return "check that the server runs and takes connections of this host with this connection string"
    return "what is stored is as it was"
