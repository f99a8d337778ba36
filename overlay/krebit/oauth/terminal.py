"""Sign somebody in at a terminal: a browser opens, and its callback is received on this machine or pasted."""

import threading
import webbrowser
from collections.abc import Callable

from krebit.clock import monotonic
from krebit.errors import ConfigurationError, LoginFailed
from krebit.oauth.console import Terminal
from krebit.oauth.loopback import CallbackServer, loopback_address
from krebit.oauth.sign_in import LoginAttempt, equal, parse_callback

# Seconds after which a browser that still runs counts as open: some return only when somebody closes them.
_OPENING = 6.0
_PASTES = 3
# Linux keeps as many bytes of a line in canonical mode, N_TTY_BUF_SIZE less one, and drops the rest.
_CUT_LINE = 4095


def sign_in_at_terminal(
    attempt: LoginAttempt,
    finish: Callable[[str], object],
    *,
    timeout: float,
    paste: bool | None,
    terminal: Terminal | None,
    stop: threading.Event,
) -> None:
    """Send the person to the attempt's URL, hand the callback to `finish`, and say that it worked.

    Raises LoginFailed when nobody comes back within `timeout` seconds or before `stop` is set, when nothing right is
    pasted, when there is neither a browser nor somebody to ask, or when the port is taken; ConfigurationError where
    there is nothing to listen at and `paste` is False; and the errors of `finish`.
    """
    terminal = terminal or Terminal()
    address = None if paste else loopback_address(attempt.redirect_uri)
    if address is None and paste is False:
        raise ConfigurationError(
            "redirect_uri: is not on this machine, so nothing can listen there; leave out paste=False (--no-browser), "
            "or register one such as http://127.0.0.1:8765/callback"
        )
    is_finished = False
    if address is not None:
        with CallbackServer(address, attempt, finish, stop) as server:
            is_finished = _by_listening(server, attempt, timeout, paste, terminal, stop)
    if not is_finished:
        _by_pasting(attempt, finish, terminal)
    terminal.show(f"You are signed in at {attempt.origin}.")


def _by_listening(
    server: CallbackServer,
    attempt: LoginAttempt,
    timeout: float,
    paste: bool | None,
    terminal: Terminal,
    stop: threading.Event,
) -> bool:
    """Return whether the person came back. Return False where no browser opens and the address may be pasted."""
    if _open_browser(terminal, attempt.url, stop):
        terminal.show(
            f"Sign in with the browser. If no browser has opened, open this address on this machine:\n{attempt.url}"
        )
    elif paste is False:
        terminal.show(f"Open this address in a browser on this machine to sign in:\n{attempt.url}")
    elif terminal.can_ask():
        return False
    else:
        raise LoginFailed(
            "no browser could be opened, and nobody can be asked (standard input is not a terminal); sign in at a "
            "terminal, or pass paste=False (krebit login --no-browser) to show the address and wait for the answer, or "
            "use start_login() and finish_login()"
        )
    server.wait(timeout)
    return True


def _open_browser(terminal: Terminal, url: str, stop: threading.Event) -> bool:
    """Return whether the browser was opened, without waiting until somebody closes it."""
    results: list[bool] = []
    opening = threading.Thread(target=lambda: results.append(_opens(terminal, url)), name="krebit-browser", daemon=True)
    opening.start()
    until = monotonic() + _OPENING
    while opening.is_alive() and not stop.is_set() and monotonic() < until:
        opening.join(0.05)
    return results != [False]


def _opens(terminal: Terminal, url: str) -> bool:
    try:
        return terminal.browser(url)
    except (webbrowser.Error, OSError):
        return False


def _by_pasting(attempt: LoginAttempt, finish: Callable[[str], object], terminal: Terminal) -> None:
    terminal.show(f"Open this address in a browser and sign in:\n\n{attempt.url}\n")
    terminal.show(
        "Then copy the whole address from the browser's address bar. The page may fail to load: you need only its "
        "address."
    )
    problem = None
    for _ in range(_PASTES):
        if problem is not None:
            terminal.show(f"That is not the address: {problem}. Copy the whole address again.")
        pasted = _pasted(terminal)
        problem = _problem(pasted, attempt)
        if problem is None:
            try:
                finish(pasted)
            finally:
                del pasted  # it holds the code, and a traceback may show local variables
            return
    raise LoginFailed(f"no address of this sign-in was pasted: {problem}; begin the sign-in again")


def _pasted(terminal: Terminal) -> str:
    try:
        return terminal.ask("Paste it here: ")
    except TimeoutError:
        raise  # a signal handler's: the prompt itself has no time limit
    except (EOFError, OSError, RuntimeError, ValueError):  # the input is at its end, closed, or not there at all
        raise LoginFailed("nothing was pasted; begin the sign-in again where there is a terminal") from None


def _problem(pasted: str, attempt: LoginAttempt) -> str | None:
    """Return why a pasted text is not the callback of this attempt, or None."""
    if not pasted.strip():
        return "nothing was pasted"
    if len(pasted.encode("utf-8", "replace")) == _CUT_LINE:
        return f"the terminal cut it after {_CUT_LINE} bytes; longer lines need the program's output on the terminal"
    try:
        answer = parse_callback(pasted)
    except LoginFailed as error:
        return str(error)
    state = answer.get("state")
    if not state:
        # Some servers leave the state out of a refusal.
        return None if "error" in answer else "it has no `state`"
    if not equal(state, attempt.state):
        return "it belongs to another sign-in"
    if not answer.get("code") and "error" not in answer:
        return "it has no `code`"
    return None
