"""The answers that faults give, and the ways in which an answer goes wrong before it arrives."""

from __future__ import annotations

import asyncio
import http
from dataclasses import dataclass, field
from typing import Any, Final

from krebit_sandbox.connection import Connection
from krebit_sandbox.faults import Fault

JSON_HEADERS: Final = ((b"content-type", b"application/json"),)
_GARBAGE: Final = b"\x15\x03\x00NOT/HTTP \xff\xfe\x00 ?\r\n\r\n"
_GARBAGE_BODY: Final = b'{"data": [{"id": 1, "name": "tru'


@dataclass(slots=True)
class Answer:
    """A whole answer before it is sent."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    body: bytes = field(repr=False)

    def head(self) -> bytes:
        """Return the status line and the headers, which say that the connection ends after this body."""
        try:
            phrase = http.HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {self.status} {phrase}".encode()]
        lines += [name + b": " + value for name, value in self.headers if name != b"content-length"]
        lines += [b"content-length: %d" % len(self.body), b"connection: close"]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def answer_of(fault: Fault, real: Answer | None) -> Answer:
    """Return the answer of a fault: its own, or the real one where it has none."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in fault.headers.items()]
    own = {name for name, _ in headers}
    if fault.kind == "redirect":
        status = fault.status if 300 <= fault.status <= 399 else 307
        return Answer(status, [(b"location", fault.location.encode()), *headers], fault.content or b"")
    if fault.kind == "garbage_body":
        return Answer(200, [*_missing(JSON_HEADERS, own), *headers], fault.content or _GARBAGE_BODY)
    if fault.kind == "status":
        body = fault.content if fault.content is not None else _default_body(fault.status)
        return Answer(fault.status, [*_missing(JSON_HEADERS, own), *headers], body)
    if real is None or fault.body is not None:
        return Answer(200, [*_missing(JSON_HEADERS, own), *headers], fault.content or b"")
    return Answer(real.status, [*_missing(real.headers, own), *headers], real.body)


def _missing(defaults: Any, own: set[bytes]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in defaults if name not in own]


def _default_body(status: int) -> bytes:
    messages = {
        401: "Unauthenticated.",
        403: "This action is unauthorized.",
        419: "CSRF token mismatch.",
        429: "Too Many Attempts.",
        500: "Server Error",
    }
    try:
        message = messages.get(status) or http.HTTPStatus(status).phrase
    except ValueError:
        message = ""
    return b'{"message":"%s"}' % message.encode()


async def send_broken(connection: Connection, fault: Fault, answer: Answer, gone: asyncio.Task[None]) -> None:
    """Send an answer as the fault spoils it, and wait until the client has gone. `gone` ends with the connection."""
    cut_at = fault.at_byte if fault.at_byte is not None else len(answer.body) // 2
    match fault.kind:
        case "reset":
            connection.abort()
        case "close":
            connection.end()
        case "garbage":
            connection.write(fault.content or _GARBAGE)
            connection.end()
        case "stall_body":
            connection.write(answer.head() + answer.body[:cut_at])
        case "truncate":
            connection.write(answer.head() + answer.body[:cut_at])
            connection.end()
        case "drip_headers":
            await _drip(connection, answer.head(), fault.seconds, gone)
            connection.write(answer.body)
            connection.end()
        case "drip_body":
            connection.write(answer.head())
            await _drip(connection, answer.body, fault.seconds, gone)
            connection.end()
    await gone


async def _drip(connection: Connection, data: bytes, seconds: float, gone: asyncio.Task[None]) -> None:
    for byte in data:
        connection.write(bytes((byte,)))
        await asyncio.wait({gone}, timeout=seconds)
        if gone.done():
            return
