"""Keep logins in a PostgreSQL database, for several hosts. It needs the extra `postgres`."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import LiteralString

from krebit.errors import ConfigurationError, StoreError
from krebit.redaction import Secret
from krebit.stores.record import Login, LoginKey

try:
    import psycopg

    from krebit.postgresql import describe_conninfo
    from krebit.stores.postgres_session import Session
    from krebit.stores.spare_sessions import SpareSessions
except ImportError as error:
    raise ImportError(
        "PostgresTokenStore needs psycopg 3; call: pip install 'krebit[postgres]', and 'psycopg[binary]' where libpq "
        f"is missing ({error})"
    ) from None

# Room for the next record, as bytes that do not compress.
_HEADROOM = 16_384
# The lock is looked for in the session that writes: a pooler may have given us another one.
_SAVE: LiteralString = """
    INSERT INTO krebit_logins (tenant, client_id, profile, login)
    SELECT %s, %s, %s, %s WHERE EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND objsubid = 1
        AND (classid::bigint << 32) | objid::bigint = %s
    ) ON CONFLICT (tenant, client_id, profile) DO UPDATE SET login = excluded.login, changed = now()"""


class PostgresTokenStore:
    """Keeps each login in a row of the table `krebit_logins`, which is made at the first login.

    `conninfo` is a libpq connection string or URL; its own timeouts replace the built-in ones. It connects directly
    or through a pooler in session mode; a pooler in transaction mode is refused with ConfigurationError. There is one
    connection for each read and each refresh, and none a second later.

    Safe for the processes of any number of hosts. A process that is suspended keeps its lock while its connection
    lives. A process whose host fails loses its lock within a minute. Tokens are in plain text: a table that every role
    may read or change is refused (StoreUnsafe). Raises ConfigurationError for a string that libpq does not read.
    """

    _where = "not made"  # a traceback may show a store whose making failed

    def __init__(self, conninfo: str) -> None:
        self._conninfo = Secret(conninfo)
        del conninfo  # a traceback that shows local variables must not show it
        self._where, self._place, self._password = describe_conninfo(self._conninfo, "PostgresTokenStore")
        self._sessions_are_kept = False
        self._spares = SpareSessions()

    def __eq__(self, other: object) -> bool:
        """Return whether both are stores of one table. User and options count, since they choose the schema."""
        return isinstance(other, PostgresTokenStore) and other._place == self._place

    def __hash__(self) -> int:
        return hash(self._place)

    def __repr__(self) -> str:
        return f"PostgresTokenStore({self._where!r})"

    def load(self, key: LoginKey) -> Login | None:
        """Return the login stored for `key`, or None. Raises StoreUnsafe or StoreError."""
        session = self._session()
        try:
            login = session.load(key)
        except BaseException:
            session.close()
            raise
        self._spares.keep(session)
        return login

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator["_PostgresLease"]:
        """Hold the only lease on `key`, on all hosts.

        Raises StoreBusy after `patience` seconds, StoreUnsafe or StoreError.
        """
        number = int.from_bytes(key.digest()[:8], "big", signed=True)
        with closing(self._session()) as session:
            session.make_table()
            session.lock(number, patience)
            try:
                yield _PostgresLease(session, key, number)
            finally:
                session.unlock(number)

    def _session(self) -> Session:
        """Return a spare session that works still, or a new one."""
        spare = self._spares.take()
        if spare is not None:
            try:
                spare.set_up()
            except StoreError:
                spare.close()
            else:
                return spare
        return self._connect()

    def _connect(self) -> Session:
        session = Session(self._conninfo, self._where)
        try:
            if not self._sessions_are_kept and session.is_pooled():
                self._check_pooler(session)
            self._sessions_are_kept = True
            session.set_up()
        except BaseException:
            session.close()
            raise
        return session

    def _check_pooler(self, session: Session) -> None:
        """Raise ConfigurationError if a pooler gives a connection more than one session of the server."""
        first = session.backend()
        with closing(Session(self._conninfo, self._where)) as other:
            # In a transaction the other connection keeps its session, so that ours cannot get that one again.
            other.run("use the database", "BEGIN")
            keeps = other.backend() != first and session.backend() == first
        if not keeps or any(session.backend() != first for _ in range(3)):
            raise ConfigurationError(
                f"PostgresTokenStore: a pooler in transaction mode is between here and {self._where}: a lock there "
                "belongs to nobody; connect to the server itself, or use the pooler in session mode"
            )


class _PostgresLease:
    """Writes in the session that holds the lock: without it nothing is written."""

    def __init__(self, session: Session, key: LoginKey, number: int) -> None:
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
