"""A success together with the HTTP answer that it came in."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class RawResponse(Generic[T]):
    """A success and the answer that it came in.

    `value` is the operation's result. `status` is a number. `headers` have names in lower case, rate limits among them.
    `body` holds the raw bytes, and `content` their meaning: JSON with fractions as `Decimal`, a text, or bytes.
    """

    __slots__ = ("body", "content", "headers", "status", "value")

    def __init__(self, value: T, status: int, headers: Mapping[str, str], body: bytes, content: Any) -> None:
        self.value = value
        self.status = status
        self.headers = headers
        self.body = body
        self.content = content

    def __repr__(self) -> str:
        return f"RawResponse(status={self.status})"
