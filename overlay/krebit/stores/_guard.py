"""Whether files are their owner's alone, as ssh asks of its own, and what to run where they are not."""

import os
import re
import shlex
import stat
from pathlib import Path

from krebit.errors import StoreError, StoreUnsafe

_NETWORK = re.compile(r"nfs|cifs|smb|9p|afs|ceph|gluster|lustre|fuse\.sshfs|davfs")


def is_network(kind: str) -> bool:
    """Whether a file system of this type is another host's."""
    return _NETWORK.search(kind) is not None


def check_folder(folder: Path) -> bool:
    """Whether the folder is there; StoreUnsafe if it is not ours alone."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot("read", folder, error) from None
    if not stat.S_ISDIR(found.st_mode):
        raise StoreUnsafe(f"{folder}: is not a folder of its own; remove it with: rm {shlex.quote(str(folder))}")
    check_owner(folder, found)
    if found.st_mode & 0o077:
        raise StoreUnsafe(f"{folder}: others have rights on it; repair it with: chmod 700 {shlex.quote(str(folder))}")
    return True


def check_file(path: Path) -> None:
    """StoreUnsafe if there is one that is not a regular file of ours alone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot("read", path, error) from None
    check_stat(path, found)


def check_stat(path: Path, found: os.stat_result) -> None:
    """StoreUnsafe if what was found is not a regular file of ours alone."""
    if not stat.S_ISREG(found.st_mode):
        raise StoreUnsafe(f"{path}: is not a regular file; remove it with: rm {shlex.quote(str(path))}")
    check_owner(path, found)
    if found.st_mode & 0o077:
        raise StoreUnsafe(f"{path}: others have rights on it; repair it with: chmod 600 {shlex.quote(str(path))}")


def check_owner(path: Path, found: os.stat_result) -> None:
    """StoreUnsafe if it is somebody else's, root's included: what others own they can change."""
    if found.st_uid != os.geteuid():
        raise StoreUnsafe(
            f"{path}: belongs to another user (uid {found.st_uid}, not {os.geteuid()}); run as that user, or keep "
            "logins in a folder of your own"
        )


def cannot(what: str, path: Path, error: OSError) -> StoreError:
    """The error that says so, without the file's content."""
    return StoreError(f"{path}: cannot {what} it ({os.strerror(error.errno) if error.errno else error})")


def file_system(folder: Path) -> str | None:
    """The type of the file system, where the system tells (Linux)."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return None
    found: tuple[int, str] = (0, "")
    for line in lines:
        fields = line.split(" ")
        mount = fields[1].replace("\\040", " ")
        if (folder == Path(mount) or Path(mount) in folder.parents) and len(mount) >= found[0]:
            found = (len(mount), fields[2])
    return found[1] or None


def inode(path: Path) -> tuple[int, int] | None:
    """What the file is, whatever its name; None if it is not there."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
