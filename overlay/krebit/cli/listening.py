"""Receive deliveries on loopback: the receiver of `krebit.webhooks` behind a server of the standard library."""

import io
import socketserver
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from krebit.cli.output import Output
from krebit.cli.session import Session
from krebit.cli.values import clean, json_text
from krebit.redaction import mask
from krebit.webhooks import MemoryInbox, Receiver, WebhookEvent, WsgiReceiver, sign
from krebit.webhooks.receiver import content_length

_HOST = "127.0.0.1"
_FORWARD_TIMEOUT = 10.0
_FORWARD_REPAIR = "start your program, or correct --forward"
# Headers that are kept until their delivery is posted on.
_MOST_IDS = 1000


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a connection that broke. The sender tries again."""


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Log nothing: each answer is noted by the application."""


class _Listener:
    """Shows deliveries, and posts them to another address.

    It calls `end` when nothing can be shown any more: `output_error` then says why.
    """

    def __init__(self, session: Session, output: Output, secrets: Sequence[str], forward: str | None) -> None:
        self._session = session
        self._output = output
        self._secrets = {f"secret {number}": secret for number, secret in enumerate(secrets, 1)}
        self._forward = forward
        self._client_ids: dict[str, str] = {}
        self.output_error: OSError | None = None
        self.end: Callable[[], object] = lambda: None
        self._receiver = Receiver(self._secrets, self._handle, inbox=MemoryInbox())
        self._application = WsgiReceiver(self._receiver)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Receive one request, and note the answer with its reason where it is no success."""
        digest = self._note_client_id(environ)
        statuses: list[str] = []

        def answer(status: str, headers: list[tuple[str, str]], error: Any = None, /) -> Any:
            statuses.append(status)
            return start_response(status, headers, error)

        body = b"".join(self._application(environ, answer))
        if not statuses[0].startswith("200"):
            # Only deliveries that are verified may take room.
            self._client_ids.pop(digest, None)
            self._session.note(f"refused a request: {statuses[0]} ({body.decode().strip()})")
        return [body]

    def _note_client_id(self, environ: dict[str, Any]) -> str:
        """Keep the header that a verified event does not have, for the delivery that is posted on. Return its key."""
        size = content_length(environ.get("CONTENT_LENGTH"))
        client_id = environ.get("HTTP_X_CLIENT_ID")
        if client_id is None or size > self._receiver.max_body or len(self._client_ids) > _MOST_IDS:
            return ""
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body)
        digest = sha256(body).hexdigest()
        self._client_ids[digest] = client_id
        return digest

    def _handle(self, event: WebhookEvent) -> None:
        about = f"{event.event or 'an event'} {event.id if event.id is not None else ''}".rstrip()
        try:
            self._output.line(event.payload, f"{clean(about)}  {json_text(event.payload)}")
        except OSError as error:
            self.output_error = error
            self.end()
            return
        if self._forward is not None:
            self._session.note(self._post(event, self._forward))

    def _post(self, event: WebhookEvent, url: str) -> str:
        """Post the delivery as it came. Return the line that says how that went, without a password in the URL."""
        import httpx

        headers = {
            b"Content-Type": b"application/json",
            b"X-Signature": sign(event.body, self._secrets[event.subscription]).encode(),
        }
        shown = mask(url)
        client_id = self._client_ids.pop(event.digest, None)
        if client_id is not None:
            headers[b"X-Client-Id"] = client_id.encode("latin-1")  # as WSGI has decoded it
        try:
            # A proxy is another machine: what stays on this one does not pass it.
            uses_proxy = not _is_this_machine(httpx.URL(url).host)
            answer = httpx.post(
                url, content=event.body, headers=headers, timeout=_FORWARD_TIMEOUT, trust_env=uses_proxy
            )
        except httpx.HTTPError as error:
            return f"not forwarded to {shown} ({type(error).__name__}); {_FORWARD_REPAIR}"
        except httpx.InvalidURL as error:
            return f"not forwarded to {shown} ({error}); {_FORWARD_REPAIR}"
        return f"forwarded to {shown}: {answer.status_code} {clean(answer.reason_phrase)}"


def _is_this_machine(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def serve(session: Session, output: Output, secrets: Sequence[str], port: int, forward: str | None) -> None:
    """Receive deliveries until Ctrl-C. Raises ClickException where the port is taken, OSError of a closed output."""
    listener = _Listener(session, output, secrets, forward)
    try:
        server = make_server(_HOST, port, listener, _Server, _Handler)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise click.ClickException(f"cannot listen at {_HOST}:{port} ({reason}); choose another --port") from None
    listener.end = server.shutdown
    with server:
        session.note(f"listening at http://{_HOST}:{server.server_port}/ (any path); stop with Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            session.note("stopped")
    if listener.output_error is not None:
        raise listener.output_error
