"""The receiver as a WSGI application. It needs no framework."""

from collections.abc import Iterable
from contextlib import suppress
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from krebit.webhooks.receiver import Receiver, content_length

_CHUNK = 65_536


class WsgiReceiver:
    """`receiver` as a WSGI application: served alone, mounted, or in front of another application.

    Alone it answers at every path. With `app` and `path` it answers at that path, with and without a slash at the end,
    and gives every other request to `app`, unchanged.
    """

    def __init__(self, receiver: Receiver, app: WSGIApplication | None = None, *, path: str | None = None) -> None:
        if (app is None) != (path is None):
            raise TypeError("WsgiReceiver: pass both app and path, or neither")
        self._receiver = receiver
        self._app = app
        self._path = (path or "").rstrip("/")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._app is not None and environ.get("PATH_INFO", "") not in (self._path, f"{self._path}/"):
            return self._app(environ, start_response)
        announced = content_length(environ.get("CONTENT_LENGTH"))
        # A server joins a header that comes twice with a comma, which no signature contains.
        headers = {"x-signature": environ.get("HTTP_X_SIGNATURE", "")}
        answer = self._receiver.receive(self._read(environ, announced), headers, announced)
        start_response(answer.line, answer.headers)
        return [answer.body]

    def _read(self, environ: WSGIEnvironment, announced: int) -> bytearray:
        """Return the announced bytes, or all of them where the server says that the input has an end."""
        room = self._receiver.max_body + 1  # with that it is too much, and the rest is not waited for
        size = room if environ.get("wsgi.input_terminated") else announced
        body = bytearray()
        if announced >= room:
            return body
        with suppress(Exception):  # each server has its own for a sender that hung up
            while chunk := environ["wsgi.input"].read(min(size - len(body), _CHUNK)):
                body += chunk
        return body
