"""A receiver without I/O: which answer a delivery gets, and when its event is whose to handle.

An adapter reads the body, asks `receive`, sends the answer, and only then lets the handler run.
"""

import inspect
import json
import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus

from krebit.errors import WebhookError
from krebit.webhooks.events import WebhookEvent, parse
from krebit.webhooks.inbox import Inbox
from krebit.webhooks.signature import Headers, SecretsLike, signer, signers

_log = logging.getLogger("krebit.webhooks")
_STATUS = {"signature": 401, "payload": 400, "too_large": 413}
_NOT_STORED = 503, "not stored, send it again"
_CLAIMED = {"new": "stored", "same": "known", "conflict": "kept"}


class Answer:
    """What the sender is told: `status`, `line` (such as `200 OK`), `headers` and `body`."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.line = f"{status} {HTTPStatus(status).phrase}"
        self.body = f"{text}\n".encode()
        self.headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(self.body)))]


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
        self.max_body = max_body
        self._inbox = inbox
        self._signers = signers(secrets)
        self.overdue = True  # whether somebody should recover: what a crash left undone, the first time

    def receive(
        self, body: bytes | bytearray, headers: Headers, announced: int = 0
    ) -> tuple[Answer, WebhookEvent | None]:
        """What to tell the sender, and the event if it is now the caller's to handle.

        An adapter need not read, or go on reading, where more than `max_body` is `announced` or has come.
        """
        try:
            return self._claim(self._check(body, headers, announced))
        except Exception as error:  # noqa: BLE001 - each inbox has its own, and the sender tries again
            _log.error("a delivery is not stored: %s", _place(error))
            return Answer(*_NOT_STORED), None

    def receive_all(
        self, deliveries: Sequence[tuple[bytes | bytearray, Headers, int]]
    ) -> list[tuple[Answer, WebhookEvent | None]]:
        """`receive` for each. What they store is one transaction where the inbox has `together`."""
        together = getattr(self._inbox, "together", None)
        checked: list[WebhookEvent | Answer] = []
        if together is not None and len(deliveries) > 1:
            begun = False
            try:
                checked = [self._check(*delivery) for delivery in deliveries]  # before others wait for the inbox
                with together():
                    begun = True
                    return [self._claim(each) for each in checked]
            except Exception as error:  # noqa: BLE001 - nothing is stored then
                _log.warning("%d deliveries are not stored at once: %s", len(deliveries), _place(error))
            if checked and not begun:  # the inbox is down or busy: each would wait for it as long again
                return [(each if isinstance(each, Answer) else Answer(*_NOT_STORED), None) for each in checked]
        return [self.receive(*delivery) for delivery in deliveries]  # no fault of one is another's

    def _check(self, body: bytes | bytearray, headers: Headers, announced: int) -> WebhookEvent | Answer:
        try:
            if max(announced, len(body)) > self.max_body:
                raise WebhookError(f"the body is larger than {self.max_body} bytes", reason="too_large")
            return parse(body, signer(body, headers, self._signers))
        except WebhookError as error:
            # As text: a record that is kept would keep the exception's frames, and these the body.
            _log.info("refused a delivery: %s", str(error))
            return Answer(_STATUS[error.reason], str(error))

    def _claim(self, checked: WebhookEvent | Answer) -> tuple[Answer, WebhookEvent | None]:
        """Raises what the inbox raises."""
        if isinstance(checked, Answer):
            return checked, None
        claim = self._inbox.claim(checked.key, checked.digest, checked.body)
        if claim == "conflict":
            _log.warning("delivery %s came again with another body: kept, not handled", checked.key)
        if claim == "same":
            self.overdue = True  # it may have been sent again because nobody finished it
        return Answer(200, _CLAIMED[claim]), checked if claim == "new" else None

    def pending(self) -> Iterator[WebhookEvent]:
        """The events that were stored and not handled, with nobody at them; each is the caller's to handle."""
        self.overdue = False
        try:
            for key, body in self._inbox.pending():
                yield parse(body, json.loads(key)[0])
        except Exception as error:  # noqa: BLE001
            self.overdue = True
            _log.error("the inbox is down: %s", _place(error))

    def handle(self, event: WebhookEvent) -> None:
        """Run the handler, and note how it went."""
        try:
            if inspect.isawaitable(self.handler(event)):
                raise TypeError("the handler returned an awaitable, and is no coroutine function")
        except BaseException as error:  # noqa: BLE001 - raised again where it ends the program
            self.settle(event, error)
        else:
            self.settle(event)

    def settle(self, event: WebhookEvent, failure: BaseException | None = None) -> None:
        """Note that the event was handled, or what the handler failed with. Raises what ends a task or the program."""
        try:
            if failure is None:
                self._inbox.done(event.key)
            else:
                _log.error("the handler failed on delivery %s, which stays pending: %s", event.key, _place(failure))
                self._inbox.failed(event.key)
        except Exception as broken:  # noqa: BLE001
            _log.error("the inbox is down, delivery %s may be handled again: %s", event.key, _place(broken))
        if failure is not None and not isinstance(failure, Exception):
            raise failure

    def recover(self) -> None:
        """Handle all that is pending, after a crash or a failure of the handler."""
        for event in self.pending():
            self.handle(event)


def content_length(header: str | bytes | None) -> int:
    """The bytes that the header announces. 0 where it is no number: what counts then is what comes."""
    try:
        return max(0, int(header or 0))
    except ValueError:
        return 0


def _place(error: BaseException) -> str:
    """Type and place of an exception. Its own text is left out: it may quote the payload."""
    return "\n".join([type(error).__name__, *traceback.format_tb(error.__traceback__)])
