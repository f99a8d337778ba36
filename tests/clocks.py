"""The clocks of this process, moved by hand."""

import time

import pytest


class Clocks:
    """Moves the wall clock and the steady clock, until the patch is undone.

    The sandbox goes by a third clock, on Linux: time passes there by `sandbox.clock.advance`.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._wall = self._steady = 0.0
        wall, steady = time.time, time.clock_gettime
        patch.setattr(time, "time", lambda: wall() + self._wall)
        patch.setattr(
            time, "clock_gettime", lambda clock: steady(clock) + (self._steady if clock == time.CLOCK_MONOTONIC else 0)
        )

    def jump(self, seconds: float) -> None:
        """Put the wall clock forward, or back."""
        self._wall += seconds

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self._wall += seconds
        self._steady += seconds
