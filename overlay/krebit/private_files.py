"""Files and folders that nobody but their owner may read or replace, as ssh demands of its keys.

On POSIX, modes and owners are checked. On Windows, only the kind of file is checked: the user's local application data
keeps others out.
"""

import errno
import os
import shlex
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from krebit.clock import monotonic
from krebit.errors import StoreError, StoreUnsafe

T = TypeVar("T")

_GROUP = 0o070
_OTHERS = 0o007
_CHANGEABLE = 0o022
# On Windows a file that another process has open cannot be replaced: seconds to try again, and between two tries.
_OPEN_ELSEWHERE = 2.0
_POLL = 0.01


def check_private(path: Path, *, folder: bool = False, group_access: bool = False) -> bool:
    """Return whether the file is there. Raises StoreUnsafe unless it is a regular file that this user alone may use.

    `folder` expects a folder in place of a file. `group_access` accepts rights of the file's group. Raises StoreError
    for one that cannot be read.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise file_error("read", path, error) from None
    check_private_stat(path, found, folder=folder, group_access=group_access)
    return True


def check_private_stat(path: Path, found: os.stat_result, *, folder: bool = False, group_access: bool = False) -> None:
    """Do the same as `check_private`, for a file whose status is `found`."""
    kind = "folder" if folder else "regular file"
    is_kind = stat.S_ISDIR(found.st_mode) if folder else stat.S_ISREG(found.st_mode)
    if not is_kind:
        raise StoreUnsafe(f"{path}: is not a {kind}; {_repair_of_kind(path, found, folder=folder)}")
    if sys.platform == "win32":
        return
    if found.st_uid != os.geteuid():
        raise StoreUnsafe(
            f"{path}: belongs to another user (uid {found.st_uid}, not {os.geteuid()}); run as that user, or choose "
            "a folder of your own"
        )
    refused = _OTHERS if group_access else _GROUP | _OTHERS
    if not found.st_mode & refused:
        return
    mode = "700" if folder else "600"
    repair = f"repair it with: chmod {mode} {shlex.quote(str(path))}"
    if found.st_mode & _OTHERS:
        raise StoreUnsafe(f"{path}: others have rights on it; {repair}")
    raise StoreUnsafe(
        f"{path}: its group (gid {found.st_gid}) has rights on it; {repair} (if they come back with each mount, as "
        "with fsGroup in Kubernetes: FileTokenStore(folder, group_access=True))"
    )


def _repair_of_kind(path: Path, found: os.stat_result, *, folder: bool) -> str:
    if folder and stat.S_ISREG(found.st_mode):
        return "name a folder instead"  # somebody named the wrong path: that file must stay
    return "remove it" if sys.platform == "win32" else f"remove it with: rm {shlex.quote(str(path))}"


def check_unchangeable(path: Path, found: os.stat_result) -> None:
    """Raise StoreUnsafe if anybody could change an open file but this user and the system's administrator."""
    if found.st_uid not in (0, os.geteuid()):
        raise StoreUnsafe(f"{path}: belongs to another user (uid {found.st_uid}); use a file of your own")
    if found.st_mode & _CHANGEABLE:
        raise StoreUnsafe(f"{path}: others may change it; repair it with: chmod go-w {shlex.quote(str(path))}")


def is_planted_link(path: Path) -> bool:
    """Return whether another user put a link at this path, in a folder that everybody may write to, such as `/tmp`.

    Linux does not let a program follow such a link (`fs.protected_symlinks`). A program that looks up first where it
    leads goes around that.
    """
    if sys.platform == "win32":
        return False
    try:
        link, folder = path.lstat(), path.parent.stat()
    except OSError:
        return False
    is_shared = bool(folder.st_mode & stat.S_IWOTH)
    return stat.S_ISLNK(link.st_mode) and is_shared and link.st_uid not in (os.geteuid(), folder.st_uid)


def make_folder(folder: Path, *, group_access: bool = False) -> None:
    """Make a folder and those above it, 0700 whatever the umask, and check it. Raises StoreError or StoreUnsafe."""
    try:
        for each in (*reversed(folder.parents), folder):
            if not each.exists():
                _make_one_folder(each)
    except OSError as error:
        raise file_error("make", folder, error) from None
    check_private(folder, folder=True, group_access=group_access)


def _make_one_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:  # another process was quicker
        return
    if sys.platform != "win32":
        folder.chmod(0o700)  # the umask may have taken rights of ours away


def make_file(path: Path) -> int:
    """Make a file that is not there yet, 0600 whatever the umask. Return its descriptor, to write. Raises OSError."""
    fd = _open_itself(str(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    if sys.platform == "win32":
        return fd
    try:
        os.fchmod(fd, 0o600)
    except OSError:
        os.close(fd)
        raise
    return fd


def open_or_make(path: Path, *, group_access: bool = False) -> int:
    """Return a descriptor of a private file that is made when it is missing. Raises StoreUnsafe or StoreError."""
    try:
        return make_file(path)
    except FileExistsError:
        pass
    except OSError as error:
        raise file_error("make", path, error) from None
    check_private(path, group_access=group_access)
    try:
        fd = _open_itself(str(path), os.O_RDONLY)
    except OSError as error:
        raise file_error("read", path, error) from None
    try:
        check_private_stat(path, os.fstat(fd), group_access=group_access)
    except StoreUnsafe:
        os.close(fd)
        raise
    return fd


def read_private(path: Path, *, group_access: bool = False) -> bytes | None:
    """Return the content of a private file, or None if it is not there. Raises StoreUnsafe or StoreError."""
    if not check_private(path, group_access=group_access):
        return None
    try:
        # The opened file is checked too: another one may have taken the path since. A link is not followed, and a FIFO
        # does not block.
        with _retried_while_open(lambda: open(path, "rb", opener=_open_itself)) as file:
            check_private_stat(path, os.fstat(file.fileno()), group_access=group_access)
            return file.read()
    except OSError as error:
        raise file_error("read", path, error) from None


def _open_itself(path: str, flags: int) -> int:
    """Open the file that is at the path, not one that a link leads to, without waiting for a FIFO's other end."""
    if sys.platform == "win32":
        return os.open(path, flags | os.O_BINARY, 0o600)
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)


def replace(source: Path, target: Path) -> None:
    """Put a file in the place of another, in one step. Raises OSError."""
    _retried_while_open(lambda: source.replace(target))


def _retried_while_open(action: Callable[[], T]) -> T:
    """Return the action's value. Try again for a while where Windows refuses it: another process has the file open."""
    until = monotonic() + _OPEN_ELSEWHERE
    while True:
        try:
            return action()
        except PermissionError:
            if not _may_be_open_elsewhere() or monotonic() >= until:
                raise
        time.sleep(_POLL)


def _may_be_open_elsewhere() -> bool:
    return sys.platform == "win32"


def file_error(action: str, path: Path, error: OSError) -> StoreError:
    """Return the StoreError for an action that failed, with the path and the system's reason."""
    return StoreError(f"{path}: cannot {action} it ({os.strerror(error.errno) if error.errno else error})")


def write_all(fd: int, content: bytes) -> None:
    """Write the whole content: `os.write` may take only a part at once. Raises OSError."""
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
    """Bring a folder's list of files to the disk, where the system lets a program do that. Raises OSError."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot
            raise
    finally:
        os.close(fd)
