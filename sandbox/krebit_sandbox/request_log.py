"""The requests that the server got, in the order of arrival."""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

KEPT: Final = 50_000
KEPT_BYTES: Final = 64 << 20
"""The oldest records are dropped when there are more than KEPT, or when they hold more bytes than KEPT_BYTES."""


@dataclass(slots=True)
class Request:
    """One request. `status` is None while there is no answer."""

    number: int
    method: str
    path: str
    query: dict[str, str] = field(repr=False)
    raw_query: str = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str
    status: int | None = None

    @property
    def size(self) -> int:
        """The bytes of query, headers and body."""
        return len(self.raw_query) + len(self.body) + sum(len(name) + len(value) for name, value in self.headers.raw)

    def json(self) -> Any:
        """Return the value of the body as JSON; ValueError if it is no JSON."""
        return json.loads(self.body)


class RequestLog:
    """The records; control requests are not among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget all records and number the next one 1."""
        with self._lock:
            self._records: deque[Request] = deque()
            self._size = 0
            self._numbers = itertools.count(1)

    def add(self, scope: Any, body: bytes, request_id: str) -> Request:
        """Record a request that has arrived."""
        raw_query = scope["query_string"].decode("latin-1")
        with self._lock:
            record = Request(
                number=next(self._numbers),
                method=scope["method"],
                path=scope["path"],
                query=dict(parse_qsl(raw_query, keep_blank_values=True)),
                raw_query=raw_query,
                headers=Headers(raw=list(scope["headers"])),
                body=body,
                request_id=request_id,
            )
            self._records.append(record)
            self._size += record.size
            while len(self._records) > KEPT or self._size > KEPT_BYTES:
                self._size -= self._records.popleft().size
            return record

    def records(self) -> list[Request]:
        """Return the records, the oldest first."""
        with self._lock:
            return list(self._records)
