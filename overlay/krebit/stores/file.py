"""Keep logins in files: one for each tenant, application and profile, written whole, readable by their owner alone.

On POSIX privacy rests on modes and owners; on Windows on the rights of the user's local application data.
"""

import functools
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

# Imported before the first lock: at the end of the interpreter nothing can be imported any more.
from filelock import FileLock, Timeout

from krebit.clock import monotonic
from krebit.errors import ConfigurationError, StoreBusy, StoreError
from krebit.private_files import (
    check_private,
    file_error,
    make_file,
    make_folder,
    open_or_make,
    read_private,
    replace,
    sync,
    sync_folder,
    write_all,
)
from krebit.stores.record import Login, LoginKey

_log = logging.getLogger("krebit")
_NETWORK = re.compile(r"nfs|cifs|smb|9p|afs|ceph|gluster|lustre|fuse\.sshfs|davfs")
# Room for the next record: tokens of this family are about a kilobyte each.
_HEADROOM = 16_384
# Seconds between two looks at a lock that somebody else holds.
_POLL = 0.02


class FileTokenStore:
    """Keeps each login in a file of its own (0600) in a folder (0700), by default the user's state folder.

    Many processes of one user on one host may share it. It refuses files that others could read or replace
    (StoreUnsafe), and names the command that repairs them. It logs a warning on a network file system: locks there
    cannot be trusted, not even between the threads of one process.

    On Windows the default is the user's local application data, to which Windows gives others no access. The rights of
    a folder that you name are not checked there.

    `group_access` accepts a folder and files on which their group has rights, because a Kubernetes volume with an
    fsGroup gets these rights with each mount. Whoever is in that group can then read the tokens.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, group_access: bool = False) -> None:
        try:
            if folder is None:
                folder = _default_folder()
            self.folder = Path(folder).expanduser().absolute()
            self._group_access = group_access
        except RuntimeError:  # a user without an entry in the user database, as in some containers
            raise ConfigurationError("FileTokenStore: there is no home folder; set HOME, or name a folder") from None

    def __eq__(self, other: object) -> bool:
        """Return whether both are stores of one folder."""
        return isinstance(other, FileTokenStore) and other.folder == self.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self.folder)!r})"

    def path(self, key: LoginKey) -> Path:
        """Return the file of a login."""
        return self.folder / f"{key.file_name()}.json"

    def load(self, key: LoginKey) -> Login | None:
        """Return the login stored for `key`, or None. Raises StoreUnsafe or StoreError."""
        if not check_private(self.folder, folder=True, group_access=self._group_access):
            return None
        return _load(self.path(key), group_access=self._group_access)

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator["_FileLease"]:
        """Hold the only lease on `key`, in this process and across processes.

        Raises StoreBusy after `patience` seconds, StoreUnsafe or StoreError.
        """
        make_folder(self.folder, group_access=self._group_access)
        _warn_of_network(self.folder)
        path = self.path(key)
        lock_path = path.with_suffix(".lock")
        with ExitStack() as held:
            # Open from before the lock until after it: so no other file can get the same inode number.
            fd = open_or_make(lock_path, group_access=self._group_access)
            held.callback(os.close, fd)
            held.enter_context(_locked(lock_path, patience))
            lease = _FileLease(path, lock_path, fd, group_access=self._group_access)
            yield held.enter_context(closing(lease))


@contextmanager
def _locked(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock for the `with` block. Raises StoreBusy or StoreError."""
    # A new instance each time: a shared one lets a second thread in. No fallback where the system has no flock: a lock
    # by a file's existence outlives a killed holder.
    lock = FileLock(path, mode=0o600, fallback_to_soft=False)
    # We wait ourselves: filelock's clock may be frozen by a test, and then even a wait of 0 seconds does not end.
    until = monotonic() + patience
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock.acquire(blocking=False))
                break
            except Timeout:
                pass
            except OSError as error:
                raise file_error("lock", path, error) from None
            if monotonic() >= until:
                raise StoreBusy(
                    f"{path}: another process or thread held the lock for more than {patience:g} s; look for one that "
                    "hangs"
                )
            time.sleep(_POLL)
        yield


def _default_folder() -> Path:
    from platformdirs import user_state_path

    return user_state_path("krebit", appauthor=False) / "logins"


class _FileLease:
    """Writes a temporary file, which is made and given its room before the server is asked for new tokens.

    `lock_fd` is a descriptor of the lock file that was opened before the lock was taken.
    """

    def __init__(self, path: Path, lock_path: Path, lock_fd: int, *, group_access: bool) -> None:
        self._path = path
        self._lock_path = lock_path
        self._lock_fd = lock_fd
        self._group_access = group_access
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._fd = -1
        self._has_temporary = False

    def load(self) -> Login | None:
        return _load(self._path, group_access=self._group_access)

    def prepare(self) -> None:
        if not _is_at(self._lock_fd, self._lock_path):
            # The next process would make a new file, lock that one, and refresh at the same time.
            raise StoreError(f"{self._lock_path}: was removed while it was held; leave lock files alone")
        stored = check_private(self._path, group_access=self._group_access)
        if self._has_temporary:
            return
        try:
            # A killed process may have left it behind. The lock is ours, so nobody is writing it.
            self._temporary.unlink(missing_ok=True)
            room = _HEADROOM + (self._path.stat().st_size if stored else 0)
            self._fd = make_file(self._temporary)
            self._has_temporary = True
            # Real bytes, not a hole: fallocate is refused by some file systems.
            write_all(self._fd, b"\0" * room)
            os.fsync(self._fd)
        except OSError as error:
            self.close()
            raise file_error("write", self._path, error) from None

    def save(self, login: Login) -> None:
        self.prepare()
        problem: StoreError | None = None
        try:
            self._write(login)
        except OSError as error:
            problem = file_error("write", self._path, error)
        finally:
            self.close()
        if problem is not None:
            # Not where the OSError is caught: its frames hold the tokens.
            raise problem

    def _write(self, login: Login) -> None:
        content = login.to_json()
        os.lseek(self._fd, 0, os.SEEK_SET)
        write_all(self._fd, content)
        os.ftruncate(self._fd, len(content))
        sync(self._fd)
        self._close_file()  # Windows renames no open file
        replace(self._temporary, self._path)
        self._has_temporary = False
        sync_folder(self._path.parent)

    def close(self) -> None:
        """Remove the temporary file, unless it has become the stored one."""
        with suppress(OSError):
            self._close_file()
        if self._has_temporary:
            with suppress(OSError):
                self._temporary.unlink()
            self._has_temporary = False

    def _close_file(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


def _load(path: Path, *, group_access: bool) -> Login | None:
    content = read_private(path, group_access=group_access)
    return None if content is None else Login.from_json(content, str(path))


def _is_at(fd: int, path: Path) -> bool:
    """Return whether an open file is the one at this path."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except OSError:
        return False


@functools.cache
def _warn_of_network(folder: Path) -> None:
    if kind := network_file_system(folder):
        _log.warning(
            "%s is on a network file system (%s): its locks cannot be trusted, and two hosts may end each other's "
            "login; keep it on a local disk",
            folder,
            kind,
        )


def network_file_system(folder: Path) -> str | None:
    """Return the type of a folder's file system if it is on another host, else None. Only Linux can say so."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in mounts:
        _, place, kind, *_ = line.split(" ")
        mount_point = Path(place.replace("\\040", " "))
        depth = len(mount_point.parts)
        # The deepest one counts, and of several at one place the last.
        if folder.is_relative_to(mount_point) and (found is None or depth >= found[0]):
            found = depth, kind
    return found[1] if found and _NETWORK.search(found[1]) else None
