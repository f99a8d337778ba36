"""The monotonic clock, for deadlines and waits.

It is read from the system, not by `time.monotonic`: freezegun and time-machine replace that in tests, in some threads
and not in others, and a deadline made in one thread would be compared with another clock in the next.
"""

import time

_CLOCK: int | None = getattr(time, "CLOCK_MONOTONIC", None)


def monotonic() -> float:
    """Return seconds of a clock that never goes back."""
    if _CLOCK is None:
        return time.monotonic()
    return time.clock_gettime(_CLOCK)
