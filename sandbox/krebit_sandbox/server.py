"""uvicorn and its sockets, on loopback only, and their end."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable

import uvicorn

from krebit_sandbox.clock import steady


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose timers go on while a test freezes `time.monotonic`, and do not jump with a client's clock.

    https://github.com/spulec/freezegun/issues/384
    """

    def time(self) -> float:
        return steady()


class Server(uvicorn.Server):
    """uvicorn in an event loop of its own. Says when it is ready, and ends the requests that faults have left open."""

    def __init__(self, config: uvicorn.Config, abort_requests: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._abort_requests = abort_requests

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            with asyncio.Runner(loop_factory=_Loop) as runner:
                runner.run(self.serve(sockets))
        finally:
            self.ready.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._abort_requests()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        await super().shutdown(sockets)


def listen(port: int) -> list[socket.socket]:
    """Listen on loopback only: 127.0.0.1, and ::1 where the machine has it, because `localhost` means both.

    Port 0 means one that is free at both.
    """
    while True:
        first = socket.create_server(("127.0.0.1", port), backlog=2048)
        if not socket.has_ipv6:
            return [first]
        address = ("::1", first.getsockname()[1])
        try:
            return [first, socket.create_server(address, family=socket.AF_INET6, backlog=2048)]
        except OSError as error:
            if port != 0 or error.errno != errno.EADDRINUSE:
                return [first]
            first.close()
