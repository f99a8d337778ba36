"""Signing in at a terminal: the browser is opened, and its way back is listened for on this machine (RFC 8252, 7.3), or
pasted by the person."""

import html
import http.server
import ipaddress
import socket
import socketserver
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from krebit._deadline import of_a_signal
from krebit._mask import mask
from krebit.errors import ConfigurationError, KrebitError, LoginFailed
from krebit.oauth.login import LoginAttempt, same

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


@dataclass(frozen=True)
class Terminal:
    """How to reach the person: `browser` opens a URL and says whether it could, `ask` shows a prompt and returns the
    line that was typed, `tell` shows a line."""

    browser: Callable[[str], bool] = webbrowser.open
    ask: Callable[[str], str] = input
    tell: Callable[[str], object] = lambda text: print(text, file=sys.stderr)  # noqa: T201 - none where there is none


def listens_at(redirect_uri: str) -> tuple[str, int, str] | None:
    """Host, port and path where the browser comes back to this machine, or None if the redirect URI is elsewhere."""
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname or "", parts.port or 80
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None
    return (host, port, parts.path or "/") if loopback and parts.scheme == "http" else None


def sign_in(
    attempt: LoginAttempt,
    finish: Callable[[str], object],
    *,
    timeout: float,
    paste: bool | None,
    terminal: Terminal | None,
    wake: threading.Event,
) -> None:
    """Send the person to the attempt's URL and hand the callback to `finish`.

    Raises LoginFailed when nobody came back within `timeout` seconds or until `wake` was set, or when the port is
    taken; ConfigurationError where there is nothing to listen at and `paste` is False; and what `finish` raises.
    """
    terminal = terminal or Terminal()
    where = None if paste else listens_at(attempt.redirect_uri)
    if where is None:
        if paste is False:
            raise ConfigurationError("redirect_uri: is not on this machine, where the browser could be listened for")
        return _by_pasting(attempt, finish, terminal)
    with ExitStack() as listening:
        desk = _Desk(attempt, where[2], finish, wake)
        for server in _servers(*where[:2]):
            server.desk = desk
            listening.enter_context(server)
        if not _opened(terminal, attempt.url):
            if paste is None and sys.stdin is not None and sys.stdin.isatty():
                listening.close()
                return _by_pasting(attempt, finish, terminal)
            terminal.tell(f"Open this address in a browser on this machine to sign in:\n{attempt.url}")
        return desk.wait(timeout)


def _opened(terminal: Terminal, url: str) -> bool:
    try:
        return terminal.browser(url)
    except (webbrowser.Error, OSError):
        return False


def _by_pasting(attempt: LoginAttempt, finish: Callable[[str], object], terminal: Terminal) -> None:
    terminal.tell(f"Open this address in a browser and sign in:\n\n{attempt.url}\n")
    terminal.tell("Then copy the whole address that the browser was sent to; a page that cannot be shown is no harm.")
    before = sys.exception()
    try:
        callback = terminal.ask("Paste it here: ")
    except (EOFError, OSError, RuntimeError, ValueError) as error:  # at its end, closed, or not there at all
        raise of_a_signal(error, before) or LoginFailed("nothing was pasted") from None
    finish(callback)


class _Desk:
    """Where callbacks arrive. The first that carries the attempt's state is the one; others get an error page, so that
    a web page which knows the port cannot end a sign-in."""

    def __init__(
        self, attempt: LoginAttempt, path: str, finish: Callable[[str], object], wake: threading.Event
    ) -> None:
        self._attempt = attempt
        self._path = path
        self._finish = finish
        self._wake = wake
        self._taken = threading.Lock()
        self._answered = threading.Event()
        self._error: BaseException | None = None

    def receive(self, target: str) -> tuple[int, str, bool]:
        """Status and page for a request, and whether it was the one."""
        path, _, query = target.partition("?")
        if path != self._path:
            return (
                404,
                _page("Nothing here", "This address is only for the way back from a sign-in.", good=False),
                False,
            )
        if not any(same(state, self._attempt.state) for state in parse_qs(query).get("state", [])):
            text = "This is not the answer to the sign-in that was begun here. Start the sign-in once more."
            return 400, _page("Not signed in", text, good=False), False
        if not self._taken.acquire(blocking=False):
            return 400, _page("Already answered", "This sign-in has had its answer.", good=False), False
        try:
            self._finish(f"{self._attempt.redirect_uri.partition('?')[0]}?{query}")
        except BaseException as error:  # noqa: BLE001 - raised again where the sign-in was asked for
            self._error = error
            text = mask(str(error)) if isinstance(error, KrebitError) else "The program failed; see there."
            return 400, _page("Not signed in", text, good=False), True
        text = "You can close this window and go back to your program."
        return 200, _page("You are signed in", text, good=True), True

    def answered(self) -> None:
        """The page was sent, or nobody is there to see it."""
        self._answered.set()
        self._wake.set()

    def wait(self, timeout: float) -> None:
        """Until the sign-in has ended, one way or the other."""
        self._wake.wait(min(timeout, threading.TIMEOUT_MAX))
        if self._taken.locked():
            self._answered.wait()  # the code is being exchanged: that has a deadline of its own
        else:
            raise LoginFailed(f"nobody signed in within {timeout:g} s")
        if self._error is not None:
            raise self._error


def _page(title: str, text: str, *, good: bool) -> str:
    return _PAGE.format(title=html.escape(title), text=html.escape(text), colour="#1a7f37" if good else "#c62828")


class _Server(socketserver.ThreadingTCPServer):
    # A thread each: a browser opens connections ahead and sends nothing on them.
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = sys.platform != "win32"
    desk: _Desk

    def __enter__(self) -> "_Server":
        threading.Thread(target=lambda: self.serve_forever(0.05), name="krebit-callback", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection broke: nobody's business, and a traceback would hold the code."""


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout: ClassVar[float] = 10.0  # pyright: ignore[reportIncompatibleVariableOverride]
    server_version = "krebit"
    sys_version = ""

    def do_GET(self) -> None:
        desk = self.server.desk
        status, page, last = desk.receive(self.path)
        body = page.encode()
        try:
            self.send_response(status)
            for name, value in {**_PAGE_HEADERS, "Content-Length": str(len(body)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        finally:
            if last:
                desk.answered()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Nothing: the address holds the code."""


def _servers(host: str, port: int) -> list[_Server]:
    # A browser may take either address for `localhost`.
    found = [_listen("127.0.0.1" if host == "localhost" else host, port)]
    if host == "localhost":
        with suppress(LoginFailed):
            found.append(_listen("::1", port))
    return found


def _listen(host: str, port: int) -> _Server:
    try:
        return (_ServerV6 if ":" in host else _Server)((host, port), _Handler)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LoginFailed(f"cannot listen at {host}, port {port} ({reason}); sign in with paste=True") from None
