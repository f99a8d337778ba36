"""Make one call: token, attempts, a replay after a 401. The waiting and the sending are a driver's.

There is one code path for both clients. The functions here are coroutines; a blocking driver never suspends in them, so
that `run_blocking` can run them without an event loop.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar, cast

import httpx

from krebit.clock import monotonic
from krebit.errors import ConfigurationError, KrebitError, UploadFailed
from krebit.http.deadline import Deadline
from krebit.http.request import CallOptions, OneBody, RequestArguments, RequestBuilder, authorize
from krebit.http.response import error_of, refuses_token, request_id
from krebit.http.retry import RetryBudget, is_announced_limit, silence_before_retry, wait_before_retry
from krebit.http.send import SINK, Failure, Reply, Sink
from krebit.http.upload import SPENT, UploadStream
from krebit.redaction import Secret, mask
from krebit_api.api import Operation

T = TypeVar("T")
_log = logging.getLogger("krebit")
# Seconds above which a person who looks at a log wonders why nothing happens.
_LOGGED_WAIT = 1.0
_LOG_TEXT = "%(method)s %(path)s: %(status)s, attempt %(attempt)d, %(milliseconds)d ms, request %(request_id)s"


class AccessToken(NamedTuple):
    """An access token. `refreshed` says that the token endpoint granted it for this request for a token."""

    value: Secret
    refreshed: bool


class Driver(ABC):
    """Does the parts of a call that take time: blocking, or on an event loop."""

    is_asynchronous: bool

    @abstractmethod
    async def acquire_slot(self, operation: str, longest: float | None) -> Callable[[], object]:
        """Wait for a slot among the calls under way. Return the function that releases it.

        Raises DeadlineExceeded after `longest` seconds.
        """

    @abstractmethod
    async def send(self, request: httpx.Request, deadline: Deadline, longest_silence: float | None) -> Reply | Failure:
        """Send once. Give up after `longest_silence` seconds without a byte; None waits until the deadline."""

    @abstractmethod
    async def token(self, rejected: Secret | None, deadline: Deadline) -> AccessToken:
        """Return an access token that is not the one that the server refused."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait."""


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as ended:
        return cast("T", ended.value)
    raise AssertionError("a blocking driver does not suspend")


class Call(NamedTuple):
    """One call: an operation with its arguments, and how often it may be tried.

    `keep_trying` is called before and after each wait: a caller who has left wants no further attempt.
    """

    operation: Operation
    builder: RequestBuilder
    arguments: RequestArguments
    options: CallOptions
    budget: RetryBudget
    keep_trying: Callable[[], bool]
    sink: Sink | None = None

    def request(self) -> httpx.Request:
        """Return a new request, without a token. Raises ConfigurationError for arguments that cannot be written."""
        request = self.builder.build(self.operation, self.arguments, self.options)
        if self.sink is not None:
            request.extensions[SINK] = self.sink
            # Its length is what the server announces, and its end can be checked.
            request.headers["Accept-Encoding"] = "identity"
        return request


async def make_call(driver: Driver, call: Call) -> Reply:
    """Return the reply of a success. Raises the typed error of anything else.

    Wrong arguments are found first, so that they cost neither a slot nor a token. The timeout begins when the call has
    its slot: the wait before that is not the server's fault.
    """
    call = call._replace(arguments=OneBody(call.arguments))
    request = call.request()
    _upload_of(request, driver)
    release_slot = await driver.acquire_slot(call.operation.id, call.options.queue_timeout)
    try:
        return await _make_attempts(driver, call, request, Deadline(call.options.timeout))
    finally:
        release_slot()


async def _make_attempts(driver: Driver, call: Call, request: httpx.Request, deadline: Deadline) -> Reply:
    operation, retries = call.operation, call.options.retries
    token = await driver.token(None, deadline)
    may_replay = True
    attempt = counted = 1
    while True:
        started = monotonic()
        longest_silence = silence_before_retry(
            operation.method,
            attempt=counted,
            retries=retries,
            remaining=deadline.remaining(),
            attempt_timeout=call.options.attempt_timeout,
        )
        authorize(request, token.value)
        upload = _upload_of(request, driver)
        outcome = _checked(operation, upload, await driver.send(request, deadline, longest_silence))
        if _log.isEnabledFor(logging.DEBUG):
            _log_attempt(operation, outcome, attempt, started)
        if isinstance(outcome, Reply):
            if outcome.status < 300:
                call.budget.earn()
                return outcome
            if may_replay and refuses_token(request, outcome):
                token = await driver.token(token.value, deadline)
                # A token that another process refreshed may have ended too: then it is our turn to refresh.
                may_replay = not token.refreshed
                _require_repeatable(operation, upload, outcome, deadline)
                request = call.request()
                attempt += 1
                continue
        wait = wait_before_retry(
            operation.method,
            outcome,
            attempt=counted,
            retries=retries,
            remaining=deadline.remaining(),
            budget=call.budget,
            wait_for_limits=call.options.wait_for_limits,
        )
        if wait is None or not call.keep_trying():
            raise _error(operation, outcome, deadline)
        _require_repeatable(operation, upload, outcome, deadline)
        if wait > _LOGGED_WAIT:
            _log_wait(operation, outcome, wait)
        await driver.sleep(wait)
        if not call.keep_trying():
            raise _error(operation, outcome, deadline)
        request = call.request()
        attempt += 1
        if not is_announced_limit(outcome):
            counted += 1


def _upload_of(request: httpx.Request, driver: Driver) -> UploadStream | None:
    """Return the body of a request that is read while it is sent.

    Raises ConfigurationError for an asynchronous stream in a blocking call.
    """
    stream = request.stream
    if not isinstance(stream, UploadStream):
        return None
    if stream.is_asynchronous and not driver.is_asynchronous:
        raise ConfigurationError("body: an asynchronous stream needs AsyncKrebit; give bytes, a file or an iterable")
    return stream


def _checked(operation: Operation, upload: UploadStream | None, outcome: Reply | Failure) -> Reply | Failure:
    """Return the outcome. A failure's text says so when its body is spent.

    Raises UploadFailed where the body could not be read.
    """
    if upload is None or isinstance(outcome, Reply):
        return outcome
    if upload.failure is not None:
        raise _unreadable(operation, upload.failure)
    return outcome._replace(text=f"{outcome.text}; {SPENT}") if upload.is_spent else outcome


def _require_repeatable(
    operation: Operation, upload: UploadStream | None, outcome: Reply | Failure, deadline: Deadline
) -> None:
    """Raise UploadFailed for a body that would be sent again and cannot."""
    if upload is not None and upload.is_spent:
        cause = _error(operation, outcome, deadline)
        raise UploadFailed(f"{operation.id}: {SPENT} ({cause})", operation=operation.id) from cause


def _unreadable(operation: Operation, failure: Exception) -> UploadFailed:
    problem = mask(str(failure)) or "no reason given"
    error = UploadFailed(
        f"{operation.id}: the body cannot be read ({type(failure).__name__}: {problem}); the request was broken off",
        operation=operation.id,
    )
    error.__cause__ = failure
    return error


def _error(operation: Operation, outcome: Reply | Failure, deadline: Deadline) -> KrebitError:
    if isinstance(outcome, Failure):
        return outcome.error(operation.id, deadline)
    return error_of(operation, outcome)


def _log_wait(operation: Operation, outcome: Reply | Failure, wait: float) -> None:
    status = outcome.status if isinstance(outcome, Reply) else outcome.kind
    _log.info("%s %s: %s, waits %.1f s to try again", operation.method, operation.path, status, wait)


def _log_attempt(operation: Operation, outcome: Reply | Failure, attempt: int, started: float) -> None:
    facts = {
        "method": operation.method,
        # The path's template, never its values: an organisation number may be one. That of `request()` is masked.
        "path": operation.path,
        "status": outcome.status if isinstance(outcome, Reply) else outcome.kind,
        "attempt": attempt,
        "milliseconds": round((monotonic() - started) * 1000),
        "request_id": request_id(outcome) if isinstance(outcome, Reply) else None,
    }
    # People read the text; log collectors read the attribute of the record.
    _log.debug(_LOG_TEXT, facts, extra={"krebit": facts})
