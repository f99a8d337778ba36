# Copied from templates/runtime by `make regenerate`; edit it there.
"""Types that users of models and endpoints meet."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Generic, NamedTuple, TypeVar, cast

from .errors import Mismatch, NotWritable
from .scalars import UNSET, Unset, money, parse_time

# The forms that httpx takes for `files`.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes), content_type)
    tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


# The content of a body that is sent as it is. Text is sent as UTF-8. Iterators and pipes can be read once. `krebit`
# takes all of these; the endpoint functions take those that httpx takes.
Payload = bytes | str | os.PathLike[str] | IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]


class File(NamedTuple):
    """A file to be sent: its content, its name for the server (by default that of the path), and its media type."""

    payload: Payload
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return the form that httpx takes."""
        name = self.file_name
        if name is None:
            source = self.payload if isinstance(self.payload, os.PathLike) else getattr(self.payload, "name", None)
            name = Path(source).name if isinstance(source, str | os.PathLike) else "upload"
        return name, cast("FileContent", self.payload), self.mime_type


def is_payload(value: object) -> bool:
    """Return whether a body is sent as it is. A record and a JSON object are not."""
    if isinstance(value, File | bytes | str | os.PathLike | Iterable | AsyncIterable):
        return not isinstance(value, Mapping)
    return hasattr(value, "read")


T = TypeVar("T")


class Response(NamedTuple, Generic[T]):
    """An answer of an endpoint. Its repr leaves out body and headers, which may hold secrets."""

    status_code: HTTPStatus | int
    """The status; a plain number where the standard library does not know it, such as 419."""
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None

    def __repr__(self) -> str:
        return f"Response(status_code={self.status_code!r}, parsed={self.parsed!r})"


def plain(value: Any) -> Any:
    """Return a field as it stands in a row of a table: None where there is nothing, a dictionary for a record."""
    if value is UNSET:
        return None
    if isinstance(value, list):
        return [plain(part) for part in value]
    if hasattr(value, "to_row"):
        return value.to_row()
    return value


__all__ = (
    "UNSET",
    "File",
    "FileTypes",
    "Mismatch",
    "NotWritable",
    "Payload",
    "RequestFiles",
    "Response",
    "Unset",
    "is_payload",
    "money",
    "parse_time",
    "plain",
)
