"""Run the command line as people and scripts do: in a process, in a pipe, at a terminal."""

import codecs
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from typing import NamedTuple

COMMAND = [sys.executable, "-m", "krebit"]
# Variables that would make the output depend on the machine.
LEFT_OUT = (
    "BROWSER",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "DISPLAY",
    "FORCE_COLOR",
    "LINES",
    "NO_COLOR",
    "TERM",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)


class Done(NamedTuple):
    """The end of a command."""

    code: int
    out: str
    err: str


def environment(more: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return this process's environment without what depends on the machine. None takes a variable away."""
    found = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    found |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "", "LC_ALL": "C.UTF-8"}
    for name, value in (more or {}).items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return found


def run(
    *arguments: str | Path,
    env: Mapping[str, str | None] | None = None,
    given: str | None = None,
    cwd: Path | None = None,
) -> Done:
    """Run `krebit` in a pipe."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(env),
        cwd=cwd,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _own_terminal() -> None:
    """Let Ctrl-C reach the program, also where a background job has the signal ignored."""
    ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Screen:
    """A terminal, the person's side of it."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str | None] | None = None,
        columns: int = 80,
        cwd: Path | None = None,
    ) -> None:
        self._fd, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self._seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a character
        self._process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(theirs)

    def read_until(self, text: str) -> str:
        """Read until the text comes; return all up to there, and go on behind it."""
        while text not in self._seen:
            assert self._read(), self._seen
        before, _, self._seen = self._seen.partition(text)
        return before + text

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._fd, text.encode() + b"\n")

    def press(self, key: bytes) -> None:
        """Press one key."""
        os.write(self._fd, key)

    def interrupt(self, pause: float = 10.0) -> Done:
        """Press Ctrl-C until the command ends, and return the end.

        Python notices a Ctrl-C between its prompt and the read behind it at the next key only, and loses one that comes
        while it frees an object. A command that is about to end is given `pause` seconds.
        """
        for _ in range(5):
            self.press(b"\x03")
            while select.select([self._fd], [], [], pause)[0]:
                if not self._read():
                    return self.finish()
        raise AssertionError(self._seen)

    def finish(self) -> Done:
        """Read to the end, and return it."""
        while self._read():
            pass
        os.close(self._fd)
        return Done(self._process.wait(30), self._seen.replace("\r\n", "\n"), "")

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], 60)
        assert ready, self._seen
        try:
            content = os.read(self._fd, 65536)
        except OSError:  # how Linux says that nobody has the other side open
            return False
        self._seen += self._decoder.decode(content)
        return bool(content)


def at_terminal(*arguments: str | Path, env: Mapping[str, str | None] | None = None, columns: int = 80) -> Done:
    """Run `krebit` at a terminal."""
    return Screen([*COMMAND, *map(str, arguments)], env, columns).finish()
