"""Whether files are their owner's alone, as ssh asks of its own, and what to run where they are not."""

import os
import re
import shlex
import stat
from pathlib import Path

from krebit.errors import StoreError, StoreUnsafe

_NETWORK = re.compile(r"nfs|cifs|smb|9p|afs|ceph|gluster|lustre|fuse\.sshfs|davfs")


def check(path: Path, *, folder: bool = False) -> bool:
    """Whether it is there; StoreUnsafe if it is not a regular file, or a folder, of ours alone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot("read", path, error) from None
    check_stat(path, found, folder=folder)
    return True


def check_stat(path: Path, found: os.stat_result, *, folder: bool = False) -> None:
    """StoreUnsafe if what was found is not a regular file, or a folder, of ours alone; others own what others can
    change, root included."""
    kind, is_kind, mode = ("folder", stat.S_ISDIR, "700") if folder else ("regular file", stat.S_ISREG, "600")
    name = shlex.quote(str(path))
    if not is_kind(found.st_mode):
        raise StoreUnsafe(f"{path}: is not a {kind} of its own; remove it with: rm {name}")
    if found.st_uid != os.geteuid():
        raise StoreUnsafe(
            f"{path}: belongs to another user (uid {found.st_uid}, not {os.geteuid()}); run as that user, or keep "
            "logins in a folder of your own"
        )
    if found.st_mode & 0o077:
        raise StoreUnsafe(f"{path}: others have rights on it; repair it with: chmod {mode} {name}")


def cannot(what: str, path: Path, error: OSError) -> StoreError:
    """The error that says so, without the file's content."""
    return StoreError(f"{path}: cannot {what} it ({os.strerror(error.errno) if error.errno else error})")


def network_file_system(folder: Path) -> str | None:
    """The type of the file system, if it is another host's and the system tells (Linux)."""
    try:
        mounts = [line.split(" ") for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return None
    above = [(Path(place.replace("\\040", " ")), kind) for _, place, kind, *_ in mounts]
    # The deepest one counts, and of several at one place the last.
    kinds = [kind for place, kind in sorted(above, key=lambda one: len(one[0].parts)) if folder.is_relative_to(place)]
    return kinds[-1] if kinds and _NETWORK.search(kinds[-1]) else None
