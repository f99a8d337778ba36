"""Where logins are kept. Two stores come with this library; anything that keeps to `TokenStore` can be one.

A store for one host needs a lock that all its processes see; one for several hosts needs a lease that ends by itself,
and a fencing number that grows with each lease, so that a holder that was stopped for too long cannot overwrite its
successor. `krebit.testing` has the tests that a store must pass.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from krebit.oauth.record import Login, LoginKey

__all__ = ["Lease", "Login", "LoginKey", "TokenStore"]


class Lease(Protocol):
    """The right to change one login, until it is given back (or, in a store for several hosts, runs out)."""

    @property
    def fence(self) -> int:
        """A number that is higher than that of every earlier lease on this login; 0 where the lock cannot be lost."""
        ...

    def load(self) -> Login | None:
        """What is stored now, or None. Raises StoreError if it cannot be read."""
        ...

    def prepare(self) -> None:
        """Make sure that the next `save` will find room and rights. Raises StoreError; what is stored stays as it
        is."""
        ...

    def save(self, login: Login) -> None:
        """Store it whole: once this returns, a crash cannot lose it; if it raises StoreError, what was stored is as
        before."""
        ...


class TokenStore(Protocol):
    """Keeps logins. Called from several threads; blocking calls are fine, asynchronous clients call it from a
    thread."""

    def load(self, key: LoginKey) -> Login | None:
        """What is stored for `key`, without a lock, or None. Raises StoreError if it cannot be read."""
        ...

    def lease(self, key: LoginKey, *, patience: float) -> AbstractContextManager[Lease]:
        """Hold the only lease on `key` for the `with` block. Raises StoreBusy after `patience` seconds of waiting."""
        ...
