"""Kept connections that the server has ended: no call uses one, and none stays open."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from krebit import Krebit
from tests.transport.support import WAYS, Place, RawRequest, RawServer, Way, connections_to, reply
from tests.waiting import wait_for

CONNECTIONS = 8


class Server(RawServer):
    """Answers its first requests together, so that the client opens a connection for each of them."""

    def __init__(self) -> None:
        super().__init__(self._send, keep=True)
        self._together = threading.Barrier(CONNECTIONS)
        self._kept: list[socket.socket] = []
        self.lost: Literal["silent", "refused"] | None = None

    def _send(self, connection: socket.socket, request: RawRequest) -> None:
        if request.number <= CONNECTIONS:
            self._kept.append(connection)
            self._together.wait(60)
        elif self.lost and connection in self._kept:
            if self.lost == "silent":
                self.stopped.wait(60)
            raise OSError
        connection.sendall(reply({"id": request.number, "name": "A"}, keep=True))

    def end_connections(self) -> None:
        """End the connections of the first requests."""
        for connection in self._kept:
            connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def _keep_connections(api: Krebit) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda _: api.get_current_user(), range(CONNECTIONS)))


def test_no_call_uses_a_connection_that_the_server_has_ended(server: Server) -> None:
    """A POST whose connection breaks is not tried again."""
    with Place.raw(server).client(retries=0) as api:
        _keep_connections(api)
        server.end_connections()
        for number in range(CONNECTIONS):
            assert api.request("POST", "/any", json={})["id"] == CONNECTIONS + number + 1


def test_connections_that_the_server_has_ended_are_closed(server: Server) -> None:
    with Place.raw(server).client() as api:
        _keep_connections(api)
        assert connections_to(server.domain) == CONNECTIONS
        server.end_connections()
        wait_for(lambda: api.get_current_user().id and connections_to(server.domain) == 1)


def test_calls_at_the_same_time_use_all_kept_connections(server: Server) -> None:
    with Place.raw(server).client() as api:
        _keep_connections(api)
        _keep_connections(api)
    assert server.connections == CONNECTIONS


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lost", ["silent", "refused"])
def test_when_one_kept_connection_is_lost_no_attempt_uses_another(
    server: Server, way: Way, lost: Literal["silent", "refused"]
) -> None:
    """As after a sleep of this machine, or when a VPN or a load balancer starts anew: all of them are dead."""
    place = Place.raw(server, retries=1, attempt_timeout=0.5)

    async def call() -> int | str | None:
        async with place.async_client(way) as api:
            await asyncio.gather(*(api.get_current_user() for _ in range(CONNECTIONS)))
            server.lost = lost
            return (await api.get_current_user()).id

    if way != "blocking":
        assert asyncio.run(call()) == CONNECTIONS + 2
        return
    with place.client() as api:
        _keep_connections(api)
        server.lost = lost
        assert api.get_current_user().id == CONNECTIONS + 2
