"""A sender that can send what no well-behaved client would."""

import socket

from tests.webhooks.cases import Pairs

PATH = "/webhooks/krebit"


def open_request(port: int, headers: Pairs, *, method: str = "POST", path: str = PATH) -> socket.socket:
    """A connection on which the head of a request was sent, and nothing of the body."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close"]
    connection.sendall(b"\r\n".join([*head, *(name + b": " + value for name, value in headers), b"", b""]))
    return connection


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body, as soon as they are whole: the server may go on working, and the connection stay open."""
    with connection.makefile("rb") as answer:
        status = int(answer.readline().split()[1])
        length = 0
        while (line := answer.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, answer.read(length)


def send(port: int, body: bytes, headers: Pairs, *, path: str = PATH) -> tuple[int, bytes]:
    """One delivery; the status and the body of its answer."""
    with open_request(port, [*headers, (b"Content-Length", str(len(body)).encode())], path=path) as connection:
        connection.sendall(body)
        return read_answer(connection)
