# Copied from templates/runtime by `make regenerate`; edit it there.
"""Errors of the generated package: a body of another shape, a value that cannot be written, a status not described."""

from __future__ import annotations

from typing import Any, Self


class FieldError(ValueError):
    """A field that cannot be read or written. `path` says where it stands, such as `data[3].created_at`."""

    def __init__(self, problem: str, path: str = "") -> None:
        self.problem = problem
        self.path = path
        super().__init__(f"{path}: {problem}" if path else problem)

    def __reduce__(self) -> Any:
        return type(self), (self.problem, self.path)

    def within(self, name: str) -> Self:
        """Return the same error, seen from the object or the list around."""
        return type(self)(self.problem, joined(name, self.path))


def joined(name: str, path: str) -> str:
    """Return the path of a field within an object or a list of that name."""
    dot = "." if name and path and path[0] != "[" else ""
    return f"{name}{dot}{path}"


class Mismatch(FieldError):
    """A body differs from the document. `got` is the JSON type of the value at `path`.

    `is_strict` says that the value is an amount or an identifier: then no optional field around it is left out.
    """

    def __init__(self, problem: str, path: str = "", got: str = "nothing", *, is_strict: bool = False) -> None:
        self.got = got
        self.is_strict = is_strict
        super().__init__(problem, path)

    def __reduce__(self) -> Any:
        return type(self), (self.problem, self.path, self.got), {"is_strict": self.is_strict}

    def within(self, name: str) -> Self:
        """Return the same error, seen from the object or the list around."""
        return type(self)(self.problem, joined(name, self.path), self.got, is_strict=self.is_strict)


class NotWritable(FieldError):
    """A value of a record has no JSON form that means the same. The message leaves the value out: it may be secret."""


class UnexpectedStatus(Exception):
    """The server answered a status that the document does not describe, and the client was asked to raise then.

    The body is in `content`; the message leaves it out, because it may hold secrets.
    """

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        super().__init__(f"Unexpected status code: {status_code}")

    def __reduce__(self) -> tuple[type[Self], tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


__all__ = ("FieldError", "Mismatch", "NotWritable", "UnexpectedStatus")
