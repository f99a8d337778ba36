"""The receiver as a WSGI application, to be mounted in Flask, Django or any other; it needs none of them."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from wsgiref.types import StartResponse, WSGIEnvironment

from krebit.webhooks.events import WebhookEvent
from krebit.webhooks.receiver import Receiver, content_length


class WsgiReceiver:
    """`receiver` as a WSGI application, for the path where it is mounted.

    The handler runs in the `close()` of the answer, which a server calls once that is out (PEP 3333): in no thread that
    could die with a worker or never be scheduled, and never more handlers at once than the server has workers. What a
    crash left undone is handled after the first delivery, or by the receiver's `recover()`. What a coroutine
    function would handle stays pending, and the log says so: it needs AsgiReceiver.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> "_Response":
        announced = content_length(environ.get("CONTENT_LENGTH"))
        answer, event = self._receiver.receive(
            self._read(environ, announced),
            # A server joins a header that comes twice with a comma, which no signature has.
            {"x-signature": environ.get("HTTP_X_SIGNATURE", "")},
            announced,
        )
        start_response(answer.line, answer.headers)
        response = _Response([answer.body])
        response.close = partial(self._after, [event] if event is not None else [])
        return response

    def _read(self, environ: WSGIEnvironment, announced: int) -> bytearray:
        """As much as is announced, or to the end where the server says that the input has one."""
        body, room = bytearray(), self._receiver.max_body + 1  # with that it is too much: the rest is not waited for
        size = room if environ.get("wsgi.input_terminated") else announced
        with suppress(Exception):  # the sender hung up, and each server has its own for that
            while announced < room and (chunk := environ["wsgi.input"].read(min(size - len(body), 65_536))):
                body += chunk
        return body

    def _after(self, events: list[WebhookEvent]) -> None:
        while events:  # none, should `close()` be called twice
            self._receiver.handle(events.pop())
        if self._receiver.overdue:
            self._receiver.recover()


class _Response(list[bytes]):
    """The body of an answer, and what is to be done once it is out."""

    close: Callable[[], object]
