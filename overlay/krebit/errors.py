"""The errors that this library raises.

KrebitError
├── ConfigurationError        a setting is missing or malformed, or the server refused the application itself
├── LoginRequired             there is no login, or its refresh token is dead: somebody must sign in
├── LoginFailed               a sign-in was refused: wrong state, access denied, dead code
├── ClientClosed              used after close()
├── StoreError                the token store cannot be read or written
│   ├── StoreUnsafe           others could read or replace the tokens; the message says what to run
│   └── StoreBusy             another process held the store's lock for too long
├── TransportError
│   ├── ConnectionFailed      no connection, or it broke before the answer was whole
│   ├── DeadlineExceeded      no answer within the call's deadline
│   └── UploadFailed          the body could not be read to its end, or cannot be sent a second time
├── ApiError                  the server answered with an error status
│   ├── BadRequest            400
│   ├── Unauthorized          401, also after a refresh
│   ├── Forbidden             403
│   ├── NotFound              404
│   ├── ValidationFailed      422, or 400 with field errors
│   ├── RateLimited           429
│   └── ServerError           500 and above
├── UnexpectedResponse        a success that is not what the document says, or a redirect
├── PageError
│   ├── PageBeyondEnd         a walk was started behind the last page
│   └── ListDrift             a list changed while it was walked, and on_drift="raise"
└── WebhookError              a delivery that is not authentic, or whose payload is not what it should be

No message, attribute or pickle of these holds a token, a client secret or a code of ours, wherever the server repeats
it, nor personal data that its form shows. A server's own body is in `body` alone, which no text shows and no pickle
holds.
"""

import itertools
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from krebit.redaction import mask, mask_header, mask_path, secrets_in

__all__ = [
    "ApiError",
    "BadRequest",
    "ClientClosed",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Forbidden",
    "KrebitError",
    "ListDrift",
    "LoginFailed",
    "LoginRequired",
    "NotFound",
    "PageBeyondEnd",
    "PageError",
    "RateLimited",
    "ServerError",
    "StoreBusy",
    "StoreError",
    "StoreUnsafe",
    "TransportError",
    "Unauthorized",
    "UnexpectedResponse",
    "UploadFailed",
    "ValidationFailed",
    "WebhookError",
]


# 419 is Laravel's own; other unregistered numbers (499, 520) have no phrase.
_PHRASES = {**{known.value: known.phrase for known in HTTPStatus}, 419: "Page Expired"}
# How much of an answer's field errors is kept. The rest is in the body.
_FIELDS = 100
_REASONS = 10
_READ = 8192
# Characters of a header's name.
_NAME = 200


class KrebitError(Exception):
    """Base of all errors of this library."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments break the default pickling of exceptions, and process pools pickle them.
        # A body may hold personal data, or a secret that was just granted: it stays in this process.
        state = {name: b"" if name == "body" else value for name, value in self.__dict__.items()}
        return Exception.__new__, (type(self), *self.args), state


class ConfigurationError(KrebitError):
    """A setting is missing or malformed. `problems` holds a line for each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class LoginRequired(KrebitError):
    """There is no usable login. Sign in with `api.login()`, or with `api.start_login()` and `api.finish_login()`."""


class LoginFailed(KrebitError):
    """A sign-in did not succeed. `error` is the server's code (RFC 6749, 4.1.2.1), or None if it was refused here."""

    def __init__(self, message: str, *, error: str | None = None) -> None:
        super().__init__(message)
        self.error = None if error is None else mask(error, 80)


class ClientClosed(KrebitError):
    """The client was used after it was closed."""


class StoreError(KrebitError):
    """The token store failed. The stored login is as it was."""


class StoreUnsafe(StoreError):
    """The store's files could be read or replaced by somebody else; the message names the file and the repair."""


class StoreBusy(StoreError):
    """The store's lock was not free within the waiting time; nothing was refreshed without it."""


class TransportError(KrebitError):
    """The request got no whole answer. `sent` is False when it provably never reached the server."""

    def __init__(self, message: str, *, sent: bool = True, operation: str | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.operation = operation


class ConnectionFailed(TransportError):
    """No connection could be made, or it broke before the answer was whole."""


class DeadlineExceeded(TransportError):
    """The call did not end within its timeout (seconds, for all attempts together)."""


class UploadFailed(TransportError):
    """A body was not sent whole, or has to be sent again and can be read only once.

    `__cause__` is the exception of the stream, or the error for which the body would have been sent again.
    """


class ApiError(KrebitError):
    """The server answered with an error status.

    `status` as a number · `message` from the server · `errors` by field, a hundred at most · `request_id` ·
    `retry_after` in seconds, None if the server did not say · `method`, `path` (the template), `operation` · `headers`
    (lower-case names) · `body`, the raw bytes, which are never part of the text of the error.

    Secrets and personal data are masked in all of them but the body.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        errors: Mapping[str, list[str]] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        method: str = "",
        path: str = "",
        operation: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        given = _kept_reasons(errors or {})
        received = dict(headers or {})
        # Looked up once: an answer has many texts, and a process may hold many secrets.
        own = secrets_in("\n".join(_all_texts(message[:_READ], request_id, path, given, received)))
        self.status = status
        self.message = mask(message, own=own)
        self.errors: dict[str, list[str]] = {}
        for field, reasons in given.items():
            texts = [mask(reason, own=own) for reason in reasons]
            self.errors.setdefault(mask(field, 80, own=own), []).extend(texts)
        self.request_id = None if request_id is None else mask_header("request-id", request_id, own=own)
        self.retry_after = retry_after
        self.method = method
        self.path = mask_path(path, own=own)
        self.operation = operation
        self.headers = {
            mask(name, _NAME, own=own, keep_runs=True): mask_header(name, value, own=own)
            for name, value in received.items()
        }
        self.body = body
        super().__init__(self._text())

    def _text(self) -> str:
        fields = [f"{field}: {' '.join(reasons)[:200]}" for field, reasons in list(self.errors.items())[:10]]
        # A message that is a field error once more, as Laravel's is, is not repeated.
        said = "" if any(field.endswith(f": {self.message}") for field in fields) else self.message
        title = ": ".join(filter(None, [f"{self.status} {_PHRASES.get(self.status, '')}".rstrip(), said]))
        wait = [f"try again in {self.retry_after:g} s"] if self.retry_after is not None else []
        call = f"{self.method} {self.path}".strip()
        where = ", ".join(filter(None, (call, self.request_id and f"request {self.request_id}")))
        return "; ".join([title, *fields, *wait]) + (f" ({where})" if where else "")


def _kept_reasons(errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the part of the field errors that is kept and masked."""
    return {
        field[:_READ]: [reason[:_READ] for reason in reasons[:_REASONS]]
        for field, reasons in itertools.islice(errors.items(), _FIELDS)
    }


def _all_texts(
    message: str, request_id: str | None, path: str, errors: Mapping[str, list[str]], headers: Mapping[str, str]
) -> Iterator[str]:
    yield from (message, request_id or "", path)
    for field, reasons in errors.items():
        yield field
        yield from reasons
    for name, value in headers.items():
        yield name
        yield value


class BadRequest(ApiError):
    """400."""


class Unauthorized(ApiError):
    """401, also with a fresh access token."""


class Forbidden(ApiError):
    """403: this identity may not do that."""


class NotFound(ApiError):
    """404."""


class ValidationFailed(ApiError):
    """422, or 400 with field errors: `errors` says which fields and why."""


class RateLimited(ApiError):
    """429: `retry_after` says in how many seconds to try again, if the server told."""


class ServerError(ApiError):
    """500 and above."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    422: ValidationFailed,
    429: RateLimited,
}


def api_error_class(status: int, *, has_field_errors: bool = False) -> type[ApiError]:
    """Return the error type for a status, registered or not."""
    if status == 400 and has_field_errors:
        return ValidationFailed
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)


class UnexpectedResponse(KrebitError):
    """A success that differs from the document: `operation`, `field` (a path such as `data[3].id`), `expected`, `got`.

    `status` and `body` (raw bytes) are there to inspect; the text of the error never shows the body.
    """

    def __init__(
        self,
        *,
        operation: str,
        expected: str,
        got: str,
        field: str | None = None,
        status: int | None = None,
        body: bytes = b"",
    ) -> None:
        self.operation = operation
        # The keys of an answer may be anybody's data.
        own = secrets_in(f"{(field or '')[:_READ]}\n{got[:_READ]}")
        self.field = None if field is None else mask(field, own=own)
        self.expected = expected
        self.got = mask(got, own=own)
        self.status = status
        self.body = body
        where = f"{self.field}: " if self.field else ""
        super().__init__(f"{operation}: {where}expected {expected}, got {self.got}")


class PageError(KrebitError):
    """Something about a paginated list."""


class PageBeyondEnd(PageError):
    """The walk was started at a page behind the last one. `page` asked for, `last_page` if the server told."""

    def __init__(self, page: int, last_page: int | None) -> None:
        self.page = page
        self.last_page = last_page
        super().__init__(
            f"page {page} is beyond the end of the list"
            + (f"; the last page is {last_page}" if last_page is not None else "")
        )


class ListDrift(PageError):
    """The list changed while it was walked."""


class WebhookError(KrebitError):
    """A delivery was refused. `reason` is "signature", "payload" or "too_large"."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
