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
├── DownloadFailed            the file that an answer is saved to cannot be written; nothing of it was kept
├── UnexpectedResponse        a success that is not what the document says, or a redirect
├── PageError
│   ├── PageBeyondEnd         a walk was started behind the last page
│   └── ListDrift             a list changed while it was walked, and on_drift="raise"
└── WebhookError              a delivery that is not authentic, or whose payload is not what it should be

No message, attribute or pickle of these holds a secret of this process, even where the server repeats one, or personal
data that its form shows. The one exception is `body`, the server's answer: no text and no pickle has it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from krebit.masked_answer import mask_answer
from krebit.redaction import mask

__all__ = [
    "ApiError",
    "BadRequest",
    "ClientClosed",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "DownloadFailed",
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


class KrebitError(Exception):
    """The base of all errors of this library."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments break the default pickling of exceptions, and process pools pickle them.
        # A body may hold personal data, or a secret that was just granted: it stays in this process.
        state = {name: b"" if name == "body" else value for name, value in self.__dict__.items()}
        return Exception.__new__, (type(self), *self.args), state


class ConfigurationError(KrebitError):
    """A setting is missing or malformed. `problems` holds a line for each. `advice` ends the message."""

    def __init__(self, *problems: str, advice: str | None = None) -> None:
        super().__init__("; ".join([*problems, advice] if advice else problems))
        self.problems = problems


class LoginRequired(KrebitError):
    """There is no usable login. Sign in with `api.login()`, or with `api.start_login()` and `api.finish_login()`.

    `reason` says why. `advice` ends the message.
    """

    def __init__(self, reason: str, *, advice: str | None = None) -> None:
        super().__init__(f"{reason}; {advice}" if advice else reason)
        self.reason = reason


class LoginFailed(KrebitError):
    """A sign-in did not succeed. `error` is the server's code (RFC 6749, 4.1.2.1), or None if the client refused it."""

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
    """The request got no whole answer. `sent` is False when it certainly never reached the server."""

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
    (lower-case names), a hundred at most · `body`, the raw bytes, which are never part of the text of the error. A body
    above a megabyte gives no message and no `errors`.

    Secrets and personal data are masked in all of them but the body.
    """

    # The end of the message: what to do.
    _advice = ""

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
        masked = mask_answer(message, errors or {}, request_id, path, headers or {})
        self.status = status
        self.message = masked.message
        self.errors = masked.errors
        self.request_id = masked.request_id
        self.retry_after = retry_after
        self.method = method
        self.path = masked.path
        self.operation = operation
        self.headers = masked.headers
        self.body = body
        super().__init__(self._text())

    def _text(self) -> str:
        fields = [f"{field}: {' '.join(reasons)[:200]}" for field, reasons in list(self.errors.items())[:10]]
        parts = [self._title(fields), *fields]
        if self.retry_after is not None:
            parts.append(f"try again in {self.retry_after:g} s")
        call = f"{self.method} {self.path}".strip()
        request = f"request {self.request_id}" if self.request_id else ""
        where = ", ".join(filter(None, [call, request]))
        text = "; ".join(parts)
        if where:
            text = f"{text} ({where})"
        return f"{text}; {self._advice}" if self._advice else text

    def _title(self, fields: list[str]) -> str:
        """Return the status and the server's message. Laravel's message repeats a field error: then it is left out."""
        status = f"{self.status} {_PHRASES.get(self.status, '')}".rstrip()
        is_repeated = any(field.endswith(f": {self.message}") for field in fields)
        return status if is_repeated or not self.message else f"{status}: {self.message.removesuffix('.')}"


class BadRequest(ApiError):
    """400."""


class Unauthorized(ApiError):
    """401, also with a fresh access token."""

    _advice = "sign in again"


class Forbidden(ApiError):
    """403: this identity may not do that."""

    _advice = "sign in as somebody who may do this"


class NotFound(ApiError):
    """404."""


class ValidationFailed(ApiError):
    """422, or 400 with field errors: `errors` says which fields and why."""


class RateLimited(ApiError):
    """429: `retry_after` holds the seconds to wait, or None if the server did not say."""


class ServerError(ApiError):
    """500 and above."""

    _advice = "if this stays, tell the vendor"


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


class DownloadFailed(KrebitError):
    """The file of a download cannot be written. No part of it was kept; `__cause__` is the OSError behind it."""


class UnexpectedResponse(KrebitError):
    """A success that differs from the document: `operation`, `field` (a path such as `data[3].id`), `expected`, `got`.

    `problem` is the message without the advice at its end. `status` and `body` (raw bytes) are there to inspect; the
    text of the error never shows the body.
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
        self.field = None if field is None else mask(field)
        self.expected = expected
        self.got = mask(got)
        self.status = status
        self.body = body
        where = f"{self.field}: " if self.field else ""
        self.problem = f"{operation}: {where}expected {expected}, got {self.got}"
        super().__init__(f"{self.problem}; run `krebit doctor`")


class PageError(KrebitError):
    """A paginated list could not be walked as asked."""


class PageBeyondEnd(PageError):
    """The walk began at `page`, beyond the last page. `last_page` is None if the server did not say."""

    def __init__(self, page: int, last_page: int | None) -> None:
        self.page = page
        self.last_page = last_page
        end = "" if last_page is None else f"; the last page is {last_page}"
        super().__init__(f"page {page} is beyond the end of the list{end}")


class ListDrift(PageError):
    """The list changed while it was walked."""


class WebhookError(KrebitError):
    """A delivery was refused. `reason` is "signature", "payload" or "too_large"."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
