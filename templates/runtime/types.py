# Copied from templates/runtime by `make regenerate`; edit it there.
"""Types that users of models and endpoints meet."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from typing import IO, Any, BinaryIO, Generic, NamedTuple, TypeVar

from .errors import Mismatch, NotWritable
from .scalars import UNSET, Unset, money, parse_time

# What httpx takes for `files`.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes), content_type)
    tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


class File(NamedTuple):
    """A file to be sent."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return the form that httpx takes."""
        return self.file_name, self.payload, self.mime_type


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
    "RequestFiles",
    "Response",
    "Unset",
    "money",
    "parse_time",
    "plain",
)
