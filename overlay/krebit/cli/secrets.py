"""Secrets of webhook subscriptions in files."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from krebit.config_file import read_secret_file
from krebit.private_files import make_file, write_all

# Bytes that are kept free for a secret before it is asked for.
_ROOM = 4096


@contextmanager
def new_secret_file(path: Path) -> Iterator[Callable[[str], None]]:
    """Make a file (0600) with room for a secret, and yield the function that puts the secret into it.

    Raises UsageError where there is a file already, because a secret is not replaced, and ClickException where
    nothing can be written. Without a secret the file goes again.
    """
    try:
        fd = make_file(path)
    except FileExistsError:
        raise click.UsageError(
            f"--secret-file {path}: the file exists; name a new one, so that no secret is lost",
            click.get_current_context(silent=True),
        ) from None
    except OSError as error:
        raise _not_written(path, error) from None
    is_kept = False

    def keep(secret: str) -> None:
        nonlocal is_kept
        content = f"{secret}\n".encode("utf-8", "surrogateescape")
        os.lseek(fd, 0, os.SEEK_SET)
        write_all(fd, content)
        os.ftruncate(fd, len(content))
        os.fsync(fd)
        is_kept = True

    try:
        try:
            write_all(fd, b"\0" * _ROOM)
            os.fsync(fd)
        except OSError as error:
            raise _not_written(path, error) from None
        yield keep
    finally:
        os.close(fd)
        if not is_kept:
            path.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError) -> click.ClickException:
    return click.ClickException(f"--secret-file {path}: cannot be written ({error.strerror}); name another place")


def read_secrets(paths: Iterable[Path]) -> list[str]:
    """Return the secrets of private files. Raises ConfigurationError."""
    return [read_secret_file(path, "--secret-file").reveal() for path in paths]
