"""The receiver as a WSGI application, to be mounted in Flask, Django or any other; it needs none of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from krebit.errors import ConfigurationError, WebhookError
from krebit.webhooks.events import WebhookEvent
from krebit.webhooks.receiver import Answer, Body, Receiver

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_CHUNK = 64 * 1024


class WsgiReceiver:
    """`receiver` as a WSGI application, for the path where it is mounted.

    The handler runs in the `close()` of the answer, which a server calls once that is out (PEP 3333): in no thread that
    could die with a worker or never be scheduled, and never more handlers at once than the server has workers. What a
    crash left undone is handled after the first delivery, or by the receiver's `recover()`. Raises ConfigurationError
    if the handler is a coroutine function.
    """

    def __init__(self, receiver: Receiver) -> None:
        if receiver.is_async:
            raise ConfigurationError("an asynchronous handler needs AsgiReceiver")
        self._receiver = receiver
        self._recovered = False

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "_Response":
        answer, event = self._receive(environ)
        start_response(answer.line, answer.headers)
        return _Response(self, answer, event)

    def _receive(self, environ: "WSGIEnvironment") -> tuple[Answer, WebhookEvent | None]:
        try:
            body = self._receiver.body(environ.get("CONTENT_LENGTH"))
            _read(environ, body)
            # A server joins a header that comes twice with a comma, which no signature has.
            event = self._receiver.verify(body, {"x-signature": environ.get("HTTP_X_SIGNATURE", "")})
        except WebhookError as error:
            return self._receiver.refuse(error), None
        answer, ours = self._receiver.claim(event)
        return answer, event if ours else None

    def after(self, event: WebhookEvent | None) -> None:
        """What is left to do once the answer is out."""
        if event is not None:
            self._receiver.handle(event)
            if not self._recovered:
                self._recovered = True
                self._receiver.recover()


class _Response:
    def __init__(self, application: WsgiReceiver, answer: Answer, event: WebhookEvent | None) -> None:
        self._application, self._answer, self._event = application, answer, event

    def __iter__(self) -> Iterator[bytes]:
        yield self._answer.body

    def close(self) -> None:
        event, self._event = self._event, None
        self._application.after(event)


def _read(environ: "WSGIEnvironment", body: Body) -> None:
    """As much as is declared, or to the end where the server says that the input has one. Raises WebhookError."""
    left = body.declared or (body.room if body.declared is None and environ.get("wsgi.input_terminated") else 0)
    while left > 0:
        try:
            chunk = environ["wsgi.input"].read(min(left, _CHUNK))
        except Exception:  # noqa: BLE001 - the sender hung up, and each server has its own for that
            return
        if not chunk:
            return
        left -= len(chunk)
        body.feed(chunk)
