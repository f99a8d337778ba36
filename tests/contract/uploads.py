"""A server that takes uploads, and bodies of every kind."""

import io
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Self

from krebit_api.types import File
from tests.transport.support import WAYS, Place, Way, reply

LONG = bytes(range(256)) * 4096  # a megabyte


class Upload:
    """One request as it came: `body` is unpacked, `is_whole` says whether it ended as its head announces."""

    def __init__(self, head: bytes, body: bytes, is_whole: bool) -> None:
        lines = head.decode("latin-1").split("\r\n")[1:]
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.body = body
        self.is_whole = is_whole


class UploadServer:
    """A server that reads bodies with a length and in chunks, and gives the answers in turn, the last for ever."""

    def __init__(self, *answers: bytes | str) -> None:
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.domain = f"localhost:{self._listener.getsockname()[1]}"
        self.uploads: list[Upload] = []
        self._came = threading.Condition()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def place(self, **options: Any) -> Place:
        return Place.at(self.domain, plain_http=True, **options)

    def wait(self, count: int) -> list[Upload]:
        """Wait until so many requests have ended, whole or not."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.uploads) >= count, 20)
        return self.uploads

    def _accept(self) -> None:
        try:
            while True:
                connection = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()
        except OSError:
            pass

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline()
                if not line:
                    return
                head += line
            if b"POST /api/oauth/token" in head:
                self._read(head, stream)
                connection.sendall(reply({"access_token": "new", "refresh_token": "r", "expires_in": 3600}))
                return
            body, is_whole = self._read(head, stream)
            with self._came:
                self.uploads.append(Upload(head[:-4], body, is_whole))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                self._came.notify_all()
            if answer == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif is_whole:
                connection.sendall(answer if isinstance(answer, bytes) else reply(b"", answer))

    def _read(self, head: bytes, stream: Any) -> tuple[bytes, bool]:
        headers = Upload(head, b"", is_whole=False).headers
        try:
            if headers.get("transfer-encoding") == "chunked":
                return self._chunks(stream)
            length = int(headers.get("content-length", "0"))
            body = stream.read(length)
        except OSError:
            return b"", False
        return body, len(body) == length

    def _chunks(self, stream: Any) -> tuple[bytes, bool]:
        body = b""
        while True:
            line = stream.readline().strip()
            if not line:
                return body, False
            size = int(line, 16)
            body += stream.read(size)
            stream.readline()
            if size == 0:
                return body, True


class Pipe(io.RawIOBase):
    """A binary file that cannot seek."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._left.read(size)

    def readable(self) -> bool:
        return True


class Many:
    """An iterable that can be read again and again."""

    def __iter__(self) -> Iterator[bytes]:
        yield from [LONG[:5000], b"", LONG[5000:]]


def generator() -> Iterator[bytes]:
    yield from [LONG[:5000], b"", LONG[5000:]]


async def async_generator() -> AsyncIterator[bytes]:
    for piece in generator():
        yield piece


def bodies(tmp_path: Path) -> dict[str, Any]:
    """Return for each kind of body a function that makes it."""
    path = tmp_path / 'Ångström "1".bin'
    path.write_bytes(LONG)
    return {
        "bytes": lambda: LONG,
        "path": lambda: path,
        "file": lambda: path.open("rb"),
        "memory": lambda: io.BytesIO(LONG),
        "iterable": Many,
        "list": lambda: [LONG[:10], LONG[10:]],
        "pipe": lambda: Pipe(LONG),
        "generator": generator,
        "File": lambda: File(LONG),
        "async": async_generator,
    }


KINDS = ["bytes", "path", "file", "memory", "iterable", "list", "pipe", "generator", "File", "async"]
ONCE = ["pipe", "generator", "async"]
AGAIN = [kind for kind in KINDS if kind not in ONCE]
KNOWN_LENGTH = {"bytes", "path", "file", "memory", "File"}


def ways_for(kinds: list[str]) -> list[tuple[Way, str]]:
    """Return each way to call with each kind of body. A blocking client sends no asynchronous stream."""
    return [(way, kind) for way in WAYS for kind in kinds if (way, kind) != ("blocking", "async")]
