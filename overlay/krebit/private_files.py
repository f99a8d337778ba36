"""Files and folders that nobody but their owner may read or replace, as ssh demands of its keys.

POSIX only: privacy rests on modes and owners.
"""

import errno
import os
import shlex
import stat
import sys
from contextlib import suppress
from pathlib import Path

from krebit.errors import StoreError, StoreUnsafe


def check(path: Path, *, folder: bool = False) -> bool:
    """Return whether it is there. Raises StoreUnsafe if it is not a regular file, or a folder, of ours alone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot("read", path, error) from None
    check_stat(path, found, folder=folder)
    return True


def check_stat(path: Path, found: os.stat_result, *, folder: bool = False) -> None:
    """Raise StoreUnsafe if `found` is not a regular file, or a folder, of ours alone."""
    kind = "folder" if folder else "regular file"
    is_kind = stat.S_ISDIR(found.st_mode) if folder else stat.S_ISREG(found.st_mode)
    if not is_kind:
        raise StoreUnsafe(f"{path}: is not a {kind} of its own; {_way_out(path, found, folder=folder)}")
    if found.st_uid != os.geteuid():
        raise StoreUnsafe(
            f"{path}: belongs to another user (uid {found.st_uid}, not {os.geteuid()}); run as that user, or choose "
            "a folder of your own"
        )
    if found.st_mode & 0o077:
        mode = "700" if folder else "600"
        raise StoreUnsafe(f"{path}: others have rights on it; repair it with: chmod {mode} {shlex.quote(str(path))}")


def _way_out(path: Path, found: os.stat_result, *, folder: bool) -> str:
    if folder and stat.S_ISREG(found.st_mode):
        return "name a folder instead"  # the file was named by mistake, and is not ours to have removed
    return f"remove it with: rm {shlex.quote(str(path))}"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, 0700, and check it. Raises StoreError or StoreUnsafe."""
    try:
        # mkdir's mode is cut by the umask, never widened.
        for each in (*reversed(folder.parents), folder):
            if not each.exists():
                each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise cannot("make", folder, error) from None
    check(folder, folder=True)


def read_private(path: Path) -> bytes | None:
    """Return the content of a private file, or None if it is not there. Raises StoreUnsafe or StoreError."""
    if not check(path):
        return None
    try:
        # The file that is opened is checked too: another may have taken its place. A link leads nowhere, and a FIFO
        # blocks nobody.
        with open(path, "rb", opener=_open_without_links) as file:
            check_stat(path, os.fstat(file.fileno()))
            return file.read()
    except OSError as error:
        raise cannot("read", path, error) from None


def _open_without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def cannot(action: str, path: Path, error: OSError) -> StoreError:
    """Return the error that says so, without the file's content."""
    return StoreError(f"{path}: cannot {action} it ({os.strerror(error.errno) if error.errno else error})")


def write_all(fd: int, content: bytes) -> None:
    """Write all of it: `os.write` may take a part. Raises OSError."""
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


def sync(fd: int) -> None:
    """Bring a file's content to the disk. Raises OSError."""
    if sys.platform == "darwin":  # fsync alone leaves it in the drive's cache there
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of files to the disk. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot
            raise
    finally:
        os.close(fd)
