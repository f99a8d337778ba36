"""The ways to reach the person at a terminal: a browser, a prompt, a line of text."""

import builtins
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass


def _open_browser(url: str) -> bool:
    import webbrowser  # programs that sign nobody in do without it

    return webbrowser.open(url)


def _print(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - where there is no stderr, nothing happens


def _ask(prompt: str) -> str:
    """Return the typed line, of any length where the terminal's lines are edited by readline."""
    try:
        import readline
    except ImportError:
        return input(prompt)
    before = readline.get_current_history_length()
    try:
        return input(prompt)
    finally:
        # The line holds the code, and an interactive interpreter keeps its history in a file.
        for _ in range(readline.get_current_history_length() - before):
            readline.remove_history_item(before)


def _can_ask() -> bool:
    # The kernel of a notebook has no terminal. It replaces input() by one that asks in the page.
    if not isinstance(builtins.input, types.BuiltinFunctionType):
        return True
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # it is closed
        return False


@dataclass(frozen=True)
class Terminal:
    """The ways to reach the person.

    `browser` opens a URL and returns whether it could, `ask` shows a prompt and returns the typed line, `show` shows a
    line, `can_ask` returns whether somebody can answer.
    """

    browser: Callable[[str], bool] = _open_browser
    ask: Callable[[str], str] = _ask
    show: Callable[[str], object] = _print
    can_ask: Callable[[], bool] = _can_ask
