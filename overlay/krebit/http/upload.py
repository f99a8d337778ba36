"""The body of a request, from bytes, files and streams: one class for all transports, sent whole or not at all.

The request declares the body's length if it is known. A body ends early only by an exception, and then the transport
closes the connection: no server takes a part for the whole. A stream that can be read once is sent once.
"""

import inspect
import io
import mimetypes
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import anyio.to_thread
import httpx

from krebit.http.deadline import current_deadline
from krebit_api.types import Payload

_PIECE = 256 * 1024
_ESCAPED = {'"': "%22", "\r": "%0D", "\n": "%0A"}
_MEDIA_TYPE = re.compile(r"[!-~]+/[!-~]+( *;[ -~]*)?")
# The forms that httpx takes for `files`: a content, or a file name, a content and a media type.
UploadedFile: TypeAlias = Payload | tuple[str | None, Payload] | tuple[str | None, Payload, str | None]
UploadedFiles: TypeAlias = Mapping[str, UploadedFile] | Sequence[tuple[str, UploadedFile]]
SPENT = "the body was a one-shot stream: make it anew to send it again"


class Source:
    """A part of a body. `length` in bytes is None if it is unknown."""

    length: int | None = None
    is_repeatable = True
    is_asynchronous = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning."""
        raise NotImplementedError

    async def pieces_async(self) -> AsyncIterator[bytes]:
        """Do the same as `pieces`, on an event loop."""
        for piece in self.pieces():
            yield piece


class _Bytes(Source):
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def pieces(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), _PIECE):
            yield self._content[start : start + _PIECE]


class _File(Source):
    """A binary file, from its current position. A file that cannot seek is read once."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start = _position(file)
        self.is_repeatable = self._start is not None
        if self._start is not None:
            self.length = max(0, file.seek(0, io.SEEK_END) - self._start)
            file.seek(self._start)

    def pieces(self) -> Iterator[bytes]:
        self._rewind()
        left = self.length
        while left is None or left > 0:
            piece = self._file.read(_PIECE if left is None else min(_PIECE, left))
            if not piece:
                break
            left = None if left is None else left - len(piece)
            yield piece
        self._check_end(left)

    async def pieces_async(self) -> AsyncIterator[bytes]:
        if isinstance(self._file, io.BytesIO):
            for piece in self.pieces():
                yield piece
            return
        # Read in a thread: neither the loop nor a deadline waits for a disk or a pipe.
        pieces = self.pieces()

        # Empty at the end: StopIteration cannot leave a thread.
        while piece := await anyio.to_thread.run_sync(lambda: next(pieces, b""), abandon_on_cancel=True):
            yield piece

    def _rewind(self) -> None:
        if self._start is not None:
            self._file.seek(self._start)

    def _check_end(self, left: int | None) -> None:
        if left:
            raise OSError(f"the file became shorter while it was sent: {left} bytes are missing")


class _Path(_File):
    """A file by its path, opened for each attempt."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            super().__init__(file)

    def pieces(self) -> Iterator[bytes]:
        with self._path.open("rb") as self._file:
            yield from super().pieces()


class _Iterable(Source):
    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = content
        self.is_repeatable = not isinstance(content, Iterator)
        if inspect.isgenerator(content) and content.gi_frame is None:
            raise TypeError("the body's generator has ended already; make it anew")

    def pieces(self) -> Iterator[bytes]:
        yield from self._content


class _AsyncIterable(Source):
    is_asynchronous = True

    def __init__(self, content: AsyncIterable[bytes]) -> None:
        self._content = content
        self.is_repeatable = not isinstance(content, AsyncIterator)
        if inspect.isasyncgen(content) and content.ag_frame is None:
            raise TypeError("the body's generator has ended already; make it anew")

    async def pieces_async(self) -> AsyncIterator[bytes]:
        async for piece in self._content:
            yield piece


def source_of(content: Any) -> Source:
    """Return the source of bytes, text, a path, a binary file or an iterable of bytes.

    Raises TypeError for anything else, OSError for a file that cannot be read.
    """
    if isinstance(content, str):
        return _Bytes(content.encode())
    if isinstance(content, bytes | bytearray | memoryview):
        return _Bytes(bytes(content))
    if isinstance(content, os.PathLike):
        return _Path(Path(content))
    if isinstance(content, io.TextIOBase):
        raise TypeError("a file to send must be opened in binary mode: open(path, 'rb')")
    if inspect.iscoroutinefunction(getattr(content, "read", None)) and isinstance(content, AsyncIterable):
        return _AsyncIterable(content)
    if callable(getattr(content, "read", None)):
        return _File(content)
    if isinstance(content, AsyncIterable):
        return _AsyncIterable(content)
    if isinstance(content, Iterable) and not isinstance(content, Mapping):
        return _Iterable(content)
    raise TypeError(
        f"a body must be bytes, a path, a binary file or an iterable of bytes, not {type(content).__name__}"
    )


def _position(file: Any) -> int | None:
    """Return a file's current position, or None if it cannot seek."""
    with suppress(AttributeError, OSError, ValueError):
        if file.seekable():
            return int(file.tell())
    return None


class UploadFailure(httpx.RequestError):
    """Aborts a request whose body cannot be read. The exception behind it is the stream's `failure`."""


class UploadStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of all attempts of one call. It begins anew with each attempt, unless it `is_spent`.

    `failure` is the exception of the stream that was read, or None.
    """

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        lengths = [source.length for source in sources]
        self.length = None if None in lengths else sum(length for length in lengths if length is not None)
        self.is_asynchronous = any(source.is_asynchronous for source in sources)
        self.is_spent = False
        self.failure: Exception | None = None

    def __repr__(self) -> str:
        return f"UploadStream(length={self.length})"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say where the body ends."""
        if self.length is None:
            return {"Transfer-Encoding": "chunked"}
        return {"Content-Length": str(self.length)}

    def __iter__(self) -> Iterator[bytes]:
        for source in self._sources:
            pieces = iter(source.pieces())
            while (piece := self._next(source, pieces)) is not None:
                deadline = current_deadline.get()
                if deadline is not None and deadline.passed():
                    raise httpx.WriteTimeout("cut off at the deadline")
                if piece:
                    yield piece

    def _next(self, source: Source, pieces: Iterator[bytes]) -> bytes | None:
        self.is_spent = self.is_spent or not source.is_repeatable
        try:
            return _checked(next(pieces, None))
        except Exception as error:  # noqa: BLE001 - a stream of the user's may raise anything
            self.failure = error
        raise UploadFailure("the body cannot be read")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for source in self._sources:
            pieces = aiter(source.pieces_async())
            while (piece := await self._next_async(source, pieces)) is not None:
                if piece:
                    yield piece

    async def _next_async(self, source: Source, pieces: AsyncIterator[bytes]) -> bytes | None:
        self.is_spent = self.is_spent or not source.is_repeatable
        try:
            return _checked(await anext(pieces, None))
        except Exception as error:  # noqa: BLE001 - a stream of the user's may raise anything
            self.failure = error
        raise UploadFailure("the body cannot be read")


def _checked(piece: Any) -> bytes | None:
    if piece is None:
        return None
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise TypeError(f"a body's stream must yield bytes, not {type(piece).__name__}")
    return bytes(piece)


def with_upload(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a request with its body as bytes or as an `UploadStream` in `content`.

    Raises TypeError or OSError.
    """
    rest = {name: value for name, value in arguments.items() if value is not None}
    files, content = rest.pop("files", None), rest.get("content")
    if files is not None:
        boundary = os.urandom(16).hex()
        rest["content"] = UploadStream(list(_multipart(boundary, rest.pop("data", {}), files)))
        own = {name: value for name, value in rest.get("headers", {}).items() if name.lower() != "content-type"}
        rest["headers"] = {**own, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    elif content is not None and not isinstance(content, bytes | str | UploadStream):
        rest["content"] = UploadStream([source_of(content)])
    return rest


def _multipart(boundary: str, fields: Mapping[str, Any], files: Any) -> Iterator[Source]:
    """Yield a form with files (RFC 7578)."""
    given = list(_fields(fields))
    given += files.items() if isinstance(files, Mapping) else files
    for name, value in given:
        file_name, content, media_type = _part(value)
        lines = [f"--{boundary}", f'Content-Disposition: form-data; name="{_escaped(name)}"']
        if file_name is not None:
            lines[1] += f'; filename="{_escaped(file_name)}"'
            media_type = media_type or mimetypes.guess_type(file_name)[0] or "application/octet-stream"
        if media_type is not None:
            if not _MEDIA_TYPE.fullmatch(media_type):
                raise ValueError(f"{name}: {media_type[:40]!r} is no media type")
            lines.append(f"Content-Type: {media_type}")
        yield _Bytes("\r\n".join([*lines, "", ""]).encode())
        yield source_of(content)
        yield _Bytes(b"\r\n")
    yield _Bytes(f"--{boundary}--\r\n".encode())


def _fields(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parts that are no files, as httpx writes them: one for each element of a list."""
    for name, value in fields.items():
        for element in value if isinstance(value, list | tuple) else [value]:
            yield name, (None, _field_content(element))


def _field_content(value: Any) -> str | bytes:
    if isinstance(value, bytes):
        return value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _part(value: Any) -> tuple[str | None, Any, str | None]:
    """Return file name, content and media type of what httpx takes for one of `files`."""
    if not isinstance(value, tuple):
        return _name_of(value), value, None
    file_name, content, *more = value
    return file_name, content, more[0] if more else None


def _name_of(content: Any) -> str:
    name = content if isinstance(content, os.PathLike) else getattr(content, "name", None)
    return Path(name).name if isinstance(name, str | os.PathLike) else "upload"


def _escaped(name: str) -> str:
    """Return a name as it stands between quotes (https://html.spec.whatwg.org/#multipart-form-data)."""
    return "".join(_ESCAPED.get(character, character) for character in name)
