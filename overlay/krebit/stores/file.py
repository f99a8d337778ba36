"""Logins in files: one per tenant, application and profile, written whole, readable by their owner alone.

POSIX only: privacy rests on modes and owners. On Windows the store refuses to be made.
"""

import errno
import functools
import hashlib
import logging
import os
import re
import shlex
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from krebit.errors import ConfigurationError, StoreBusy, StoreError, StoreUnsafe
from krebit.oauth.record import Login, LoginKey

_log = logging.getLogger("krebit")
_NETWORK = re.compile(r"nfs|cifs|smb|9p|afs|ceph|gluster|lustre|fuse\.sshfs|davfs")
# Room for the next record: tokens of this family are about a kilobyte each.
_HEADROOM = 16_384


class FileTokenStore:
    """Keeps each login in a file of its own (0600) in a folder (0700), by default the user's state folder.

    Safe for many processes of one user on one host. Files that others could read or replace are refused
    (StoreUnsafe), as ssh does, with the command that repairs them. On a network file system a warning is logged:
    locks there are not to be trusted, between the threads of a process neither. Raises ConfigurationError on Windows.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        if sys.platform == "win32":
            raise ConfigurationError(
                "FileTokenStore: needs POSIX file modes to keep tokens private; "
                "on Windows pass store=MemoryTokenStore() or a store of your own"
            )
        try:
            if folder is None:
                from platformdirs import user_state_path

                folder = user_state_path("krebit", appauthor=False) / "logins"
            self.folder = Path(folder).expanduser().absolute()
        except RuntimeError:  # a user without an entry in the user database, as in some containers
            raise ConfigurationError("FileTokenStore: there is no home folder; set HOME, or name a folder") from None

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self.folder)!r})"

    def path(self, key: LoginKey) -> Path:
        """The file of a login. Its name shows tenant and profile; a hash keeps similar ones apart."""
        digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:16]
        slug = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{key.tenant}.{key.profile}")[:80].lstrip(".")
        return self.folder / f"{slug}.{digest}.json"

    def load(self, key: LoginKey) -> Login | None:
        """What is stored for `key`, or None. Raises StoreUnsafe or StoreError."""
        return _read(self.path(key)) if check(self.folder, folder=True) else None

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator["_FileLease"]:
        """The only lease on `key`, in this process and across processes. Raises StoreBusy, StoreUnsafe or
        StoreError."""
        from filelock import FileLock, Timeout

        self._make_folder()
        path = self.path(key)
        lock_path = path.with_suffix(".lock")
        check(lock_path)
        with ExitStack() as held:
            # A new instance each time: one shared instance counts, and lets a second thread in.
            # Where the system has no flock it must fail: a lock by a file's existence outlives a killed holder.
            lock = FileLock(lock_path, max(0.0, patience), 0o600, poll_interval=0.02, fallback_to_soft=False)
            try:
                held.enter_context(lock)
            except Timeout:
                raise StoreBusy(
                    f"{lock_path}: another process or thread held the lock for more than {patience:g} s"
                ) from None
            except OSError as error:
                raise cannot("lock", lock_path, error) from None
            yield held.enter_context(closing(_FileLease(path, lock_path)))

    def _make_folder(self) -> None:
        try:
            # mkdir's mode is cut by the umask, never widened: 0700 holds whatever the umask is.
            for each in (*reversed(self.folder.parents), self.folder):
                if not each.exists():
                    each.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise cannot("make", self.folder, error) from None
        check(self.folder, folder=True)
        _warn_of_a_network(self.folder)


@functools.cache
def _warn_of_a_network(folder: Path) -> None:
    if kind := network_file_system(folder):
        _log.warning(
            "%s is on a network file system (%s): its locks are not to be trusted, and two hosts may end each other's "
            "login; keep it on a local disk",
            folder,
            kind,
        )


class _FileLease:
    """Writes by a temporary file that is made, and given its room, before the tokens to put there are asked for."""

    fence = 0

    def __init__(self, path: Path, lock_path: Path) -> None:
        self._path = path
        self._lock_path = lock_path
        self._lock_inode = _inode(lock_path)
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._fd = -1

    def load(self) -> Login | None:
        return _read(self._path)

    def prepare(self) -> None:
        if self._lock_inode is None or _inode(self._lock_path) != self._lock_inode:
            # Its next user would make a new file, lock that, and go on beside us.
            raise StoreError(f"{self._lock_path}: was removed while it was held; leave lock files alone")
        stored = check(self._path)
        if self._fd >= 0:
            return
        try:
            # What a killed process left behind: the lock is ours, so nobody is writing it.
            self._temporary.unlink(missing_ok=True)
            room = _HEADROOM + (self._path.stat().st_size if stored else 0)
            self._fd = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            # Real bytes, not a hole: fallocate is refused by some file systems.
            _write(self._fd, b"\0" * room)
            os.fsync(self._fd)
        except OSError as error:
            self.close()
            raise cannot("write", self._path, error) from None

    def save(self, login: Login) -> None:
        self.prepare()
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            content = login.to_json()
            _write(self._fd, content)
            os.ftruncate(self._fd, len(content))
            _sync(self._fd)
            self._temporary.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise cannot("write", self._path, error) from None
        finally:
            self.close()

    def close(self) -> None:
        if self._fd >= 0:
            with suppress(OSError):  # it is in its place by now, or given up
                self._temporary.unlink()
            with suppress(OSError):
                os.close(self._fd)
            self._fd = -1


def _inode(path: Path) -> int | None:
    """What the file is, whatever its name; None if it is not there."""
    with suppress(OSError):
        return path.lstat().st_ino
    return None


def _write(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


def _sync(fd: int) -> None:
    if sys.platform == "darwin":  # where fsync alone leaves the data in the drive's cache
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    os.fsync(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems know no such thing
            raise
    finally:
        os.close(fd)


def _read(path: Path) -> Login | None:
    if not check(path):
        return None
    try:
        # What is put in its place meanwhile is looked at too: a link leads nowhere, and a FIFO holds nobody.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
            check_stat(path, os.fstat(file.fileno()))
            return Login.from_json(file.read(), str(path))
    except OSError as error:
        raise cannot("read", path, error) from None


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
        # A file in place of the folder was named by mistake, and is not ours to have removed.
        mistaken = "name a folder for the logins" if folder and stat.S_ISREG(found.st_mode) else ""
        raise StoreUnsafe(f"{path}: is not a {kind} of its own; {mistaken or f'remove it with: rm {name}'}")
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
        mounts = [
            line.split(" ") for line in Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
        ]
    except OSError:
        return None
    above = [(Path(place.replace("\\040", " ")), kind) for _, place, kind, *_ in mounts]
    # The deepest one counts, and of several at one place the last.
    kinds = [kind for place, kind in sorted(above, key=lambda one: len(one[0].parts)) if folder.is_relative_to(place)]
    return kinds[-1] if kinds and _NETWORK.search(kinds[-1]) else None
