"""The sandbox's own clock, so that a test moves time and never waits for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


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
        """Move the clock on (or back, below 0)."""
        with self._lock:
            self._offset += seconds

    def reset(self) -> None:
        """Back to the machine's time."""
        with self._lock:
            self._offset = 0.0
