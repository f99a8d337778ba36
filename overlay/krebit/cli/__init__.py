"""The command `krebit`. It needs the extra `cli`: click and rich, which are imported when they are needed."""

import signal
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Return its exit code: 0 done, 1 failed, 2 usage, 4 sign in first, 130 interrupted."""
    try:
        import click  # noqa: F401
    except ImportError:
        text = "krebit: the command line needs more packages; install them with: pip install 'krebit[cli]'\n"
        if sys.stderr is not None:
            sys.stderr.write(text)
        return 1
    from krebit.cli.main import run

    if arguments is None:
        _end_as_by_interrupt()
    return run(sys.argv[1:] if arguments is None else arguments)


def _end_as_by_interrupt() -> None:
    """End by SIGTERM, and with the terminal, as by Ctrl-C: files are removed, and a refresh under way is stored."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # nohup has the process ignore the end of the terminal.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
