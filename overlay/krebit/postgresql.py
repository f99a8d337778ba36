"""Connections to PostgreSQL that let go of a server that is gone. They need the extra `postgres`."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from krebit.redaction import Secret

# Without these a server that is gone without a word holds a thread for minutes.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": "3",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}


def connect(conninfo: Secret, application_name: str) -> psycopg.Connection[Any]:
    """Return a connection in autocommit mode. Timeouts of `conninfo` go before ours. Raises psycopg.Error."""
    ours = {**_PATIENCE, "application_name": application_name}
    # Without a variable: a traceback that shows local variables must not show the password.
    return psycopg.connect(make_conninfo("", **ours | conninfo_to_dict(conninfo.reveal())), autocommit=True)


@contextmanager
def at_most(seconds: float, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Break the connection when the `with` block takes longer: psycopg.OperationalError comes out of it then.

    Keepalives do not see a server that is stopped: its kernel answers them, and a Unix socket has none.
    """
    # A descriptor of our own: the library behind may close its own meanwhile, and another file get its number.
    line = socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
    timer = threading.Timer(seconds, _shut_down, (line,))
    timer.daemon = True
    with suppress(RuntimeError):  # no thread can start at the end of the interpreter
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        line.close()


def _shut_down(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
