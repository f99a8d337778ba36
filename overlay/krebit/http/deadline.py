"""One deadline for a whole call, on the monotonic clock."""

from contextvars import ContextVar

from krebit.clock import monotonic

# A timer may fire a little before its time.
_TOLERANCE = 0.01


class Deadline:
    """A point on the monotonic clock, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self._end - monotonic())

    def passed(self) -> bool:
        """Return whether the time is up."""
        return self.remaining() <= _TOLERANCE


# The deadline of the blocking call that this thread makes. The network backend reads it.
current_deadline: ContextVar[Deadline | None] = ContextVar("krebit_deadline", default=None)
