"""Faults on demand: their kinds, the requests that they meet, and how often."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, get_args

from krebit_sandbox.switches import described

Kind = Literal[
    "status",
    "redirect",
    "garbage_body",
    "reset",
    "close",
    "stall",
    "stall_body",
    "truncate",
    "garbage",
    "drip_headers",
    "drip_body",
    "hold",
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)

_HINTS: Final[dict[str, Any]] = {
    "path": str,
    "method": str,
    "times": int | None,
    "skip": int,
    "status": int,
    "body": bytes | str | dict | list | None,
    "headers": Mapping,
    "location": str,
    "after_effect": bool,
    "seconds": int | float,
    "at_byte": int | None,
}

# RFC 9110, sections 5.1 and 5.5.
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

CARRIES_ANSWER: Final = frozenset({"stall_body", "truncate", "drip_headers", "drip_body"})
"""Faults that spoil the way of an answer: without a `body` of their own they spoil the real one, effect included."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It affects the requests whose method and path match: after the first `skip` of them, `times` times.

    - `status`: this status with this body and these headers. `redirect`: 302, 307 (default) or 308 to `location`.
    - `garbage_body`: 200, JSON by its type, not by its bytes. `garbage`: bytes that are no HTTP.
    - `reset`: TCP RST before an answer. `close`: the connection ends before an answer. `stall`: no answer at all.
    - `stall_body`: the head and the body up to `at_byte` (default half), then silence. `truncate`: then the end.
    - `drip_headers`, `drip_body`: a byte each `seconds`.
    - `hold`: waits for `Sandbox.release()`, then continues as usual.

    With `after_effect` the request has its effect first (a token is rotated, for example), and its answer is lost.
    """

    kind: Kind
    path: str = "*"
    method: str = "*"
    times: int | None = 1
    skip: int = 0
    status: int = 500
    body: bytes | str | dict[str, Any] | list[Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    location: str = "/elsewhere"
    after_effect: bool = False
    seconds: float = 1.0
    at_byte: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is not one of {', '.join(KINDS)}")
        for name, hint in _HINTS.items():
            if not isinstance(getattr(self, name), hint):
                raise ValueError(f"fault {name}: {getattr(self, name)!r} is not {described(hint)}")
        if not 200 <= self.status <= 599:
            raise ValueError(f"fault status {self.status!r} is not within 200 to 599")
        if self.times is not None and self.times < 1:
            raise ValueError(f"fault times {self.times!r} is not above 0 (null for always)")
        if self.skip < 0 or not 0 <= self.seconds < math.inf or (self.at_byte is not None and self.at_byte < 0):
            raise ValueError("fault skip, seconds and at_byte cannot be below 0")
        sent: dict[Any, Any] = {**self.headers, "location": self.location}
        for name, value in sent.items():
            if not _NAME.fullmatch(str(name)) or not isinstance(value, str) or not _VALUE.fullmatch(value):
                raise ValueError(f"fault header {name!r}: {value!r} cannot be sent; for that, take the kind garbage")
        _ = self.content  # raises now, not when the fault strikes, if the body cannot be written

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Fault:
        """Make a fault from its fields by name; TypeError, with the names that exist, for an unknown one."""
        names = [one.name for one in fields(cls)]
        if unknown := sorted(values.keys() - names):
            raise TypeError(f"a fault has no {', '.join(unknown)}; it has {', '.join(names)}")
        if "kind" not in values:
            raise TypeError(f"a fault needs a kind: {', '.join(KINDS)}")
        return cls(**values)

    @property
    def content(self) -> bytes | None:
        """The body as bytes; a dict or a list as JSON."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body).encode()

    @property
    def needs_effect(self) -> bool:
        """Whether the request has its effect before the fault occurs."""
        return self.after_effect or (self.kind in CARRIES_ANSWER and self.body is None)

    def matches(self, method: str, path: str) -> bool:
        """Return whether this fault meets a request: by shell patterns, the method in any case."""
        return fnmatchcase(path, self.path) and fnmatchcase(method.upper(), self.method.upper())


class ActiveFaults:
    """The faults that are set; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []

    def add(self, fault: Fault) -> None:
        """Set a fault, behind those that are already set."""
        with self._lock:
            self._entries.append(_Entry(fault, fault.times, fault.skip))

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._entries.clear()

    def pending(self) -> list[Fault]:
        """Return the faults that can still strike."""
        with self._lock:
            return [entry.fault for entry in self._entries]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, and count it as used; None if there is none."""
        with self._lock:
            for entry in self._entries:
                if not entry.fault.matches(method, path):
                    continue
                if entry.skip > 0:
                    entry.skip -= 1
                    continue
                if entry.left is not None:
                    entry.left -= 1
                    if entry.left == 0:
                        self._entries.remove(entry)
                return entry.fault
        return None


@dataclass(slots=True)
class _Entry:
    fault: Fault
    left: int | None
    skip: int
