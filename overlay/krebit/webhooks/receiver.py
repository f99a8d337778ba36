"""A receiver without I/O: which answer a delivery gets, and when its event is whose to handle.

An adapter collects a `Body`, asks `verify`, then `claim`, sends the answer, and only then lets the handler run.
"""

import inspect
import json
import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus

from krebit.errors import WebhookError
from krebit.webhooks.events import WebhookEvent, parse
from krebit.webhooks.inbox import Inbox
from krebit.webhooks.signature import Headers, Secrets, SecretsLike

_log = logging.getLogger("krebit.webhooks")
_STATUS = {"signature": 401, "payload": 400, "too_large": 413}


class Answer:
    """What the sender is told: `status`, `line` (such as `200 OK`), `headers` and `body`."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.line = f"{status} {HTTPStatus(status).phrase}"
        self.body = f"{text}\n".encode()
        self.headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(self.body)))]
        if status == 401:  # which must tell how to do better (RFC 9110, 15.5.2)
            self.headers.append(("www-authenticate", 'HMAC-SHA256 header="X-Signature"'))


_CLAIMED = {claim: Answer(200, text) for claim, text in (("new", "stored"), ("same", "known"), ("conflict", "kept"))}


class Body:
    """Collects a body in `content`, nothing beyond the limit. Raises WebhookError with the reason "too_large"."""

    def __init__(self, limit: int, declared: str | None) -> None:
        self.content = bytearray()
        self._limit = limit
        self.room = limit + 1  # a byte more than that is too much, and the next need not be waited for
        # Anything but digits is the server's to refuse: what counts is what comes. 20 of them are too large anyway.
        self.declared = int(declared.lstrip("0")[:20] or 0) if declared and declared.isdecimal() else None
        self._reserve(self.declared or 0)

    def feed(self, chunk: bytes) -> None:
        self._reserve(len(self.content) + len(chunk))
        self.content += chunk

    def _reserve(self, size: int) -> None:
        if size > self._limit:
            self.content.clear()
            raise WebhookError(f"the body is larger than {self._limit} bytes", reason="too_large")


class Receiver:
    """Verifies deliveries, claims each in the inbox, and has the handler run once for each.

    `secrets`: one subscription's secret, several while rotating, or a mapping from your name of a subscription to its
    secrets. `handler(event)` may be a coroutine function under ASGI. `max_body` in bytes; nothing is decompressed. When
    the handler raises, type and place are logged (`krebit.webhooks`), not the text, and the delivery stays pending:
    `recover()` runs it again, and so does the same delivery sent again. Raises ConfigurationError for a blank secret.
    """

    def __init__(
        self,
        secrets: SecretsLike,
        handler: Callable[[WebhookEvent], object],
        *,
        inbox: Inbox,
        max_body: int = 1024 * 1024,
    ) -> None:
        self.handler = handler
        self.is_async = any(map(inspect.iscoroutinefunction, (handler, type(handler).__call__)))
        self._inbox = inbox
        self._secrets = Secrets(secrets)
        self._max_body = max_body

    def body(self, content_length: str | None) -> Body:
        """Where to collect the body. Raises WebhookError at once if more than `max_body` is announced."""
        return Body(self._max_body, content_length)

    def verify(self, body: Body, headers: Headers) -> WebhookEvent:
        """The event, if it is authentic. Raises WebhookError."""
        return parse(body.content, self._secrets.signer(body.content, headers))

    def refuse(self, error: WebhookError) -> Answer:
        """What to tell the sender of a delivery that was refused."""
        _log.info("refused a delivery: %s", error)
        return Answer(_STATUS[error.reason], str(error))

    def claim(self, event: WebhookEvent) -> tuple[Answer, bool]:
        """What to tell the sender, and whether the event is the caller's to handle."""
        return self.write([event])[0]

    def write(self, arrived: Sequence[WebhookEvent], handled: Sequence[WebhookEvent] = ()) -> list[tuple[Answer, bool]]:
        """`claim` for several, in one transaction if the inbox has `together()`; and note which others were handled."""
        together: Callable[[], AbstractContextManager[object]] = getattr(self._inbox, "together", nullcontext)
        try:
            with together() if len(arrived) + len(handled) > 1 else nullcontext():
                for event in handled:
                    self._inbox.done(event.key)
                claims = [self._inbox.claim(event.key, event.digest, event.body) for event in arrived]
        except Exception as error:  # noqa: BLE001 - each inbox has its own, and the sender tries again
            _log.error("the inbox is down: %s", _place(error))
            for event in handled:
                _log.error("delivery %s was handled, which is not noted: it may be handled again", event.key)
            return [(Answer(503, "not stored, send it again"), False)] * len(arrived)
        for event, claim in zip(arrived, claims, strict=True):
            if claim == "conflict":
                _log.warning("delivery %s came again with another body: kept, not handled", event.key)
        return [(_CLAIMED[claim], claim == "new") for claim in claims]

    def handle(self, event: WebhookEvent) -> None:
        """Run the handler, and note how it went."""
        try:
            result = self.handler(event)
            if inspect.isawaitable(result):
                getattr(result, "close", bool)()
                raise TypeError("the handler returned an awaitable, and is no coroutine function")
        except BaseException as error:
            self.failed(event, error)
            if not isinstance(error, Exception):
                raise
        else:
            self.write([], handled=[event])

    def failed(self, event: WebhookEvent, error: BaseException) -> None:
        """Note that the handler failed on the event."""
        _log.error("the handler failed on delivery %s, which stays pending: %s", event.key, _place(error))
        try:
            self._inbox.failed(event.key)
        except Exception as broken:  # noqa: BLE001
            _log.error("the inbox is down: %s", _place(broken))

    def pending(self) -> Iterator[WebhookEvent]:
        """The events that were stored and not handled, with nobody at them; each is the caller's to handle."""
        try:
            for key, body in self._inbox.pending():
                yield parse(body, json.loads(key)[0])
        except Exception as error:  # noqa: BLE001
            _log.error("the inbox is down: %s", _place(error))

    def recover(self) -> int:
        """Handle all that is pending, after a crash or a failure of the handler. Returns how many there were."""
        return sum(1 for _ in map(self.handle, self.pending()))


def _place(error: BaseException) -> str:
    """Type and place of an exception. Its own text is left out: it may quote the payload."""
    return "\n".join([type(error).__name__, *traceback.format_tb(error.__traceback__)])
