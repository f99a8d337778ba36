"""Decide which numbered calls are made ahead, how many at once, and how long all pause for a rate limit. No I/O."""

from collections.abc import Mapping

from krebit.clock import monotonic
from krebit.errors import RateLimited

# How often a call meets a rate limit, and for how many seconds at most all wait for one, before it is given up.
_MOST_WAITS = 10
_LONGEST_WAIT = 300.0


class Schedule:
    """Says when a call may begin: `width` calls at once, fewer after a rate limit, none during a pause.

    `first` is the number of a call that is made alone, because nobody knows how many there are before it has come back.
    """

    def __init__(self, width: int, *, first: int | None = None) -> None:
        self._first = first
        self.width = width
        self._width = width
        self._remaining = width
        self._under_way = 0
        self._successes = 0
        self._pauses = 0
        self._until = 0.0

    def numbers(self, number: int, last: int | None) -> range:
        """Return the calls to begin while `number` is awaited, up to `last` if that is known.

        These are the calls under way, and half as many results that wait to be read, so that one slow call does not
        hold up the others.
        """
        if number == self._first:
            return range(number, number + 1)
        end = number + self.width + self.width // 2
        if last is not None:
            end = min(end, max(last, number) + 1)
        return range(number, end)

    def delay(self) -> float | None:
        """Return the seconds until a call may begin, or None when another must end first."""
        pause = self._until - monotonic()
        if pause > 0:
            return pause
        may_begin = self._under_way < max(1, min(self._width, self._remaining))
        return 0.0 if may_begin else None

    def begin(self) -> int:
        """Count a call as under way. Return how many pauses there were before it."""
        self._under_way += 1
        return self._pauses

    def end(self, *, succeeded: bool) -> None:
        """Count a call as ended. After a full round of successes one more may be under way, up to the width."""
        self._under_way -= 1
        self._successes += succeeded
        if self._width < self.width and self._successes >= self._width:
            self._successes = 0
            self._width += 1

    def note_headers(self, headers: Mapping[str, str]) -> None:
        """Note how many calls the server still allows: no more are under way at once.

        The server may not have counted a call that is under way. Without the header the width alone counts.
        """
        remaining = headers.get("x-ratelimit-remaining", "")
        if remaining.isascii() and remaining.isdigit() and len(remaining) < 10:
            self._remaining = int(remaining)
        else:
            self._remaining = self.width

    def note_limit(self, error: RateLimited, *, pauses: int, waits: int) -> float:
        """Note that a call met a rate limit: all calls pause, and fewer are made at once afterwards.

        `begin` returned `pauses` for this call. `waits` counts the limits that it met before. Return the seconds of the
        pause, or 0 if all calls have paused for this limit already. Raises the error after many limits, or for a wait
        that is too long.
        """
        # Of a limit for a minute Laravel announces 0 in a part of the last second: that says no time.
        seconds = error.retry_after or float(2**waits)
        if waits >= _MOST_WAITS or seconds > _LONGEST_WAIT:
            raise error
        if pauses != self._pauses:
            return 0.0
        self.pause(seconds)
        return seconds

    def pause(self, seconds: float) -> None:
        """Let no call begin for so many seconds, and fewer be under way afterwards."""
        self._until = monotonic() + seconds
        self._pauses += 1
        self._successes = 0
        self._width = max(1, self._width // 2)
