"""One call, from the request to a reply: token, attempts, replay after a 401. No I/O here: a driver does it."""

import json
import logging
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar, cast

import httpx

from krebit._body import error_of, request_id
from krebit._deadline import Deadline
from krebit._mask import mask, mask_path
from krebit._retry import Budget, wait_before_retry
from krebit._secret import Secret
from krebit._wire import Failure, Reply
from krebit.errors import ConfigurationError
from krebit_api.api import Operation

T = TypeVar("T")
_log = logging.getLogger("krebit")
# What says whom the request is for, who asks and where it ends.
_OWN_HEADERS = {"authorization", "host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
# Parts of a path that lead out of it, as they are or when somebody on the way unpacks them.
_DOTS = re.compile(r"[^?#]*(/|%2f|\\|%5c)(\.|%2e){1,2}(/|%2f|\\|%5c|[?#]|$)", re.IGNORECASE)


class Driver(ABC):
    """What takes time, done in one of two ways: blocking (then nothing here suspends), or on an event loop."""

    @abstractmethod
    async def _transmit(self, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
        """Send once."""

    @abstractmethod
    async def _token(self, rejected: Secret | None, deadline: Deadline) -> Secret:
        """An access token that is not the one that was refused."""

    @abstractmethod
    async def _sleep(self, seconds: float) -> None:
        """Wait."""


def unsuspended(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never suspends."""
    try:
        work.send(None)
    except StopIteration as ended:
        return cast("T", ended.value)
    raise AssertionError("what blocks does not suspend")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of calls: `timeout` in seconds for a whole call, `retries` beyond the first attempt (0 turns them
    off)."""

    timeout: float = 30.0
    retries: int = 2
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        timeout, retries = cast("tuple[Any, Any]", (self.timeout, self.retries))
        good = {
            "timeout: must be a number of seconds above 0, at most a day": isinstance(timeout, int | float)
            and 0 < timeout <= 86_400,
            "retries: must be a whole number from 0 to 100": isinstance(retries, int) and 0 <= retries <= 100,
            **{
                f"headers: {str(name)[:40]!r} is this client's own, or no header can be so": _is_header(name, value)
                for name, value in self.headers.items()
            },
        }
        if not all(good.values()):
            raise ConfigurationError(*(problem for problem, is_good in good.items() if not is_good))


def _is_header(name: Any, value: Any) -> bool:
    return (
        isinstance(name, str)
        and re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) is not None
        and name.lower() not in _OWN_HEADERS
        and isinstance(value, str)
        and re.fullmatch(r"([!-~]([ -~]*[!-~])?)?", value) is not None
    )


async def attempts(
    driver: Driver,
    operation: Operation,
    build: Callable[[Operation, Callable[[], dict[str, Any]], Secret, Options], httpx.Request],
    request: Callable[[], dict[str, Any]],
    *,
    options: Options,
    deadline: Deadline,
    budget: Budget,
) -> Reply:
    """The reply of a success. Raises the typed error of anything else."""
    token = await driver._token(None, deadline)
    attempt, replayed = 1, False
    while True:
        started = time.monotonic()
        outcome = await driver._transmit(build(operation, request, token, options), deadline)
        if _log.isEnabledFor(logging.DEBUG):
            _note(operation, outcome, attempt, started)
        if isinstance(outcome, Reply):
            if outcome.status < 300:
                budget.earn()
                return outcome
            if outcome.status == 401 and not replayed:
                replayed, token = True, await driver._token(token, deadline)
                continue
        wait = wait_before_retry(
            operation.method,
            outcome,
            attempt=attempt,
            retries=options.retries,
            remaining=deadline.remaining(),
            budget=budget,
        )
        if wait is None:
            raise (
                outcome.error(operation.id, deadline) if isinstance(outcome, Failure) else error_of(operation, outcome)
            )
        await driver._sleep(wait)
        attempt += 1


def build_request(
    origin: str,
    user_agent: str,
    operation: Operation,
    request: Callable[[], dict[str, Any]],
    token: Secret,
    options: Options,
) -> httpx.Request:
    """The request of one attempt, to this origin and no other. Raises ConfigurationError for arguments that cannot be
    written as one."""
    try:
        return _request(origin, user_agent, request(), token, options)
    except (httpx.InvalidURL, AttributeError, TypeError, ValueError, RecursionError) as error:
        # The exception itself holds what could not be written: a token, or the caller's data.
        problem = str(error) if type(error) in (AttributeError, TypeError, ValueError) else type(error).__name__
    raise ConfigurationError(f"{operation.id}: cannot be written as a request ({mask(problem)})")


def _request(
    origin: str, user_agent: str, request: Mapping[str, Any], token: Secret, options: Options
) -> httpx.Request:
    if _DOTS.match(request["url"]):
        raise ValueError("its path has a part of dots, which would lead elsewhere")
    url = httpx.URL(origin + request["url"])
    if request.get("params"):
        url = url.copy_merge_params(request["params"])
    headers = httpx.Headers(
        {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": user_agent,
            **options.headers,
            **(request.get("headers") or {}),
        }
    )
    headers["Authorization"] = f"Bearer {token.reveal()}"
    used = ("method", "url", "params", "headers", "json")
    rest = {name: value for name, value in request.items() if name not in used}
    if request.get("json") is not None:
        rest["content"] = json.dumps(request["json"], default=_plain, ensure_ascii=False, allow_nan=False).encode()
        headers.setdefault("Content-Type", "application/json")
    return httpx.Request(request["method"].upper(), url, headers=headers, **rest)


def _plain(value: Any) -> str:
    # Amounts go out as decimal strings: a float would change them.
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _note(operation: Operation, outcome: Reply | Failure, attempt: int, started: float) -> None:
    facts = {
        "method": operation.method,
        # The path's template, never its values: an organisation number may be one.
        "path": mask_path(operation.path),
        "status": outcome.status if isinstance(outcome, Reply) else outcome.kind,
        "attempt": attempt,
        "milliseconds": round((time.monotonic() - started) * 1000),
        "request_id": request_id(outcome) if isinstance(outcome, Reply) else None,
    }
    # For people as text, for log collectors as an attribute of the record.
    text = "%(method)s %(path)s: %(status)s, attempt %(attempt)d, %(milliseconds)d ms, request %(request_id)s"
    _log.debug(text, facts, extra={"krebit": facts})
