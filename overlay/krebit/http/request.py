"""Build the request of one attempt: to the tenant and no other host, with the token and JSON that loses nothing."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import httpx

from krebit.config import is_number, seconds_problems
from krebit.errors import ConfigurationError
from krebit.http.upload import UploadStream, with_upload
from krebit.redaction import Secret, mask
from krebit_api.api import Operation
from krebit_api.scalars import amount_text

# Returns the keywords of `httpx.Client.request`: generated code builds them when they are needed.
RequestArguments = Callable[[], dict[str, Any]]

# Headers that this client sets itself: they name the host and the identity, and frame the body.
_OWN_HEADERS = {"authorization", "host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
_HEADER_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_HEADER_VALUE = r"([!-~]([ -~]*[!-~])?)?"
# Parts of a path that lead out of it, plain or percent-encoded: a server on the way may decode them.
_DOTS = re.compile(r"[^?#]*(/|%2f|\\|%5c)(\.|%2e){1,2}(/|%2f|\\|%5c|[?#]|$)", re.IGNORECASE)


class CallOptions:
    """Settings of calls: `timeout` in seconds for a whole call, `retries` beyond the first attempt (0 for none).

    `attempt_timeout` is the seconds without a byte after which an attempt is made again, `queue_timeout` those to wait
    for a place (None: as long as it takes). `wait_for_limits` says whether a call waits for a rate limit within its
    timeout. Raises ConfigurationError for a setting that cannot be.
    """

    def __init__(
        self,
        timeout: float = 30.0,
        retries: int = 2,
        attempt_timeout: float = 10.0,
        queue_timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        wait_for_limits: bool = True,
    ) -> None:
        self.timeout = timeout
        self.retries = retries
        self.attempt_timeout = attempt_timeout
        self.queue_timeout = queue_timeout
        self.wait_for_limits = wait_for_limits
        if not isinstance(headers, Mapping | None):
            raise ConfigurationError(f"headers: must be a mapping, not of type {type(headers).__name__}")
        problems = [
            f"headers: {str(name)[:40]!r} is one that this client sets itself, or is malformed"
            for name, value in (headers or {}).items()
            if not _may_be_set(name, value)
        ]
        # In lower case, so that of two spellings of a name the later counts.
        self.headers = {str(name).lower(): value for name, value in (headers or {}).items()}
        problems += seconds_problems(timeout=timeout, attempt_timeout=attempt_timeout)
        if queue_timeout is not None:
            problems += seconds_problems(queue_timeout=queue_timeout)
        if not (is_number(retries) and retries in range(101)):
            problems.append("retries: must be a whole number from 0 to 100")
        if problems:
            raise ConfigurationError(*problems)


def _may_be_set(name: object, value: object) -> bool:
    """Return whether a user may set this header."""
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    if name.lower() in _OWN_HEADERS:
        return False
    return bool(re.fullmatch(_HEADER_NAME, name) and re.fullmatch(_HEADER_VALUE, value))


class RequestBuilder:
    """Builds requests to one origin, such as `https://yourco.krebit.se`."""

    def __init__(self, origin: str, user_agent: str) -> None:
        self._origin = origin
        self._user_agent = user_agent

    def build(self, operation: Operation, arguments: RequestArguments, options: CallOptions) -> httpx.Request:
        """Return the request of one attempt, still without a token.

        Raises ConfigurationError for arguments that cannot be written as one.
        """
        try:
            return self._build(arguments(), options)
        except (httpx.InvalidURL, AttributeError, OSError, TypeError, ValueError, RecursionError) as error:
            # The exception itself holds the caller's data.
            known = type(error) in (AttributeError, TypeError, ValueError) or isinstance(error, OSError)
            problem = str(error) if known else type(error).__name__
        raise ConfigurationError(f"{operation.id}: cannot be written as a request ({mask(problem)})")

    def _build(self, arguments: Mapping[str, Any], options: CallOptions) -> httpx.Request:
        rest = with_upload(arguments)
        method, path = rest.pop("method"), rest.pop("url")
        params, content = rest.pop("params", None), rest.pop("json", None)
        if _DOTS.match(path):
            raise ValueError("its path has a part of dots, which would lead elsewhere")
        url = httpx.URL(self._origin + path)
        if params:
            url = url.copy_merge_params(params)
        own = dict(rest.pop("headers", None) or {})
        # A generated operation writes its types under `Accept`, with a capital letter. The names of the user's headers
        # are in lower case, so that an `accept` among them stays and counts.
        headers = {
            "accept": own.pop("Accept", "application/json"),
            "accept-encoding": "gzip",
            "user-agent": self._user_agent,
            **options.headers,
            **{name.lower(): value for name, value in own.items()},
        }
        headers.pop("authorization", None)
        if content is not None:
            rest["content"] = encode_json(content)
            headers.setdefault("content-type", "application/json")
        upload = rest.get("content")
        if not isinstance(upload, UploadStream):
            return httpx.Request(method.upper(), url, headers=headers, **rest)
        # httpx sets none of these itself for a stream of another's.
        headers.update({"host": url.netloc.decode(), **upload.headers})
        return httpx.Request(method.upper(), url, headers=headers, stream=upload)


class OneBody:
    """The arguments of a call, made once: all its attempts send the same body."""

    def __init__(self, arguments: RequestArguments) -> None:
        self._arguments = arguments
        self._made: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        """Return the arguments. Raises what making them raises."""
        if self._made is None:
            self._made = with_upload(self._arguments())
        return self._made


def authorize(request: httpx.Request, token: Secret) -> None:
    """Give a request its access token."""
    request.headers["Authorization"] = f"Bearer {token.reveal()}"


def encode_json(content: Any) -> bytes:
    """Return the JSON of a request's body. Times are ISO 8601; amounts are decimal texts, since a float changes them.

    Raises TypeError or ValueError for a value that has no JSON.
    """
    return json.dumps(content, default=_to_text, ensure_ascii=False, allow_nan=False).encode()


def _to_text(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, Decimal):
        return amount_text(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
