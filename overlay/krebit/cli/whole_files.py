"""Write a file whole or not at all: beside its place, and then into it."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click

from krebit.private_files import is_planted_link, replace, sync


@contextmanager
def whole_file(path: Path, option: str, repair: str) -> Iterator[IO[bytes]]:
    """Write a file beside its place, and put it there when the block has ended well.

    Until then, and after any failure, the place is as it was. Raises UsageError, with the `repair`, for a place that is
    no regular file, and ClickException for one where nothing can be written, or not all of it. Both name the `option`.
    """
    given = path
    if str(given) == "-":
        raise click.UsageError(f"{option} -: is not a file; {repair}", click.get_current_context(silent=True))
    if is_planted_link(given):
        text = f"{option} {given}: is a link of another user, in a folder for all; name another place"
        raise click.ClickException(text)
    path = Path(os.path.realpath(path))
    mode = _mode_of(path, option, repair)
    try:
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except FileNotFoundError:
        text = f"{option} {given}: there is no folder {given.parent}; make it, or name another place"
        raise click.ClickException(text) from None
    except OSError as error:
        text = f"{option} {given}: cannot be written ({error.strerror}); name another place"
        raise click.ClickException(text) from None
    try:
        with _put_in_place(fd, Path(name), path, mode) as file:
            yield file
    except OSError as error:
        if error.errno == errno.EPIPE:  # not of the file: somebody closed the output
            raise
        text = f"{option} {given}: cannot be written ({error.strerror}); name another place"
        raise click.ClickException(text) from None


@contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file whole or not at all, readable by its owner alone. Raises OSError."""
    fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    with _put_in_place(fd, Path(name), path, 0o600) as file:
        yield file


@contextmanager
def _put_in_place(fd: int, temporary: Path, path: Path, mode: int) -> Iterator[IO[bytes]]:
    """Write the open file `temporary`, and put it in the place of `path`; remove it after a failure. Raises OSError."""
    try:
        with open(fd, "wb") as file:
            yield file
            file.flush()
            if hasattr(os, "fchmod"):  # not by its name, where somebody may have put a link meanwhile
                os.fchmod(fd, mode)
            sync(fd)
        replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _mode_of(path: Path, option: str, repair: str) -> int:
    """Return the mode of the file to be: that of the one at its place, else as the umask says."""
    try:
        found = path.stat()
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
    except OSError as error:
        text = f"{option} {path}: cannot be written ({error.strerror}); name another place"
        raise click.ClickException(text) from None
    if not stat.S_ISREG(found.st_mode):
        raise click.UsageError(
            f"{option} {path}: is not a regular file; {repair}", click.get_current_context(silent=True)
        )
    return stat.S_IMODE(found.st_mode)
