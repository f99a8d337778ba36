"""The arguments of `krebit-sandbox`, each switch an option, and the process around the server."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import shlex
import signal
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from krebit_sandbox.faults import KINDS, Fault
from krebit_sandbox.likeness import Likeness
from krebit_sandbox.sandbox import Sandbox
from krebit_sandbox.switches import Switches, choices, hints
from krebit_sandbox.tenant import REDIRECT_URIS

_LOCAL = ("127.0.0.1", "localhost", "::1")

_DESCRIPTION = """\
A local Krebit tenant with made-up data, for this machine only. It prints the variables of the quickstart as
`export NAME=value` lines, and then answers until you press Ctrl-C (or until SIGTERM or SIGHUP)."""

_FAULTS = f"""\
set a fault, such as kind=reset,path=/api/oauth/token,times=1 or the same as JSON. You can repeat the option. The kinds:
{", ".join(KINDS)}"""

_ENV_FILE_START = b"export KREBIT_DOMAIN="

_BANNER = """\
*** KREBIT SANDBOX: made-up data on this machine only, no tenant of Krebit Finance. ***
    {url}   control: {url}/_sandbox/switches
    KREBIT_AUTH_CODE and KREBIT_REFRESH_TOKEN work once each. The code expires after ten minutes.
    To get another refresh token: curl -X POST {url}/_sandbox/tokens
    To start again, also with a new application: curl -X POST {url}/_sandbox/reset
    With HTTPS a shell with these variables trusts this sandbox's certificate authority and no other.
    Stop with Ctrl-C."""


def run(arguments: list[str] | None = None) -> int:
    """Serve until a signal, then return 0; 1 if the sandbox cannot start or ends by itself.

    Exits with 2 for wrong arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.host not in _LOCAL:
        parser.error(f"--host {options.host}: the sandbox binds to loopback only (127.0.0.1 and ::1)")
    chosen = {name: value for name in hints() if (value := getattr(options, name)) is not None}
    try:
        likeness = None if options.like is None else Likeness.read(options.like)
        like = {} if likeness is None else likeness.switches
        switches = Switches(**{**like, **{name: _unset(value) for name, value in chosen.items()}})
        faults = [parse_fault(text) for text in options.fault]
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    # An Event has a lock: a second signal, while the handler of the first holds it, would wait for ever.
    stopped: SimpleQueue[int] = SimpleQueue()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.put(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # nohup has the process ignore the end of the terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    sandbox = Sandbox(
        options.seed,
        tls=options.tls,
        port=options.port,
        switches=switches,
        state_dir=options.state_dir,
        redirect_uris=[*options.redirect_uri, *REDIRECT_URIS],
        like=likeness,
    )
    try:
        sandbox.start()
    except OSError as error:
        taken = "; --port 0 chooses a free one" if error.errno == errno.EADDRINUSE else ""
        print(f"krebit-sandbox cannot start: {error}{taken}", file=sys.stderr)
        return 1
    try:
        for fault in faults:
            sandbox.fault(fault)
        return _serve(sandbox, options.env_file, stopped)
    except OSError as error:
        print(f"krebit-sandbox: {error}", file=sys.stderr)
        return 1
    finally:
        sandbox.stop()


def _serve(sandbox: Sandbox, env_file: Path | None, stopped: SimpleQueue[int]) -> int:
    lines = export_lines(sandbox.environment)
    print(_BANNER.format(url=sandbox.url), file=sys.stderr, flush=True)
    if env_file is not None:
        _write_private(env_file, lines)
    with contextlib.suppress(BrokenPipeError):
        print(lines, end="", flush=True)
    while sandbox.running:
        with contextlib.suppress(Empty):
            stopped.get(timeout=1.0)
            return 0
    print("krebit-sandbox: the server has ended by itself; start krebit-sandbox again", file=sys.stderr)
    return 1


def export_lines(environment: Mapping[str, str]) -> str:
    """Return `export NAME=value`, quoted for a shell, a line each."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())


def parse_fault(text: str) -> Fault:
    """Read `kind=reset,path=/api/oauth/token,times=1`, or a JSON object, which a value with a comma needs."""
    if text.lstrip().startswith("{"):
        return Fault.of(json.loads(text))
    fields = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"--fault: {part!r} is not NAME=VALUE")
        fields[name.strip()] = _literal(value)
    return Fault.of(fields)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("krebit-sandbox", description=_DESCRIPTION, allow_abbrev=False)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="an address of this machine only (default 127.0.0.1)")
    add("--port", type=_port, default=0, help="the port; 0 chooses a free one (default 0)")
    add("--seed", type=int, default=1, help="another number gives other companies (default 1)")
    add("--tls", action=argparse.BooleanOptionalAction, default=True, help="HTTPS, or plain HTTP with --no-tls")
    add("--state-dir", type=Path, help="keep the certificate authority here, for the next run (default: a new one)")
    add("--env-file", type=Path, help="also write the export lines into this file")
    add(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="register this redirect URI. You can repeat the option; KREBIT_REDIRECT_URI is the first one",
    )
    add(
        "--like",
        type=Path,
        metavar="REPORT",
        help="answer in the shapes of a tenant. `krebit doctor --report REPORT` writes this file",
    )
    add("--fault", action="append", default=[], metavar="NAME=VALUE,…", help=_FAULTS)
    switches = parser.add_argument_group("switches", "how the sandbox answers; docs/sandbox.md explains each switch")
    defaults = Switches()
    for name, hint in hints().items():
        option, default = f"--{name.replace('_', '-')}", getattr(defaults, name)
        if hint is bool:
            switches.add_argument(
                option, action=argparse.BooleanOptionalAction, default=None, help=f"default {default}"
            )
        elif allowed := choices(hint):
            switches.add_argument(option, choices=allowed, help=f"default {default}")
        else:
            shown = "null" if default is None else default
            switches.add_argument(option, type=_value, metavar="VALUE", help=f"default {shown}")
    return parser


class _Null:
    """The value `null` on the command line; None means that the option was not given."""


def _unset(value: Any) -> Any:
    return None if isinstance(value, _Null) else value


def _value(text: str) -> Any:
    value = _literal(text)
    return _Null() if value is None else value


def _literal(text: str) -> Any:
    """Return the value of a JSON text, or the text itself if it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 65535")
    return int(text)


def _write_private(path: Path, content: str) -> None:
    """Write a file for its owner alone, whole or not at all. OSError that names the file.

    Replaces only a file that an earlier sandbox wrote, or an empty one.
    """
    _check_replaceable(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, f"{error.strerror}; --env-file cannot be written", str(path)) from None


def _check_replaceable(path: Path) -> None:
    try:
        status = path.lstat()
    except OSError:
        return  # writing it shows what is wrong, if anything is
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EEXIST, "is not a regular file; --env-file takes the name of a new file", str(path))
    with path.open("rb") as file:
        beginning = file.read(len(_ENV_FILE_START))
    if beginning not in (b"", _ENV_FILE_START):
        text = "was not written by krebit-sandbox, which does not replace it; remove it, or name another --env-file"
        raise OSError(errno.EEXIST, text, str(path))
