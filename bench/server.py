"""A small server on loopback, in a process of its own, so that what is measured is the client.

It answers what is made beforehand: `/api/1.0/me`, `/api/1.0/clients/{id}`, pages of 100 clients, and tokens, which it
counts. Started as `python -m bench.server`, it prints its port.
"""

import asyncio
import json
import subprocess
import sys
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

PER_PAGE = 100


def client(number: int) -> dict[str, Any]:
    """A client record with the essential fields."""
    return {
        "id": number,
        "company_name": f"Exempelbolaget {number} AB",
        "org_number": "556677-8899",
        "country": "SE",
        "currency": "SEK",
        "credit_limit": 250000.5 + number,
        "created_at": "2024-01-15T08:30:00Z",
        "updated_at": "2024-05-01T10:00:00.123456Z",
    }


@cache
def page(number: int, last: int) -> bytes:
    """A page of clients as JSON, with all its metadata."""
    first = (number - 1) * PER_PAGE + 1
    path = "https://tenant.example/api/1.0/clients"
    content = {
        "data": [client(first + offset) for offset in range(PER_PAGE)] if number <= last else [],
        "links": {
            "first": f"{path}?page=1",
            "last": f"{path}?page={last}",
            "prev": f"{path}?page={number - 1}" if number > 1 else None,
            "next": f"{path}?page={number + 1}" if number < last else None,
        },
        "meta": {
            "current_page": number,
            "from": first,
            "last_page": last,
            "path": path,
            "per_page": PER_PAGE,
            "to": first + PER_PAGE - 1,
            "total": last * PER_PAGE,
        },
    }
    return json.dumps(content).encode()


@cache
def fixed(path: str) -> bytes:
    """What a path that is no list answers."""
    if path.endswith("/me"):
        return json.dumps({"data": {"id": 1, "name": "Ada", "email": "ada@example.com"}}).encode()
    return json.dumps({"data": client(12345)}).encode()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as well-behaved clients need it."""

    delay = 0.0
    pages = 1
    tokens = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = 0
            for line in head.split(b"\r\n")[1:]:
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head.split(b" ", 2)[1].decode())

    def _answer(self, target: str) -> None:
        parts = urlsplit(target)
        delay = self.delay
        if parts.path.endswith("/oauth/token"):
            _Connection.tokens += 1
            body = json.dumps({**TOKENS, "refresh_token": f"refresh-{_Connection.tokens}"}).encode()
            delay = 0.1  # long enough for every caller to find the token expired
        elif parts.path == "/tokens":
            body, _Connection.tokens = json.dumps(_Connection.tokens).encode(), 0
        elif parts.path.endswith("/clients"):
            body = page(int(parse_qs(parts.query)["page"][0]), self.pages)
        else:
            body = fixed(parts.path)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._transport.write, head + body)
        else:
            self._transport.write(head + body)


TOKENS = {"access_token": "access-token", "token_type": "Bearer", "expires_in": 3600}


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


class Server:
    """The server's process, as a context manager. `delay` in seconds before each answer, `pages` in the list."""

    def __init__(self, *, delay: float = 0.0, pages: int = 1) -> None:
        self._command = [sys.executable, "-m", "bench.server", str(delay), str(pages)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.domain = f"127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.domain}"


if __name__ == "__main__":
    _Connection.delay, _Connection.pages = float(sys.argv[1]), int(sys.argv[2])
    asyncio.run(_serve())
