"""Receive the callback of a sign-in on this machine (RFC 8252, 7.3)."""

import errno
import html
import http.server
import ipaddress
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from krebit.errors import KrebitError, LoginFailed
from krebit.oauth.sign_in import LoginAttempt, equal
from krebit.redaction import mask

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 16vh auto; padding: 0 1.5rem }}
h1 {{ font-size: 1.5rem; border-left: .35rem solid {colour}; padding-left: 1rem }}
</style></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>"""
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_ONLY_AT_THE_END = "This page is only for the end of a sign-in. Begin the sign-in in your program."


class Address(NamedTuple):
    """A place on this machine where a browser comes back to."""

    host: str
    port: int
    path: str


class _Answer(NamedTuple):
    """The answer to one request. `is_last` says that the sign-in has ended with it."""

    status: int
    page: str
    is_last: bool = False


def loopback_address(redirect_uri: str) -> Address | None:
    """Return where the browser comes back to on this machine, or None if the redirect URI is elsewhere."""
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname or "", parts.port or 80
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None
    if not is_loopback or parts.scheme != "http":
        return None
    return Address(host, port, parts.path or "/")


class CallbackServer:
    """Listens for the callback of one attempt, and hands it to `finish`.

    The first request that carries the attempt's state is the callback. Others get an error page, so that a web page
    which knows the port cannot end a sign-in. Raises LoginFailed when the port is taken.
    """

    def __init__(
        self, address: Address, attempt: LoginAttempt, finish: Callable[[str], object], stop: threading.Event
    ) -> None:
        self._path = address.path
        self._attempt = attempt
        self._finish = finish
        self._stop = stop
        self._taken = threading.Lock()
        self._answered = threading.Event()
        self._error: BaseException | None = None
        self._servers = _listen(address)
        for server in self._servers:
            server.callbacks = self

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), name="krebit-callback", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def wait(self, timeout: float) -> None:
        """Wait until the sign-in has ended. Raises LoginFailed after `timeout` seconds, and the error of `finish`."""
        self._stop.wait(min(timeout, threading.TIMEOUT_MAX))
        if not self._taken.locked():
            raise LoginFailed(
                f"nobody signed in within {timeout:g} s; begin again, or set a longer timeout. If the browser shows an "
                "error, compare the application's id and redirect URI with /developer/my-apps (krebit doctor shows "
                "where they are set)"
            )
        self._answered.wait()  # the code is being exchanged: that has a deadline of its own
        if self._error is not None:
            raise self._error

    def receive(self, target: str) -> _Answer:
        """Return the answer to a request for `target`, a path with its query."""
        path, _, query = target.partition("?")
        if path != self._path:
            return _Answer(404, _error_page("Nothing here", _ONLY_AT_THE_END))
        states = parse_qs(query).get("state", [])
        if not any(equal(state, self._attempt.state) for state in states):
            text = "This is not the answer to the sign-in that was begun here. Start the sign-in once more."
            return _Answer(400, _error_page("Not signed in", text))
        if not self._taken.acquire(blocking=False):
            text = "This sign-in has its answer. Go back to your program."
            return _Answer(400, _error_page("Already answered", text))
        return self._finish_with(query)

    def _finish_with(self, query: str) -> _Answer:
        try:
            self._finish(f"{self._attempt.redirect_uri.partition('?')[0]}?{query}")
        except BaseException as error:  # noqa: BLE001 - raised again where the sign-in was asked for
            self._error = error
            text = "The program failed. Its output shows the error."
            if isinstance(error, KrebitError):
                text = mask(str(error))
            return _Answer(400, _error_page("Not signed in", text), is_last=True)
        text = "You can close this window and go back to your program."
        return _Answer(200, _page("You are signed in", text, "#1a7f37"), is_last=True)

    def answered(self) -> None:
        """Note that the last page was sent, or that the browser is gone."""
        self._answered.set()
        self._stop.set()


def _error_page(title: str, text: str) -> str:
    return _page(title, text, "#c62828")


def _page(title: str, text: str, colour: str) -> str:
    return _PAGE.format(title=html.escape(title), text=html.escape(text), colour=colour)


class _Server(socketserver.ThreadingTCPServer):
    # A thread each: a browser opens connections ahead and sends nothing on them.
    daemon_threads = True
    block_on_close = False
    # A page or a program that opens many connections must not crowd out the way back, as it would of a queue of 5.
    request_queue_size = 128
    allow_reuse_address = sys.platform != "win32"
    callbacks: CallbackServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a connection that broke. A traceback would hold the code."""


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout: ClassVar[float] = 10.0  # pyright: ignore[reportIncompatibleVariableOverride]
    server_version = "krebit"
    sys_version = ""

    # http.server answers a malformed request as HTTP/0.9 otherwise: without any header.
    default_request_version = "HTTP/1.0"

    def do_GET(self) -> None:
        callbacks = self.server.callbacks
        answer = callbacks.receive(self.path)
        try:
            self._send(answer)
        finally:
            if answer.is_last:
                callbacks.answered()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer another method or a malformed request. http.server's own page repeats the request, with the code."""
        self._send(_Answer(code, _error_page("Not understood", _ONLY_AT_THE_END)))

    def _send(self, answer: _Answer) -> None:
        body = answer.page.encode()
        headers = {**_PAGE_HEADERS, "Content-Length": str(len(body)), "Connection": "close"}
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Log nothing: the address holds the code."""


def _listen(address: Address) -> list[_Server]:
    if address.host != "localhost":
        return [_listen_at(address.host, address.port)]
    first = _listen_at("127.0.0.1", address.port)
    # A browser may take either address for `localhost`, and bring the code to whoever listens there.
    try:
        return [first, _ServerV6(("::1", address.port), _Handler)]
    except OSError as error:
        if error.errno != errno.EADDRINUSE:  # the machine does not have that address
            return [first]
        problem = error
    first.server_close()
    raise _cannot_listen("::1", address.port, problem)


def _listen_at(host: str, port: int) -> _Server:
    server = _ServerV6 if ":" in host else _Server
    try:
        return server((host, port), _Handler)
    except OSError as error:
        problem = error
    raise _cannot_listen(host, port, problem)


def _cannot_listen(host: str, port: int, error: OSError) -> LoginFailed:
    reason = error.strerror or type(error).__name__
    return LoginFailed(f"cannot listen at {host}, port {port} ({reason}); use paste=True (krebit login --paste)")
