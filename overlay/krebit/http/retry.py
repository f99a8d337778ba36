"""Decide when to send again, and after how long. Nothing here waits or sends."""

import random
import re
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from krebit.http.send import Failure, Reply

_BASE = 0.25
_CAP = 8.0
_BUDGET = 20.0
# A year. No server means more, and time.sleep still takes it.
_LONGEST = 31_536_000.0


class RetryBudget:
    """A client's allowance of retries, so that an outage is not multiplied. A retry costs one, a success earns a tenth.

    It has no lock: threads that meet here lose or gain one retry at most.
    """

    def __init__(self) -> None:
        self.left = _BUDGET

    def spend(self) -> bool:
        """Take one retry. Return False when none is left."""
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def earn(self) -> None:
        """Count a success."""
        self.left = min(_BUDGET, self.left + 0.1)


def parse_retry_after(reply: Reply, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds of an answer's `Retry-After` (RFC 9110, 10.2.3), or None without a usable one.

    It may be a number or a date. A date in the past is 0; a year is the most. A date is counted from the answer's own
    `Date` where there is one, since this machine's clock may be wrong.
    """
    text = reply.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return min(float(text), _LONGEST)
    until = _timestamp(text)
    if until is None:
        return None
    since = _timestamp(reply.headers.get("Date", ""))
    wait = until - (now() if since is None else since)
    return min(max(0.0, wait), _LONGEST)


def _timestamp(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None


def wait_before_retry(
    method: str, outcome: Reply | Failure, *, attempt: int, retries: int, remaining: float, budget: RetryBudget
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to stop.

    `attempt` counts from 1. `remaining` is the time left in seconds: where a wait would pass it, stopping at once tells
    more than waiting. Waits have full jitter and obey the server's `Retry-After`. A 429 says that nothing was done and
    when to come back, so it counts neither as a retry nor against the budget.
    """
    jitter = random.uniform(0, min(_CAP, _BASE * 2 ** min(attempt, 10)))
    if isinstance(outcome, Failure):
        pause = jitter
    elif outcome.status == 429:
        pause = jitter + (parse_retry_after(outcome) or 0.0)
        return pause if retries and pause < remaining else None
    else:
        pause = max(jitter, parse_retry_after(outcome) or 0.0)
    allowed = attempt <= retries and pause < remaining
    if allowed and _can_be_sent_again(method, outcome) and budget.spend():
        return pause
    return None


def _can_be_sent_again(method: str, outcome: Reply | Failure) -> bool:
    """Return whether another attempt does no harm and may succeed.

    A GET may be sent again after no whole answer, 408 and 5xx; any other method only when it provably was not sent.
    """
    if isinstance(outcome, Failure):
        if outcome.kind in ("certificate", "too_large"):
            return False
        return method == "GET" or not outcome.sent
    return method == "GET" and (outcome.status == 408 or outcome.status >= 500)
