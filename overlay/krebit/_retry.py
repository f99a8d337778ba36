"""When to send again, and after how long: decisions only, no waiting and no sending."""

import random
import re
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from krebit._wire import Failure, Reply

_BASE = 0.25
_CAP = 8.0
_BUDGET = 20.0
# What a server cannot mean: a year, which time.sleep still takes.
_LONGEST = 31_536_000.0


class Budget:
    """A client's allowance of retries, so that an outage is not multiplied: each costs one, a success earns a tenth."""

    # Without a lock: threads that meet here lose or gain one retry at most.
    left = _BUDGET

    def spend(self) -> bool:
        """Take one, or say that none is left."""
        enough = self.left >= 1
        self.left -= enough
        return enough

    def earn(self) -> None:
        """A call succeeded."""
        self.left = min(_BUDGET, self.left + 0.1)


def told(reply: Reply, now: Callable[[], float] = time.time) -> float | None:
    """Seconds of an answer's `Retry-After` (RFC 9110, 10.2.3), a number or a date; past dates are 0, at most a year.

    A date is counted from the answer's own `Date` where there is one: this machine's clock may be wrong. None when
    there is no header or no sense in it.
    """
    text = reply.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return min(float(text), _LONGEST)
    until, since = _timestamp(text), _timestamp(reply.headers.get("Date", ""))
    return None if until is None else min(max(0.0, until - (now() if since is None else since)), _LONGEST)


def _timestamp(date: str) -> float | None:
    try:
        found = parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None


def wait_before_retry(
    method: str, outcome: Reply | Failure, *, attempt: int, retries: int, remaining: float, budget: Budget
) -> float | None:
    """Seconds to wait before the next attempt, or None to stop.

    A GET is sent again after a failure to connect or to read the whole answer, 408, 429 and 5xx; anything else only
    when it provably was not sent, or was turned away by 429 (which says that nothing was done). `attempt` counts from
    1. Full jitter, a server's `Retry-After` obeyed, never past the deadline: then stopping at once tells more than
    waiting.
    """
    pause = random.uniform(0, min(_CAP, _BASE * 2 ** min(attempt, 10)))
    if isinstance(outcome, Failure):
        again = outcome.kind not in ("certificate", "too_large") and (method == "GET" or not outcome.sent)
    else:
        wait = told(outcome) or 0.0
        if outcome.status == 429:
            # Nothing was done and the server says when to come back: neither counted nor an outage.
            return pause + wait if retries and pause + wait < remaining else None
        pause = max(pause, wait)
        again = method == "GET" and (outcome.status == 408 or outcome.status >= 500)
    return pause if again and attempt <= retries and pause < remaining and budget.spend() else None
