"""Make the pictures of docs/command-line.md: real output of the command line, at a terminal, against a sandbox.

Ports, times and identifiers differ with each run; in the pictures they are replaced.
"""

from __future__ import annotations

import os
import pty
import re
import ssl
import struct
import subprocess
import sys
import tempfile
import termios
from fcntl import ioctl
from io import StringIO
from pathlib import Path

import httpx
from rich.console import Console
from rich.text import Text

from krebit_sandbox import Sandbox

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
COLUMNS = 96
ERASED = re.compile(r"\x1b\[[0-9]*A|\x1b\[2K|\x1b\[\?25[lh]|\r")
VARYING = {
    r"localhost:[0-9]+|\blocalhost\b": "yourco.krebit.se",
    r"(client_id=|code_challenge=|state=)[\w%.-]+": r"\1…",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "7e07546c-…",
    r"/\S*/logins/\S+\s": "~/.local/state/krebit/logins/yourco.krebit.se.default.json",
    r"/\S*/\.config/": "~/.config/",
    r"/\S*/ca\.pem": "ca.pem",
    # The doctor's progress.
    r"(?m)^krebit: \w+\n": "",
}


class Terminal:
    """A command at a terminal."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._fd, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        command = [sys.executable, "-m", "krebit", *arguments]
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.text = ""

    def read_until(self, end: str | None = None) -> str:
        """Read until a text comes, or to the end; return all that came."""
        while end is None or end not in self.text:
            try:
                content = os.read(self._fd, 65536)
            except OSError:  # nobody has the other side open any more
                break
            self.text += content.decode()
        return self.text

    def finish(self) -> str:
        """Return all the output, once the command has ended."""
        self.read_until()
        self._process.wait()
        os.close(self._fd)
        return self.text


def allow(url: str, ca_file: str) -> None:
    """Allow on the consent page, and follow the way back."""
    with httpx.Client(verify=ssl.create_default_context(cafile=ca_file)) as browser:
        page = browser.get(url)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        action = re.search(r'<form[^>]* action="([^"]*)"', page.text)
        answer = browser.post(page.url.join(action.group(1) if action else ""), data=fields | {"decision": "allow"})
    httpx.get(answer.headers["location"])


def draw(name: str, arguments: list[str], output: str) -> None:
    """Write the picture of a command and its output."""
    shown = ERASED.sub("", "\n".join(line for line in output.splitlines() if "━" not in line))
    for pattern, text in VARYING.items():
        shown = re.sub(pattern, text, shown)
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(f"$ krebit {' '.join(arguments)}\n{shown}"))
    svg = console.export_svg(title="krebit", unique_id=name)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


def main() -> None:
    """Write all pictures."""
    with Sandbox(seed=1) as sandbox, tempfile.TemporaryDirectory() as home:
        ca_file = sandbox.environment["SSL_CERT_FILE"]
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = kept | sandbox.environment | {"HOME": home, "TERM": "xterm-256color", "NO_PROXY": "localhost"}
        uri = next(uri for uri in sandbox.application.redirect_uris if uri.startswith("http://127.0.0.1"))
        environment["KREBIT_REDIRECT_URI"] = uri
        login = Terminal(["login", "--no-browser"], environment)
        seen = login.read_until("code_challenge_method=S256")
        (url,) = re.findall(r"https://\S+", seen)
        allow(url, ca_file)
        draw("login", ["login", "--no-browser"], login.finish())
        clients = ["clients", "--limit", "8"]
        draw("clients", clients, Terminal(clients, environment).finish())
        for name in ("KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE"):
            del environment[name]
        draw("doctor", ["doctor"], Terminal(["doctor"], environment).finish())


if __name__ == "__main__":
    main()
