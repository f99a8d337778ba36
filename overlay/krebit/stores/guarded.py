"""Wrap any token store, so that its exceptions become StoreError."""

from collections.abc import Iterator
from contextlib import contextmanager

from krebit.error_summary import summarise
from krebit.errors import KrebitError, StoreError
from krebit.stores.protocol import Lease, TokenStore
from krebit.stores.record import Login, LoginKey


class GuardedStore:
    """Passes each step on to a store. An exception becomes a StoreError with the step, the cause and the place."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._name = type(store).__name__

    def load(self, key: LoginKey) -> Login | None:
        """Do the same as `TokenStore.load`."""
        with _guarded(f"{self._name}: load"):
            return self._store.load(key)

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        """Do the same as `TokenStore.lease`. Errors of the `with` block come out as they are."""
        with _guarded(f"{self._name}: lease"):
            manager = self._store.lease(key, patience=patience)
            lease = manager.__enter__()
        end = f"{self._name}: the end of its lease"
        try:
            yield _GuardedLease(lease, self._name)
        except BaseException as error:
            with _guarded(end, passing=error):
                if not manager.__exit__(type(error), error, error.__traceback__):
                    raise
        else:
            with _guarded(end):
                manager.__exit__(None, None, None)


class _GuardedLease:
    def __init__(self, lease: Lease, store_name: str) -> None:
        self._lease = lease
        self._name = f"{store_name}: lease"

    def load(self) -> Login | None:
        with _guarded(f"{self._name}.load"):
            return self._lease.load()

    def prepare(self) -> None:
        with _guarded(f"{self._name}.prepare"):
            self._lease.prepare()

    def save(self, login: Login) -> None:
        with _guarded(f"{self._name}.save"):
            self._lease.save(login)


@contextmanager
def _guarded(step: str, passing: BaseException | None = None) -> Iterator[None]:
    """Turn exceptions of the block into StoreError. Those of this library stay, and so does `passing`."""
    try:
        yield
    except KrebitError:
        raise
    except BaseException as error:
        if error is passing:
            raise
        problem = f"{step} failed ({summarise(error)})"
    else:
        return
    raise StoreError(problem)  # not in the `except` block: there the store's exception would become its context
