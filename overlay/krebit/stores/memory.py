"""Keep logins in this process's memory: for tests, and for programs that sign in anew each time."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from krebit.errors import StoreBusy, StoreError
from krebit.stores.record import Login, LoginKey


class MemoryTokenStore:
    """Keeps logins until the process ends. Clients of one process may share it; a forked child may not use it."""

    def __init__(self) -> None:
        self._logins: dict[LoginKey, Login] = {}
        self._locks: dict[LoginKey, threading.Lock] = {}
        self._process = os.getpid()

    def load(self, key: LoginKey) -> Login | None:
        """Return the login stored for `key`, or None."""
        return self._logins.get(key)

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator["_MemoryLease"]:
        """Hold the only lease on `key`. Raises StoreBusy after `patience` seconds, StoreError in a forked child."""
        if os.getpid() != self._process:
            # Parent and child would both use the one refresh token, and the second use ends the session.
            raise StoreError("a MemoryTokenStore cannot be shared with a forked process; use a FileTokenStore")
        lock = self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(timeout=max(0.0, patience)):
            raise StoreBusy(
                f"another thread held the lock of this login for more than {patience:g} s; look for a thread that hangs"
            )
        try:
            yield _MemoryLease(self._logins, key)
        finally:
            lock.release()


class _MemoryLease:
    def __init__(self, logins: dict[LoginKey, Login], key: LoginKey) -> None:
        self._logins = logins
        self._key = key

    def load(self) -> Login | None:
        return self._logins.get(self._key)

    def prepare(self) -> None:
        pass

    def save(self, login: Login) -> None:
        self._logins[self._key] = login
