"""The interface of a token store.

A store for one host needs a lock that all its processes see. A store for several hosts needs a lease that ends by
itself, and must refuse the save of a holder whose lease has ended: its successor may have saved since.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from krebit.stores.record import Login, LoginKey


class Lease(Protocol):
    """The sole right to change one login, until it is given back."""

    def load(self) -> Login | None:
        """Return the stored login, or None. Raises StoreError if it cannot be read."""
        ...

    def prepare(self) -> None:
        """Make sure that the next `save` will find room and rights. The stored login stays as it is.

        Raises StoreError.
        """
        ...

    def save(self, login: Login) -> None:
        """Store the login whole: once this returns, a crash cannot lose it.

        Raises StoreError, also when the lease has ended: the stored login is then as it was before.
        """
        ...


class TokenStore(Protocol):
    """Keeps logins. Several threads call it. It may block: asynchronous clients call it from a thread.

    Define `__eq__` and `__hash__` so that stores of the same place are equal: a login that could not be saved is found
    by every client of this process whose store is equal.

    Give every step a time limit: the program does not end while a step goes on.
    """

    def load(self, key: LoginKey) -> Login | None:
        """Return the login stored for `key`, without a lock, or None. Raises StoreError if it cannot be read."""
        ...

    def lease(self, key: LoginKey, *, patience: float) -> AbstractContextManager[Lease]:
        """Hold the only lease on `key` for the `with` block. Raises StoreBusy after `patience` seconds of waiting."""
        ...
