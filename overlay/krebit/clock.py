"""The monotonic clock, for deadlines and waits.

It reads the system's clock, not `time.monotonic`. freezegun and time-machine replace that function in some threads and
not in others: a deadline of one thread would be compared with the clock of another.
"""

import time

_CLOCK: int | None = getattr(time, "CLOCK_MONOTONIC", None)


def monotonic() -> float:
    """Return seconds of a clock that never goes back."""
    if _CLOCK is None:
        return time.monotonic()
    return time.clock_gettime(_CLOCK)
