"""A client's connection, as the protocol class that uvicorn makes one of for each.

uvicorn hands no transport to an application. This class puts itself into the state of each request, so that a fault
can write bytes that are no HTTP, or none, and end the connection in any way, with TLS and without.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_RST: Final = struct.pack("ii", 1, 0)


class Connection(H11Protocol):
    """A client's connection; `scope["state"]["connection"]` of every request on it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
        # uvicorn's own loggers belong to the program that the sandbox runs in, and addresses hold codes.
        self.logger = logging.getLogger("krebit_sandbox.http")
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept; head and body are written apart, and neither may wait for the other's acknowledgement."""
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)

    def write(self, data: bytes) -> None:
        """Send bytes past HTTP."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def end(self) -> None:
        """Close once all is sent: TCP FIN."""
        self.transport.close()

    def abort(self) -> None:
        """Close at once: the client gets TCP RST."""
        with contextlib.suppress(OSError):  # closed by now
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        self.transport.abort()
