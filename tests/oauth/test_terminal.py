"""Signing in where a person sits: a real terminal, a notebook, no terminal at all, a browser in the foreground."""

import json
import os
import pty
import select
import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from tests.consent import allow
from tests.oauth.person import Person, register, sign_in
from tests.oauth.support import ROOT, Site
from tests.ports import port

__all__ = ["port"]  # a fixture
ELSEWHERE = "https://yourapp.example.com/oauth/callback"
LOGIN = """
    import json, sys
    from krebit import FileTokenStore, Krebit
    from krebit.errors import KrebitError
    given = json.loads(sys.argv[1])
    with Krebit(**given["settings"], store=FileTokenStore(given["folder"])) as api:
        try:
            api.login(**given["options"])
            print("user", api.get_current_user().id, flush=True)
        except KrebitError as error:
            print(type(error).__name__, error, flush=True)
"""


def environment(**more: str) -> dict[str, str]:
    """This process's environment, without anything that a browser is found by."""
    left_out = ("DISPLAY", "WAYLAND_DISPLAY", "TERM", "BROWSER")
    return {name: value for name, value in os.environ.items() if name not in left_out} | {"PATH": "/nowhere"} | more


def command(site: Site, tmp_path: Path, uri: str, code: str = LOGIN, **options: Any) -> list[str]:
    given = {
        "settings": {**site.settings, **register(site, uri)},
        "folder": str(tmp_path / "logins"),
        "options": options,
    }
    return [sys.executable, "-c", textwrap.dedent(code), json.dumps(given)]


class Window:
    """What a person sees and types at a terminal."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._seen = ""

    def read_until(self, text: str) -> str:
        """Read until the text comes; return all up to there, and go on behind it."""
        end = time.monotonic() + 60
        while text not in self._seen:
            ready, _, _ = select.select([self._fd], [], [], max(0.0, end - time.monotonic()))
            assert ready, self._seen
            self._seen += os.read(self._fd, 4096).decode(errors="replace")
        before, _, self._seen = self._seen.partition(text)
        return before + text

    def type(self, line: str) -> None:
        os.write(self._fd, line.encode() + b"\n")


@contextmanager
def window() -> Iterator[tuple[Window, int]]:
    """A terminal: the person's side of it, and the descriptor for the program."""
    ours, theirs = pty.openpty()
    try:
        yield Window(ours), theirs
    finally:
        os.close(ours)
        os.close(theirs)


def location(text: str) -> str:
    """Where the tenant sends the browser to whose address was shown."""
    return allow(next(word for word in text.split() if "/oauth/authorize" in word))


def test_an_address_longer_than_a_terminals_line(site: Site, tmp_path: Path) -> None:
    """A terminal keeps 4,095 bytes of a line that is not edited."""
    with window() as (person, terminal):
        program = subprocess.Popen(
            command(site, tmp_path, ELSEWHERE),
            cwd=ROOT,
            env=environment(),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        address = location(person.read_until("Paste it here"))
        person.type(f"{address}&padding={'x' * 6000}")
        assert "You are signed in at" in person.read_until("user ")
        assert program.wait(60) == 0


def test_a_line_that_the_terminal_has_cut_and_other_bad_pastes(site: Site, tmp_path: Path) -> None:
    """Each is said, and the next one counts."""
    with window() as (person, terminal):
        program = subprocess.Popen(
            command(site, tmp_path, ELSEWHERE),
            cwd=ROOT,
            env=environment(),
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
        )
        assert program.stdout is not None
        address = location(person.read_until("only its address."))
        person.type(address.replace("?", f"?padding={'x' * 6000}&"))
        person.read_until("the terminal cut it after 4095 bytes")
        person.type("https://yourapp.example.com/?code=abc")
        person.read_until("it has no `state`")
        person.type(address)
        person.read_until("You are signed in at")
        assert program.stdout.read().decode().startswith("Paste it here: Paste it here: Paste it here: user")
        assert program.wait(60) == 0
        program.stdout.close()


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("", "nothing was pasted"),
        ("hello", "it has no `state`"),
        ("https://a.example/?code=abc&state=wrong", "it belongs to another sign-in"),
        ("https://a.example/?state={state}", "it has no `code`"),
        ("https://a.example/?code=a&code=b&state={state}", "repeats a parameter"),
    ],
)
def test_a_bad_paste_may_be_tried_again(site: Site, pasted: str, problem: str) -> None:
    pastes = [pasted, pasted]

    def paste(url: str) -> str:
        state = dict(httpx.URL(url).params)["state"]
        return pastes.pop().replace("{state}", state) if pastes else allow(url)

    person = Person(pastes=paste)
    sign_in(site, ELSEWHERE, person)
    assert len([line for line in person.shown if problem in line]) == 2
    assert person.shown[-1].startswith("You are signed in at http")


def test_a_line_that_was_pasted_is_in_no_history(site: Site, tmp_path: Path) -> None:
    """An interactive interpreter writes its history to a file."""
    code = LOGIN + "\n    import readline; print('history', readline.get_current_history_length(), flush=True)"
    with window() as (person, terminal):
        program = subprocess.Popen(
            command(site, tmp_path, ELSEWHERE, code),
            cwd=ROOT,
            env=environment(),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        person.type(location(person.read_until("Paste it here")))
        assert "history 0" in person.read_until("history 0")
        assert program.wait(60) == 0


NO_STDIN: dict[str, dict[str, Any]] = {
    "at its end": {"stdin": subprocess.DEVNULL},
    "closed": {"preexec_fn": lambda: os.close(0)},
}


def run(arguments: list[str], browser: str | None = None, **options: Any) -> "subprocess.CompletedProcess[str]":
    variables = environment(BROWSER=browser) if browser else environment()
    return subprocess.run(
        arguments, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=True, **options
    )


@pytest.mark.parametrize("stdin", NO_STDIN.values(), ids=NO_STDIN)
@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_nobody_can_be_asked(site: Site, tmp_path: Path, port: int, stdin: dict[str, Any], where: str) -> None:
    """It fails at once, and says what to do."""
    uri = f"http://127.0.0.1:{port}/callback" if where == "here" else ELSEWHERE
    result = run(command(site, tmp_path, uri), **stdin)
    assert result.stdout.removeprefix("Paste it here: ").startswith("LoginFailed")
    assert "terminal" in result.stdout
    assert "Traceback" not in result.stderr
    if where == "here":
        assert "paste=False" in result.stdout


NOTEBOOK = """
    import builtins, httpx, re
    from krebit.oauth import terminal
    shown = []
    def ask_in_the_page(prompt=""):
        "Do as the kernel of a notebook: input() is replaced while a cell runs."
        url = next(word for word in " ".join(shown).split() if "/oauth/authorize" in word)
        return httpx.get(url, timeout=60).headers["location"]
    class Page:
        def write(self, text):
            shown.append(text)
        def flush(self):
            pass
    import sys
    sys.stderr = Page()
    builtins.input = ask_in_the_page
"""


def test_a_notebook_without_a_browser(site: Site, tmp_path: Path, port: int) -> None:
    """It asks in the page instead of listening where no browser comes to."""
    uri = f"http://127.0.0.1:{port}/callback"
    result = run(command(site, tmp_path, uri, NOTEBOOK + LOGIN), stdin=subprocess.DEVNULL)
    assert result.stdout.startswith("user ")


FOREGROUND = """
import sys, time, urllib.request
from pathlib import Path
with urllib.request.urlopen(sys.argv[2]) as page:
    page.read()
while not Path(sys.argv[1]).exists():
    time.sleep(0.05)
Path(sys.argv[1] + ".closed").touch()
"""


def test_a_browser_that_stays_in_the_foreground(site: Site, tmp_path: Path, port: int) -> None:
    """The sign-in ends while it is still open, and so does the program."""
    script, closes = tmp_path / "browser.py", tmp_path / "closes"
    script.write_text(FOREGROUND)
    browser = shlex.join([sys.executable, str(script), str(closes)]) + " %s"
    result = subprocess.Popen(
        command(site, tmp_path, f"http://127.0.0.1:{port}/callback"),
        cwd=ROOT,
        env=environment(BROWSER=browser),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stdout: IO[str] | None = result.stdout
    assert stdout is not None
    try:
        assert stdout.readline().startswith("user ")
        assert result.wait(60) == 0
        assert not closes.with_suffix(".closed").exists()
    finally:
        closes.touch()
        stdout.close()
        end = time.monotonic() + 20
        while not Path(f"{closes}.closed").exists() and time.monotonic() < end:
            time.sleep(0.05)


def test_a_browser_that_fails_is_none(site: Site, tmp_path: Path, port: int) -> None:
    result = run(
        command(site, tmp_path, f"http://127.0.0.1:{port}/callback"),
        browser=f"{shlex.quote(sys.executable)} -c 1/0 %s",
        stdin=subprocess.DEVNULL,
    )
    assert result.stdout.startswith("LoginFailed no browser could be opened")
