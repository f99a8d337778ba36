"""One call, from the request to a reply: token, attempts, replay after a 401. No I/O: the drivers do what is
yielded."""

import json
import logging
import re
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import httpx

from krebit._body import error_of, request_id
from krebit._deadline import Deadline
from krebit._mask import mask, mask_path
from krebit._retry import Budget, wait_before_retry
from krebit._secret import Secret
from krebit._wire import Failure, Reply
from krebit.errors import ConfigurationError

if TYPE_CHECKING:
    from krebit_api.api import Operation

_log = logging.getLogger("krebit")
# What says whom the request is for, who asks and where it ends.
_OWN_HEADERS = {"authorization", "host", "content-length", "transfer-encoding", "connection"}


class Send(NamedTuple):
    """Send this once; the answer is a Reply or a Failure."""

    request: httpx.Request


class Sleep(NamedTuple):
    """Wait so many seconds."""

    seconds: float


class GetToken(NamedTuple):
    """Have an access token that is not the one that was refused."""

    rejected: Secret | None


Step = Send | Sleep | GetToken


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of calls: `timeout` in seconds for a whole call, `retries` beyond the first attempt (0 turns them
    off)."""

    timeout: float = 30.0
    retries: int = 2
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        problems = [
            f"headers: {str(name)[:40]!r} is this client's own, or no header can be so"
            for name, value in self.headers.items()
            if not _is_header(name, value)
        ]
        timeout, retries = cast("tuple[Any, Any]", (self.timeout, self.retries))
        if not isinstance(timeout, int | float) or not 0 < timeout <= 86_400:
            problems.append("timeout: must be a number of seconds above 0, at most a day")
        if not isinstance(retries, int) or not 0 <= retries <= 100:
            problems.append("retries: must be a whole number from 0 to 100")
        if problems:
            raise ConfigurationError(*problems)


def _is_header(name: Any, value: Any) -> bool:
    named = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) is not None
    return (
        named
        and name.lower() not in _OWN_HEADERS
        and isinstance(value, str)
        and value.isascii()
        and value.isprintable()
    )


def steps(
    operation: "Operation",
    build: "RequestBuilder",
    request: Mapping[str, Any],
    token: Secret | None,
    *,
    options: Options,
    deadline: Deadline,
    budget: Budget,
) -> Generator[Step | Reply, Any, None]:
    """Yields what to do and gets what came of it; at last the reply of a success. Raises the typed error of anything
    else."""
    held: Secret = token if token is not None else (yield GetToken(None))
    attempt, replayed = 1, False
    while True:
        started = time.monotonic()
        outcome: Reply | Failure = yield Send(build(operation, request, held, options))
        if _log.isEnabledFor(logging.DEBUG):
            _note(operation, outcome, attempt, started)
        if isinstance(outcome, Reply):
            if outcome.status < 300:
                budget.earn()
                yield outcome
                return
            if outcome.status == 401 and not replayed:
                replayed = True
                held = yield GetToken(held)
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
            if isinstance(outcome, Failure):
                raise outcome.error(operation.id, deadline)
            raise error_of(operation, outcome)
        yield Sleep(wait)
        attempt += 1


class RequestBuilder:
    """Makes requests to one tenant and no other."""

    def __init__(self, origin: str, user_agent: str) -> None:
        self._origin = origin
        self._base = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": user_agent}

    def __call__(
        self, operation: "Operation", request: Mapping[str, Any], token: Secret, options: Options
    ) -> httpx.Request:
        """The request of one attempt. Raises ConfigurationError for what cannot be written as one."""
        try:
            return self._request(request, token, options)
        except (httpx.InvalidURL, TypeError, ValueError, RecursionError) as error:
            # The exception itself holds what could not be written: a token, or the caller's data.
            problem = str(error) if type(error) in (TypeError, ValueError) else type(error).__name__
        raise ConfigurationError(f"{operation.id}: cannot be written as a request ({mask(problem)})")

    def _request(self, request: Mapping[str, Any], token: Secret, options: Options) -> httpx.Request:
        rest = {name: value for name, value in request.items() if name not in ("method", "url", "headers", "json")}
        headers = httpx.Headers({**self._base, **options.headers, **(request.get("headers") or {})})
        headers["Authorization"] = f"Bearer {token.reveal()}"
        if request.get("json") is not None:
            rest["content"] = json.dumps(request["json"], default=_plain, ensure_ascii=False, allow_nan=False).encode()
            headers.setdefault("Content-Type", "application/json")
        return httpx.Request(request["method"].upper(), self._origin + request["url"], headers=headers, **rest)


def _plain(value: Any) -> str:
    # Amounts go out as decimal strings: a float would change them.
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _note(operation: "Operation", outcome: Reply | Failure, attempt: int, started: float) -> None:
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
