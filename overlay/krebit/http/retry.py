"""Decide when to send again, and after how long. Nothing here waits or sends."""

import random
import re
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from krebit.http.send import LASTING, Failure, Reply

_BASE = 0.25
_CAP = 8.0
_BUDGET = 20.0
# Before another try after a 429 that says no time, or 0 as Laravel does in a part of the last second.
_UNANNOUNCED = 1.0
# A year. No server means more, and time.sleep still takes it.
_LONGEST = 31_536_000.0
# Headers of one answer that are read, and characters of each. A date has 29.
_MOST_HEADERS = 10
_LONGEST_HEADER = 1000


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

    It may be a number or a date. A date counts from the answer's own `Date` if there is one, because this machine's
    clock may be wrong. A date in the past gives 0. A year is the most. The longest of several waits counts: a server
    and a proxy before it may each have sent one.
    """
    texts = [text.strip() for text in reply.headers.get_list("Retry-After")[:_MOST_HEADERS]]
    if not texts:
        return None
    date = reply.headers.get("Date", "")
    waits = [_parse_wait(text, date, now) for text in texts if len(text) <= _LONGEST_HEADER]
    return max((wait for wait in waits if wait is not None), default=None)


def _parse_wait(text: str, date: str, now: Callable[[], float]) -> float | None:
    if re.fullmatch(r"[0-9]+(\s*,\s*[0-9]+)+", text):
        # Two headers that a proxy has joined.
        text = max(re.findall(r"[0-9]+", text), key=float)
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return min(float(text), _LONGEST)
    until = _timestamp(text)
    if until is None:
        return None
    since = _timestamp(date)
    wait = until - (now() if since is None else since)
    return min(max(0.0, wait), _LONGEST)


def _timestamp(date: str) -> float | None:
    if len(date) > _LONGEST_HEADER:
        return None
    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None


def silence_before_retry(
    method: str, *, attempt: int, retries: int, remaining: float, attempt_timeout: float
) -> float | None:
    """Return the seconds without a byte after which an attempt is given up and made again, or None for the last one.

    The last attempt has all the time that is left. An attempt is also the last one when giving it up would leave less
    than another `attempt_timeout`: a slow answer is better than no answer.
    """
    is_last = attempt > retries or remaining < 2 * attempt_timeout
    return None if is_last or method != "GET" else attempt_timeout


def is_announced_limit(outcome: Reply | Failure) -> bool:
    """Return whether the server refused for a rate limit, did nothing, and said when to come back."""
    return isinstance(outcome, Reply) and outcome.status == 429 and bool(parse_retry_after(outcome))


def wait_before_retry(
    method: str,
    outcome: Reply | Failure,
    *,
    attempt: int,
    retries: int,
    remaining: float,
    budget: RetryBudget,
    wait_for_limits: bool = True,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to stop.

    `attempt` counts from 1, without attempts that met an announced rate limit. `remaining` is the time left in seconds:
    a wait that is longer is not begun. Waits have full jitter and obey the server's `Retry-After`.

    A 429 means that the server did nothing. With a `Retry-After`, the wait is neither a retry nor a cost to the budget.
    Without one it counts as a retry, so that a limit without an end soon ends the call. A 429 ends the call at once if
    `wait_for_limits` is False. An attempt that was given up for its silence costs no budget: a slow server is no
    outage.
    """
    jitter = random.uniform(0, min(_CAP, _BASE * 2 ** min(attempt, 10)))
    announced = parse_retry_after(outcome) if isinstance(outcome, Reply) else None
    if isinstance(outcome, Reply) and outcome.status == 429:
        pause = jitter + (announced or _UNANNOUNCED)
        may_wait = retries > 0 if is_announced_limit(outcome) else attempt <= retries
        return pause if wait_for_limits and may_wait and pause < remaining else None
    pause = max(jitter, announced or 0.0)
    if attempt > retries or pause >= remaining or not _can_be_sent_again(method, outcome):
        return None
    is_given_up = isinstance(outcome, Failure) and outcome.kind == "timeout"
    return pause if is_given_up or budget.spend() else None


def _can_be_sent_again(method: str, outcome: Reply | Failure) -> bool:
    """Return whether another attempt does no harm and may succeed.

    A GET may be sent again after no whole answer, 408 and 5xx; any other method only when it provably was not sent.
    """
    if isinstance(outcome, Failure):
        if outcome.kind in LASTING:
            return False
        return method == "GET" or not outcome.sent
    return method == "GET" and (outcome.status == 408 or outcome.status >= 500)
