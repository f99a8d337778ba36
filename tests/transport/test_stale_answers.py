"""Bytes behind an answer are nobody's: the connection that brought them is not used again."""

import asyncio
import fcntl
import select
import socket
import ssl
import struct
import termios
import threading
from typing import Any

import pytest

from krebit_sandbox import Sandbox
from tests.transport.support import Place, RawRequest, RawServer, Way, reply
from tests.waiting import wait_for

STALE = reply({"id": 666, "name": "Stale"}, keep=True)
CHUNKED = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nC\r\n{"id": 1, "n\r\n'
)
CHUNKED_END = b'A\r\name": "A"}\r\n0\r\n\r\n'


class Server(RawServer):
    """Answers the first request with `pieces`. `has_sent` says that all of them lie at the client's socket."""

    def __init__(self, *pieces: bytes, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._send, tls=tls, keep=True)
        self._pieces = pieces
        self.has_sent = threading.Event()

    def _send(self, connection: socket.socket, request: RawRequest) -> None:
        if request.number == 1:
            for piece in self._pieces:
                connection.sendall(piece)
            wait_for(lambda: self.stopped.is_set() or not _unacknowledged(connection))
            self.has_sent.set()
        else:
            connection.sendall(reply({"id": request.number, "name": "B"}, keep=True))


def _unacknowledged(connection: socket.socket) -> bool:
    """Return whether bytes are on their way. There are none once the other side has ended the connection."""
    if select.select([connection], [], [], 0)[0]:
        return False
    (count,) = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))
    return bool(count > 0)


def _three_calls(server: Server, place: Place, way: Way) -> list[Any]:
    """Nobody can tell an answer that comes after the next request was sent: the calls wait until it has come."""
    found: list[Any] = []
    if way == "blocking":
        with place.client() as api:
            for _ in range(3):
                found.append(api.get_current_user().id)
                assert server.has_sent.wait(60)
        return found

    async def main() -> None:
        async with place.async_client(way) as api:
            for _ in range(3):
                found.append((await api.get_current_user()).id)
                assert await asyncio.to_thread(server.has_sent.wait, 60)
                await asyncio.sleep(0.01)  # a round of the loop, which reads what has come

    asyncio.run(main())
    return found


FIRST = reply({"id": 1, "name": "A"}, keep=True)
PIECES = {
    "in one piece": (FIRST + STALE,),
    "in two pieces": (FIRST, STALE),
    "half an answer": (FIRST + STALE[: len(STALE) // 2],),
    "a byte": (FIRST + b"\n",),
    "behind chunks": (CHUNKED + CHUNKED_END + STALE,),
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_plain(way: Way, pieces: tuple[bytes, ...]) -> None:
    with Server(*pieces) as server:
        assert _three_calls(server, Place.raw(server), way) == [1, 2, 3]


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_over_tls(way: Way, pieces: tuple[bytes, ...], sandbox: Sandbox, server_tls: ssl.SSLContext) -> None:
    """Each piece is a record of its own: one of them is decrypted, and the rest waits where no socket shows it."""
    with Server(*pieces, tls=server_tls) as server:
        assert _three_calls(server, Place.at(server.domain, ca_file=sandbox.ca_file), way) == [1, 2, 3]


def test_an_answer_that_is_whole_keeps_its_connection(way: Way) -> None:
    with Server(FIRST) as server:
        assert _three_calls(server, Place.raw(server), way) == [1, 2, 3]
        assert server.connections == 1
