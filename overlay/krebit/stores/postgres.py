"""Keep logins in a PostgreSQL database, for several hosts. It needs the extra `postgres`."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, LiteralString

from krebit.clock import monotonic
from krebit.errors import ConfigurationError, StoreBusy, StoreError, StoreUnsafe
from krebit.redaction import Secret, mask
from krebit.stores.record import Login, LoginKey, as_bytes

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from krebit.postgresql import Watch, connect
except ImportError as error:
    raise ImportError(f"PostgresTokenStore needs psycopg 3; call: pip install 'krebit[postgres]' ({error})") from None

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
# Without a lock IF NOT EXISTS fails when two sessions make a table at the same time.
_MAKE_TABLE: LiteralString = f"BEGIN; SELECT pg_advisory_xact_lock(1802659170); {SCHEMA} COMMIT"
# Seconds between two looks at a lock that somebody else holds. A server would grant a lock to a waiter whose host is
# gone, so nobody waits in its queue.
_POLL = 0.05
# The parameters that say which table is meant. None of them is secret.
_PLACE = ("service", "host", "hostaddr", "port", "dbname", "user", "options")
# Seconds for which the session of a read is kept.
_SPARE = 1.0
# Sessions that a forked child found in its memory: they are its parent's, and must not even be closed there.
_inherited: list["_Session"] = []
# Room for the next record, as bytes that do not compress.
_HEADROOM = 16_384

_SELECT: LiteralString = """
    SELECT (SELECT login FROM krebit_logins WHERE (tenant, client_id, profile) = (%s, %s, %s)),
    has_table_privilege('public', 'krebit_logins', 'SELECT, INSERT, UPDATE, DELETE')"""
# The lock is looked for in the session that writes: a pooler may have given us another one.
_SAVE: LiteralString = """
    INSERT INTO krebit_logins (tenant, client_id, profile, login)
    SELECT %s, %s, %s, %s WHERE EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND objsubid = 1
        AND (classid::bigint << 32) | objid::bigint = %s
    ) ON CONFLICT (tenant, client_id, profile) DO UPDATE SET login = excluded.login, changed = now()"""


class PostgresTokenStore:
    """Keeps each login in a row of the table `krebit_logins`, which is made at the first login.

    `conninfo` is a libpq connection string or URL; its own timeouts go before the built-in ones. It connects directly
    or through a pooler in session mode; a pooler in transaction mode is refused with ConfigurationError. There is one
    connection for each read and each refresh, and none a second later.

    Safe for the processes of any number of hosts. One that is stopped keeps its lock while its connection lives; one
    whose host is gone loses it within a minute. Tokens are in plain text: a table that every role may read or change is
    refused (StoreUnsafe). Raises ConfigurationError for a string that libpq does not read.
    """

    _where = "not made"  # a traceback may show a store whose making failed

    def __init__(self, conninfo: str) -> None:
        self._conninfo = Secret(conninfo)
        del conninfo  # a traceback that shows local variables must not show it
        self._where, self._place, self._password = _parts(self._conninfo)
        self._pooler_keeps_sessions = False
        self._spares: list[_Session] = []

    def __eq__(self, other: object) -> bool:
        """Two stores of one table are the same store. User and options count, since they choose the schema."""
        return isinstance(other, PostgresTokenStore) and other._place == self._place

    def __hash__(self) -> int:
        return hash(self._place)

    def __repr__(self) -> str:
        return f"PostgresTokenStore({self._where!r})"

    def load(self, key: LoginKey) -> Login | None:
        """Return the login stored for `key`, or None. Raises StoreUnsafe or StoreError."""
        spare = self._take_spare()
        if spare is not None:
            with suppress(StoreError):  # it may have broken since: a new one tells
                return self._load(spare, key)
        return self._load(self._connect(), key)

    def _load(self, session: "_Session", key: LoginKey) -> Login | None:
        try:
            login = session.load(key)
        except BaseException:
            session.close()
            raise
        self._spare(session)
        return login

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator["_PostgresLease"]:
        """Hold the only lease on `key`, on all hosts.

        Raises StoreBusy after `patience` seconds, StoreUnsafe or StoreError.
        """
        number = int.from_bytes(key.digest()[:8], "big", signed=True)
        with closing(self._connect_to_lease()) as session:
            session.make_table()
            session.lock(number, patience)
            try:
                yield _PostgresLease(session, key, number)
            finally:
                session.unlock(number)

    def _spare(self, session: "_Session") -> None:
        """Keep a session for a refresh that follows a read at once: connecting takes longer than all the rest."""
        self._spares.append(session)
        timer = threading.Timer(_SPARE, self._close_spare, (session,))
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # no thread can start at the end of the interpreter
            self._close_spare(session)

    def _close_spare(self, session: "_Session") -> None:
        with suppress(ValueError):  # taken meanwhile
            self._spares.remove(session)
            session.close()

    def _take_spare(self) -> "_Session | None":
        while self._spares:
            with suppress(IndexError):  # closed meanwhile
                session = self._spares.pop()
                if session.process == os.getpid():
                    return session
                _inherited.append(session)
        return None

    def _connect_to_lease(self) -> "_Session":
        """Return a session with our settings: a spare one if it works still, else a new one."""
        session = self._take_spare()
        if session is not None:
            try:
                session.set_up()
            except StoreError:
                session.close()
            else:
                return session
        session = self._connect()
        try:
            session.set_up()
        except BaseException:
            session.close()
            raise
        return session

    def _connect(self) -> "_Session":
        session = _Session(self._conninfo, self._where)
        try:
            if not self._pooler_keeps_sessions and session.is_pooled():
                self._check_pooler(session)
        except BaseException:
            session.close()
            raise
        return session

    def _check_pooler(self, session: "_Session") -> None:
        """Raise ConfigurationError if a pooler gives a connection more than one session of the server."""
        first = session.backend()
        with closing(_Session(self._conninfo, self._where)) as other:
            # In a transaction the other connection keeps its session, so that ours cannot get that one again.
            other.run("use the database", "BEGIN")
            keeps = other.backend() != first and session.backend() == first
        if not keeps or any(session.backend() != first for _ in range(3)):
            raise ConfigurationError(
                f"PostgresTokenStore: a pooler in transaction mode is between here and {self._where}: a lock there "
                "belongs to nobody; connect to the server itself, or use the pooler in session mode"
            )
        self._pooler_keeps_sessions = True


class _Session:
    """A connection whose statements end in time, and whose errors are StoreError without a secret."""

    def __init__(self, conninfo: Secret, where: str) -> None:
        self._where = where
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
        """Run a statement and return its rows. Raises StoreError that says that one cannot `action`."""
        try:
            return self.execute(sql, *values)
        except psycopg.Error as error:
            problem = _problem(self._where, action, error)
        raise StoreError(problem)

    def execute(self, sql: LiteralString, *values: object) -> list[Any]:
        """Do as `run`, but raise psycopg.Error."""
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
        """Set what a lease needs."""
        self.run("use the database", _SETTINGS)

    def is_pooled(self) -> bool:
        """Return whether something else than the server answered when the connection was made."""
        return self.backend() != self._connection.info.backend_pid

    def make_table(self) -> None:
        """Make the table unless it is there: then no right to make any is needed."""
        if self.run("look for the table", "SELECT to_regclass('krebit_logins') IS NOT NULL") == [(True,)]:
            return
        self.run("make the table krebit_logins", _MAKE_TABLE)

    def lock(self, number: int, patience: float) -> None:
        """Take the lock. Raises StoreBusy after `patience` seconds."""
        until = monotonic() + patience
        while self.run("lock the login", "SELECT pg_try_advisory_lock(%s)", number) != [(True,)]:
            if monotonic() >= until:
                raise StoreBusy(
                    f"PostgreSQL at {self._where}: another process or thread held the lock of this login for more "
                    f"than {patience:g} s; find it in pg_stat_activity, application_name {_APPLICATION}"
                )
            time.sleep(_POLL)

    def unlock(self, number: int) -> None:
        """Give the lock back at once. Where that fails, the end of the connection does it."""
        with suppress(psycopg.Error):
            self.execute("SELECT pg_advisory_unlock(%s)", number)

    def load(self, key: LoginKey) -> Login | None:
        try:
            rows = self.execute(_SELECT, *key)
        except psycopg.errors.UndefinedTable:
            return None
        except psycopg.Error as error:
            problem = _problem(self._where, "read the login", error)
        else:
            return self._login(*rows[0])
        raise StoreError(problem)

    def _login(self, content: bytes | None, is_public: bool) -> Login | None:
        if is_public:
            raise StoreUnsafe(
                f"PostgreSQL at {self._where}: every role has rights on the table krebit_logins; repair it with: "
                "REVOKE ALL ON krebit_logins FROM PUBLIC"
            )
        return None if content is None else Login.from_json(content, f"krebit_logins in PostgreSQL at {self._where}")


class _PostgresLease:
    """Writes in the session that holds the lock: without it nothing is written."""

    def __init__(self, session: _Session, key: LoginKey, number: int) -> None:
        self._session = session
        self._key = key
        self._number = number

    def load(self) -> Login | None:
        return self._session.load(self._key)

    def prepare(self) -> None:
        """Write as much as a login needs, and take it back."""
        self._session.run("write the login", "BEGIN")
        try:
            self._write(os.urandom(_HEADROOM))
        finally:
            # After an error the connection may be gone. The first error is the one to know.
            with suppress(psycopg.Error):
                self._session.execute("ROLLBACK")

    def save(self, login: Login) -> None:
        self._write(login.to_secret())

    def _write(self, content: Secret | bytes) -> None:
        written = self._session.run("write the login", f"{_SAVE} RETURNING 1", *self._key, content, self._number)
        if not written:
            raise StoreError(
                "krebit_logins: the lock of this login was lost (does a pooler give sessions to several clients?); "
                "nothing was written"
            )


def _parts(conninfo: Secret) -> tuple[str, tuple[object, ...], Secret]:
    """Return the server for messages, the table's place, and the password. Raises ConfigurationError."""
    try:
        parts = conninfo_to_dict(conninfo.reveal())
    except psycopg.Error:  # its text may show a part of the password
        parts = None
    if parts is None:
        raise ConfigurationError(
            "PostgresTokenStore: the connection string is not one that libpq reads, such as "
            "postgresql://krebit@db.example/krebit; a password with special characters needs percent-encoding in a URL"
        )
    host = parts.get("host") or parts.get("hostaddr") or parts.get("service") or "the default host"
    port = f":{parts['port']}" if parts.get("port") else ""
    database = f"/{parts['dbname']}" if parts.get("dbname") else ""
    password = Secret(str(parts.get("password") or ""))
    return f"{host}{port}{database}", tuple(parts.get(name) for name in _PLACE), password


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
