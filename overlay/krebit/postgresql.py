"""Connect to PostgreSQL, and give up on a server that answers no more. It needs the extra `postgres`."""

import math
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from krebit.clock import monotonic
from krebit.errors import ConfigurationError
from krebit.redaction import Secret

# Without these settings a thread waits for minutes when the server's host vanishes.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": "3",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}
# The parameters that say which table is meant. None of them is secret.
_PLACE = ("service", "host", "hostaddr", "port", "dbname", "user", "options")
# Seconds between two looks at a statement under way.
_LOOK = 0.5


def connect(conninfo: Secret, application_name: str) -> psycopg.Connection[Any]:
    """Return a connection in autocommit mode. Timeouts in `conninfo` take precedence. Raises psycopg.Error."""
    ours = {**_PATIENCE, "application_name": application_name}
    # Without a variable: a traceback that shows local variables must not show the password.
    return psycopg.connect(make_conninfo("", **ours | conninfo_to_dict(conninfo.reveal())), autocommit=True)


def describe_conninfo(conninfo: Secret, user: str) -> tuple[str, tuple[object, ...], Secret]:
    """Return the server for messages, the schema's place, and the password.

    Raises ConfigurationError that names `user`, the class that was given the string.
    """
    parts = _parse(conninfo)
    if parts is None:
        raise ConfigurationError(
            f"{user}: the connection string is not one that libpq reads, such as "
            "postgresql://krebit@db.example/krebit; a password with special characters needs percent-encoding in a URL"
        )
    host = parts.get("host") or parts.get("hostaddr") or parts.get("service") or "the default host"
    port = f":{parts['port']}" if parts.get("port") else ""
    database = f"/{parts['dbname']}" if parts.get("dbname") else ""
    password = Secret(str(parts.get("password") or ""))
    return f"{host}{port}{database}", tuple(parts.get(name) for name in _PLACE), password


def _parse(conninfo: Secret) -> dict[str, Any] | None:
    """Return the parameters of a connection string, or None if it cannot be read."""
    try:
        parts = conninfo_to_dict(conninfo.reveal())
    except (psycopg.Error, UnicodeDecodeError):  # they may show a part of the password
        return None
    return None if _has_stray_password(parts) else parts


def _has_stray_password(parts: dict[str, Any]) -> bool:
    """Return whether a part of the password has got into another part of a URL.

    libpq ends the password at the first `/`, and at the first `@`.
    """
    if not re.fullmatch(r"[\d,]*", str(parts.get("port") or "")):
        return True
    # An @ at the beginning means a socket in the abstract namespace.
    if any("@" in host[1:] for host in str(parts.get("host") or "").split(",")):
        return True
    return "@" in str(parts.get("dbname") or "")


class Watch:
    """Breaks a connection whose server does not answer. One for each connection, ended with `close`.

    Keepalives do not see a server that is stopped: its kernel answers them, and a Unix socket has none.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        # A descriptor of our own: the library behind may close its own meanwhile, and another file get its number.
        self._line = socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        self._until = math.inf
        self._has_ended = threading.Event()
        try:
            threading.Thread(target=self._run, name="krebit-postgresql", daemon=True).start()
        except RuntimeError:  # no thread can start at the end of the interpreter
            self._line.close()

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Break the connection when the `with` block takes longer: psycopg.OperationalError comes out of it then."""
        self._until = monotonic() + seconds
        try:
            yield
        finally:
            self._until = math.inf

    def close(self) -> None:
        """End the watch."""
        self._has_ended.set()

    def _run(self) -> None:
        with self._line:
            while not self._has_ended.wait(_LOOK):
                if monotonic() > self._until:
                    with suppress(OSError):
                        self._line.shutdown(socket.SHUT_RDWR)
