"""Failures become one line on stderr, that says what to do, and an exit code."""

import errno
import os
import sys

import click
from click.exceptions import Exit, NoArgsIsHelpError

from krebit.cli.session import Session

DONE, FAILED, USAGE, LOGIN_REQUIRED, INTERRUPTED = 0, 1, 2, 4, 130


def exit_code_of(error: BaseException, session: Session) -> int:
    """Show the error, and return the exit code. With `--debug` its traceback comes before."""
    if isinstance(error, Exit):  # after --help, and by `context.exit`
        return error.exit_code
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        _forget_output()
        return DONE
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, KeyboardInterrupt | click.Abort):
        session.note("krebit: interrupted")
        return INTERRUPTED
    if isinstance(error, NoArgsIsHelpError):
        session.note(error.format_message())
        return USAGE
    if isinstance(error, click.ClickException):
        if session.debug and error.__cause__ is not None:
            _show_traceback(error, session)
        session.note(f"krebit: {_text_of_usage(error)}")
        return USAGE if isinstance(error, click.UsageError) else FAILED
    if session.debug:
        _show_traceback(error, session)
    code, text = _meaning(error, session)
    session.note(f"krebit: {text}")
    if isinstance(error, OSError):
        _forget_output()
    return code


def _meaning(error: BaseException, session: Session) -> tuple[int, str]:
    """Return exit code and text of a failure."""
    from krebit.config import DEFAULT_PROFILE, sign_in_command
    from krebit.errors import ConfigurationError, KrebitError, LoginRequired
    from krebit.redaction import mask

    if isinstance(error, LoginRequired):
        return LOGIN_REQUIRED, f"{error.reason}; sign in with: {sign_in_command(session.profile or DEFAULT_PROFILE)}"
    if isinstance(error, ConfigurationError):
        return USAGE, _text_of_settings(error.problems, session.domain)
    if isinstance(error, KrebitError):
        return FAILED, str(error)
    if isinstance(error, OSError):
        place = error.filename or "standard output"
        return FAILED, mask(f"{place}: {error.strerror or error}")
    return FAILED, mask(f"unexpected {type(error).__name__}: {error}; --debug shows where, for a report")


def _text_of_settings(problems: tuple[str, ...], domain: str | None) -> str:
    from krebit.config_file import default_path, save_command

    missing = [problem.partition(":")[0] for problem in problems if ": is not set" in problem]
    texts = [problem for problem in problems if ": is not set" not in problem]
    if missing:
        command = save_command(domain, default_path(os.environ))
        texts.append(f"not set: {', '.join(missing)}; call: {command} (or set them in the environment)")
    return "; ".join(texts)


def _text_of_usage(error: click.ClickException) -> str:
    """Return what is wrong with the command line, and where help is."""
    context = getattr(error, "ctx", None)
    text = " ".join(error.format_message().split())
    text = text[:1].lower() + text[1:].rstrip(".")
    if context is None:
        return text
    return f"{text} ({context.command_path} --help)"


def _show_traceback(error: BaseException, session: Session) -> None:
    import traceback

    from krebit.redaction import mask

    for line in "".join(traceback.format_exception(error)).splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        is_place = line.startswith('  File "')
        session.note(line if is_place else indent + mask(line, 1000))


def _forget_output() -> None:
    """Send what is still to be written nowhere: the interpreter would complain of it at its end."""
    if sys.stdout is None:
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
