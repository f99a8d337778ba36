"""Logins in files: one per tenant, application and profile, written whole, readable by their owner alone.

POSIX only: privacy rests on modes and owners. On Windows the store refuses to be made.
"""

import errno
import hashlib
import logging
import os
import re
import secrets
import shlex
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from krebit.errors import ConfigurationError, StoreBusy, StoreError, StoreUnsafe
from krebit.oauth.record import Login, LoginKey

__all__ = ["FileTokenStore"]

_log = logging.getLogger("krebit")
# Room for the next record: tokens of this family are about a kilobyte each.
_HEADROOM = 16_384
_NETWORK = re.compile(r"nfs|cifs|smb|9p|afs|ceph|gluster|lustre|fuse\.sshfs|davfs")

# One lock for each file in this process: a file lock alone does not keep its threads apart.
_mutexes: dict[str, threading.Lock] = {}
_mutexes_guard = threading.Lock()


def _after_fork() -> None:
    global _mutexes_guard
    _mutexes.clear()  # a thread that held one does not exist in the child
    _mutexes_guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class FileTokenStore:
    """Keeps each login in a file of its own (0600) in a folder (0700), by default the user's state folder.

    Safe for many processes of one user on one host. Files that others could read or replace are refused
    (StoreUnsafe), as ssh does, with the command that repairs them. On a network file system a warning is logged:
    locks there are not to be trusted. Raises ConfigurationError on Windows.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        if sys.platform == "win32":
            raise ConfigurationError(
                "FileTokenStore: needs POSIX file modes to keep tokens private; "
                "on Windows pass store=MemoryTokenStore() or a store of your own"
            )
        if folder is None:
            from platformdirs import user_state_path

            folder = user_state_path("krebit", appauthor=False) / "logins"
        self.folder = Path(folder).expanduser().absolute()
        self._warned = False

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self.folder)!r})"

    def path(self, key: LoginKey) -> Path:
        """The file of a login. Its name shows tenant and profile; a hash keeps similar ones apart."""
        identity = "\0".join((key.tenant, key.client_id, key.profile))
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        slug = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{key.tenant}.{key.profile}")[:80].lstrip(".")
        return self.folder / f"{slug}.{digest}.json"

    def load(self, key: LoginKey) -> Login | None:
        """What is stored for `key`, or None. Raises StoreUnsafe or StoreError."""
        if not _check_folder(self.folder):
            return None
        return _read(self.path(key))

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator["_FileLease"]:
        """The only lease on `key`, in this process and across processes. Raises StoreBusy, StoreUnsafe or
        StoreError."""
        from filelock import FileLock, Timeout

        self._make_folder()
        path = self.path(key)
        lock_path = path.with_suffix(".lock")
        _check_file(lock_path)
        with _mutexes_guard:
            mutex = _mutexes.setdefault(str(path), threading.Lock())
        deadline = _Patience(patience)
        if not mutex.acquire(timeout=deadline.left()):
            raise StoreBusy(f"{path}: another thread held the lock for more than {patience:g} s")
        try:
            # A new instance each time: one shared instance counts, and lets a second thread in.
            lock = FileLock(lock_path, timeout=deadline.left(), mode=0o600, poll_interval=0.02)
            try:
                lock.acquire()
            except Timeout:
                raise StoreBusy(f"{lock_path}: another process held the lock for more than {patience:g} s") from None
            except OSError as error:
                raise _cannot("lock", lock_path, error) from None
            try:
                lease = _FileLease(path)
                try:
                    yield lease
                finally:
                    lease.discard()
            finally:
                lock.release()
        finally:
            mutex.release()

    def _make_folder(self) -> None:
        if not _check_folder(self.folder):
            try:
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                # mkdir's mode is cut by the umask, never widened: 0700 holds whatever the umask is.
                self.folder.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise _cannot("make", self.folder, error) from None
            _check_folder(self.folder)
        if not self._warned:
            self._warned = True
            kind = _file_system(self.folder)
            if kind is not None and _NETWORK.search(kind):
                _log.warning(
                    "%s is on a network file system (%s): its locks are not to be trusted, and two hosts may end each "
                    "other's login; keep it on a local disk",
                    self.folder,
                    kind,
                )


class _Patience:
    def __init__(self, seconds: float) -> None:
        import time

        self._now = time.monotonic
        self._end = self._now() + seconds

    def left(self) -> float:
        return max(0.0, self._end - self._now())


class _FileLease:
    """Writes by a temporary file that is made, and given its room, before the tokens to put there are asked for."""

    fence = 0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary: Path | None = None
        self._fd = -1
        # What a killed process left behind: the lock is ours, so nobody is writing it.
        for stale in path.parent.glob(f".{path.name}.*.tmp"):
            with suppress(OSError):
                stale.unlink()

    def load(self) -> Login | None:
        return _read(self._path)

    def prepare(self) -> None:
        if self._temporary is not None:
            return
        temporary = self._path.parent / f".{self._path.name}.{secrets.token_hex(6)}.tmp"
        try:
            room = _HEADROOM + (self._path.stat().st_size if self._path.exists() else 0)
            self._fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._temporary = temporary
            # Real bytes, not a hole: fallocate is refused by some file systems.
            _write(self._fd, b"\0" * room)
            os.fsync(self._fd)
        except OSError as error:
            self.discard()
            raise _cannot("write", self._path, error) from None

    def save(self, login: Login) -> None:
        self.prepare()
        assert self._temporary is not None
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            content = login.to_json()
            _write(self._fd, content)
            os.ftruncate(self._fd, len(content))
            _sync(self._fd)
            self._temporary.replace(self._path)
            self._temporary = None
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _cannot("write", self._path, error) from None
        finally:
            self.discard()

    def discard(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._temporary is not None:
            with suppress(OSError):
                self._temporary.unlink()
            self._temporary = None


def _write(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


def _sync(fd: int) -> None:
    if sys.platform == "darwin":
        # On macOS fsync alone leaves the data in the drive's cache.
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    os.fsync(fd)


def _read(path: Path) -> Login | None:
    try:
        # Non-blocking, so that a FIFO put in the file's place cannot hold us; it is refused below.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise StoreUnsafe(f"{path}: is a symbolic link; remove it with: rm {shlex.quote(str(path))}") from None
        raise _cannot("read", path, error) from None
    try:
        _check_stat(path, os.fstat(fd))
        with os.fdopen(os.dup(fd), "rb") as file:
            return Login.from_json(file.read(), str(path))
    except OSError as error:
        raise _cannot("read", path, error) from None
    finally:
        os.close(fd)


def _check_folder(folder: Path) -> bool:
    """Whether the folder is there; StoreUnsafe if it is not ours alone."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _cannot("read", folder, error) from None
    if not stat.S_ISDIR(found.st_mode):
        raise StoreUnsafe(f"{folder}: is not a folder of its own; remove it with: rm {shlex.quote(str(folder))}")
    _check_owner(folder, found)
    if found.st_mode & 0o077:
        raise StoreUnsafe(f"{folder}: others have rights on it; repair it with: chmod 700 {shlex.quote(str(folder))}")
    return True


def _check_file(path: Path) -> None:
    with suppress(FileNotFoundError):
        _check_stat(path, path.lstat())


def _check_stat(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise StoreUnsafe(f"{path}: is not a regular file; remove it with: rm {shlex.quote(str(path))}")
    _check_owner(path, found)
    if found.st_mode & 0o077:
        raise StoreUnsafe(f"{path}: others have rights on it; repair it with: chmod 600 {shlex.quote(str(path))}")


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise StoreUnsafe(
            f"{path}: belongs to another user (uid {found.st_uid}, not {os.geteuid()}); run as that user, or keep "
            "logins in a folder of your own"
        )


def _cannot(what: str, path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot {what} it ({os.strerror(error.errno) if error.errno else error})")


def _file_system(folder: Path) -> str | None:
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
