"""A new pair that cannot be stored: it lives in memory, and is stored when that works again."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from krebit.errors import StoreError
from krebit.oauth.record import Login, LoginKey
from krebit.stores import Lease, TokenStore
from tests.oauth.support import Site


class Moody:
    """A store that takes nothing while it is `full`, which it does not know beforehand."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self.full = False

    def load(self, key: LoginKey) -> Login | None:
        return self._store.load(key)

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        with self._store.lease(key, patience=patience) as lease:
            yield _MoodyLease(self, lease)


class _MoodyLease:
    def __init__(self, store: Moody, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self.fence = lease.fence
        self.load, self.prepare = lease.load, lease.prepare

    def save(self, login: Login) -> None:
        if self._store.full:
            raise StoreError("full")
        self._lease.save(login)


def test_one_pair_after_another_that_cannot_be_stored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("krebit.oauth.manager._STORE_AGAIN", 0.0)
    site.login()
    site.store = store = Moody(site.store)
    store.full = True
    with site.client() as krebit:
        krebit.get_current_user()
        site.sandbox.expire_access_tokens()
        krebit.get_current_user()
        assert len(site.token_requests()) == 2
        store.full = False
        krebit.get_current_user()
    assert site.state() == "live"
    assert {request.status for request in site.token_requests()} == {200}
