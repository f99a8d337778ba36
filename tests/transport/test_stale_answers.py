"""Bytes behind an answer are nobody's: the connection that brought them is not used again."""

import asyncio
import socket
import ssl
from typing import Any

import pytest

from krebit_sandbox import Sandbox
from tests.transport.support import Place, RawRequest, RawServer, Way, reply

STALE = reply({"id": 666, "name": "Stale"}, keep=True)
CHUNKED = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nC\r\n{"id": 1, "n\r\n'
)
CHUNKED_END = b'A\r\name": "A"}\r\n0\r\n\r\n'


def _answer(*pieces: bytes) -> Any:
    def answer(connection: socket.socket, request: RawRequest) -> None:
        if request.number == 1:
            for piece in pieces:
                connection.sendall(piece)
        else:
            connection.sendall(reply({"id": request.number, "name": "B"}, keep=True))

    return answer


def _three_calls(place: Place, way: Way) -> list[Any]:
    if way == "blocking":
        with place.client() as api:
            return [api.get_current_user().id for _ in range(3)]

    async def main() -> list[Any]:
        async with place.async_client(way) as api:
            return [(await api.get_current_user()).id for _ in range(3)]

    return asyncio.run(main())


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
    with RawServer(_answer(*pieces), keep=True) as server:
        assert _three_calls(Place.raw(server), way) == [1, 2, 3]


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_over_tls(way: Way, pieces: tuple[bytes, ...], sandbox: Sandbox, server_tls: ssl.SSLContext) -> None:
    """Each piece is a record of its own: one of them is decrypted, and the rest waits where no socket shows it."""
    with RawServer(_answer(*pieces), keep=True, tls=server_tls) as server:
        assert _three_calls(Place.at(server.domain, ca_file=sandbox.ca_file), way) == [1, 2, 3]


def test_an_answer_that_is_whole_keeps_its_connection(way: Way) -> None:
    with RawServer(_answer(FIRST), keep=True) as server:
        assert _three_calls(Place.raw(server), way) == [1, 2, 3]
        assert server.connections == 1
