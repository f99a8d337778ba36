"""The file that an answer is saved to: written beside its place, and put there when it is whole."""

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import httpx

from krebit.errors import DownloadFailed, UnexpectedResponse
from krebit.http.response import is_foreign_page
from krebit.http.send import Reply
from krebit.private_files import is_planted_link, replace, sync, sync_folder, write_all
from krebit_api.api import Operation, Result

Progress = Callable[[int, int | None], object]
# Bytes that are collected before they are written: an event loop writes in a thread.
_BUFFER = 2**20
# An answer of JSON is saved too, unless another status has a file.
_FILES = {"text", "bytes"}


class FileSink:
    """Takes the success of one call into a file. Until `commit` the file has another name.

    A link is followed, but not one that another user put into a folder for all. A file that is there already keeps its
    rights; a new one has those of the umask.
    """

    def __init__(self, path: str | os.PathLike[str], progress: Progress | None) -> None:
        self._given = Path(path)
        self.path = Path(os.path.realpath(path))
        self.received = 0
        self.reply: Reply | None = None
        self.result: Result[Any] | None = None
        self._progress = progress
        self._total: int | None = None
        self._buffer = bytearray()
        self._file: IO[bytes] | None = None
        self._partial = self.path.with_name(f".{self.path.name[:200]}.{secrets.token_hex(6)}.part")

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = error.strerror or str(error)
            raise DownloadFailed(f"{self.path}: cannot be written ({problem}); nothing of it was kept") from error

    def open(self) -> None:
        """Make the partial file. Raises DownloadFailed."""
        if is_planted_link(self._given):
            raise DownloadFailed(f"{self._given}: is a link of another user, in a folder for all; name another place")
        with self._named_failures():
            mode = 0o666
            with suppress(FileNotFoundError):
                status = self.path.stat()
                if not stat.S_ISREG(status.st_mode):
                    raise DownloadFailed(f"{self.path}: is no ordinary file; give the path of one")
                mode = stat.S_IMODE(status.st_mode) & 0o777
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._file = os.fdopen(os.open(self._partial, flags, mode), "wb", buffering=0)
            if mode != 0o666 and hasattr(os, "fchmod"):
                os.fchmod(self._file.fileno(), mode)

    def begin(self, response: httpx.Response) -> bool:
        """Return whether an answer is saved, and begin anew with it: a whole success, of a type that is documented."""
        result = self.result
        if result is None or not 200 <= response.status_code < 300:
            return False
        if self._refused(response.status_code, response.headers):
            return False
        length = response.headers.get("Content-Length", "")
        self._total = int(length) if length.isascii() and length.isdigit() else None
        self.received = 0
        self._buffer.clear()
        with self._named_failures():
            assert self._file is not None
            self._file.seek(0)
            self._file.truncate()
        return True

    def _refused(self, status: int, headers: httpx.Headers) -> tuple[str, str] | None:
        """Return the expected and the actual answer if this one is not saved, else None."""
        assert self.result is not None
        documented = {one.source for one in self.result.documented}
        here = {one.result.source for one in self.result.choices if one.first <= status <= one.last}
        has_file = bool(here & _FILES) or not documented & _FILES
        found = self.result.of_answer(status, headers.get("Content-Type", ""))
        if found.source == "nothing" or status in (204, 205, 206):
            return "a file", f"an answer without one ({status})"
        if found.source == "json" and not has_file:
            return "a file", f"JSON ({status})"
        if is_foreign_page(headers, self.result):
            return "a file", "an HTML page"
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            return "a body that is not compressed", "a compressed one, whose end cannot be checked"
        if "Content-Length" not in headers and "chunked" not in headers.get("Transfer-Encoding", "").lower():
            return "a body with a length or in chunks", "one that ends with the connection: its end cannot be checked"
        return None

    @property
    def is_full(self) -> bool:
        """Return whether enough has come to be written with `flush`."""
        return len(self._buffer) >= _BUFFER

    @property
    def is_whole(self) -> bool:
        """Return whether all the announced bytes have come."""
        return self._total is None or self.received == self._total

    def add(self, chunk: bytes) -> None:
        """Take some bytes, and call `progress`."""
        self._buffer += chunk
        self.received += len(chunk)
        if self._progress is not None:
            self._progress(self.received, self._total)

    def flush(self) -> None:
        """Write the bytes taken so far. Raises DownloadFailed."""
        with self._named_failures():
            assert self._file is not None
            write_all(self._file.fileno(), bytes(self._buffer))
            self._buffer.clear()

    def accept(self, operation: Operation, reply: Reply) -> None:
        """Note the reply of the call. Raises UnexpectedResponse where it was not saved."""
        if refused := self._refused(reply.status, reply.headers):
            expected, got = refused
            raise UnexpectedResponse(
                operation=operation.id, expected=expected, got=got, status=reply.status, body=reply.body
            )
        self.reply = reply

    def commit(self) -> None:
        """Put the whole file in its place, through the disk. Raises DownloadFailed."""
        with self._named_failures():
            assert self._file is not None
            sync(self._file.fileno())
            self._file.close()
            replace(self._partial, self.path)
        with suppress(OSError):  # the file is in its place already
            sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove the partial file, if it is still there."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        with suppress(OSError):
            self._partial.unlink()
