"""The command `krebit`. It needs the extra `cli`: click and rich, which are imported when they are needed."""

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

    return run(sys.argv[1:] if arguments is None else arguments)
