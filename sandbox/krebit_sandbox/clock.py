"""The sandbox's own clock, so that a test moves time and never waits for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Final

_END: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
# CLOCK_MONOTONIC of Linux stops while the machine sleeps; that of macOS goes on, as CLOCK_BOOTTIME does.
_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Return the seconds of a clock that never goes back, and that freezegun and time-machine leave alone."""
    return time.clock_gettime(_STEADY)


class Clock:
    """The clock by which everything in a sandbox expires: the machine's time when it was made, and the time since.

    freezegun and time-machine do not move it: they leave `clock_gettime` of a steady clock alone.
    """

    def __init__(self) -> None:
        self._start = time.time() - steady()
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the seconds since 1970."""
        return self._start + steady() + self._offset

    def datetime(self) -> datetime:
        """Return the present as UTC, in whole seconds."""
        return datetime.fromtimestamp(int(self.now()), UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock on (or back, below 0); ValueError if that leaves the years 1970 to 9999."""
        with self._lock:
            if not 0 <= self.now() + seconds < _END:
                raise ValueError(f"the clock cannot be moved by {seconds} s: it would leave the years 1970 to 9999")
            self._offset += seconds

    def reset(self) -> None:
        """Undo every `advance`."""
        with self._lock:
            self._offset = 0.0
