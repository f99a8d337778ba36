"""The sandbox's own clock, so that a test moves time and never waits for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

_END = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    """The machine's time and an offset; everything that expires in a sandbox expires by it."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._offset

    def datetime(self) -> datetime:
        """The present as UTC, whole seconds."""
        return datetime.fromtimestamp(int(self.now()), UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock on (or back, below 0); ValueError when that leaves the years 1970 to 9999."""
        with self._lock:
            offset = self._offset + seconds
            if not 0 <= time.time() + offset < _END:
                raise ValueError(f"the clock cannot be moved by {seconds} s: it would leave the years 1970 to 9999")
            self._offset = offset

    def reset(self) -> None:
        """Back to the machine's time."""
        with self._lock:
            self._offset = 0.0
