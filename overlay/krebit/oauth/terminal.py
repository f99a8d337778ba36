"""Sign somebody in at a terminal: a browser opens, and its way back is listened for on this machine or pasted."""

import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from krebit.errors import ConfigurationError, LoginFailed
from krebit.oauth.loopback import CallbackServer, loopback_address
from krebit.oauth.sign_in import LoginAttempt


def _print(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - where there is no stderr, nothing happens


@dataclass(frozen=True)
class Terminal:
    """The ways to reach the person.

    `browser` opens a URL and returns whether it could, `ask` shows a prompt and returns the typed line, `show` shows a
    line.
    """

    browser: Callable[[str], bool] = webbrowser.open
    ask: Callable[[str], str] = input
    show: Callable[[str], object] = _print


def sign_in_at_terminal(
    attempt: LoginAttempt,
    finish: Callable[[str], object],
    *,
    timeout: float,
    paste: bool | None,
    terminal: Terminal | None,
    stop: threading.Event,
) -> None:
    """Send the person to the attempt's URL and hand the callback to `finish`.

    Raises LoginFailed when nobody comes back within `timeout` seconds or before `stop` is set, or when the port is
    taken; ConfigurationError where there is nothing to listen at and `paste` is False; and the errors of `finish`.
    """
    terminal = terminal or Terminal()
    address = None if paste else loopback_address(attempt.redirect_uri)
    if address is None:
        if paste is False:
            raise ConfigurationError("redirect_uri: is not on this machine, where the browser could be listened for")
        return _by_pasting(attempt, finish, terminal)
    with ExitStack() as stack:
        server = stack.enter_context(CallbackServer(address, attempt, finish, stop))
        if not _open_browser(terminal, attempt.url):
            if paste is None and sys.stdin is not None and sys.stdin.isatty():
                stack.close()
                return _by_pasting(attempt, finish, terminal)
            terminal.show(f"Open this address in a browser on this machine to sign in:\n{attempt.url}")
        return server.wait(timeout)


def _open_browser(terminal: Terminal, url: str) -> bool:
    try:
        return terminal.browser(url)
    except (webbrowser.Error, OSError):
        return False


def _by_pasting(attempt: LoginAttempt, finish: Callable[[str], object], terminal: Terminal) -> None:
    terminal.show(f"Open this address in a browser and sign in:\n\n{attempt.url}\n")
    terminal.show(
        "Then copy the whole address that the browser was sent to. The page there may fail to load; the address counts."
    )
    try:
        callback = terminal.ask("Paste it here: ")
    except TimeoutError:
        raise  # a signal handler's: the prompt itself has no time limit
    except (EOFError, OSError, RuntimeError, ValueError):  # the input is at its end, closed, or not there at all
        raise LoginFailed("nothing was pasted; begin the sign-in again where there is a terminal") from None
    finish(callback)
