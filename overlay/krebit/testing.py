"""Tests that a `TokenStore` or an `Inbox` must pass. They need nothing but the store; pytest collects them:

class TestMyStore(TokenStoreConformance):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.folder = tmp_path

    def make_store(self):
        return MyStore(self.folder)
"""

import itertools
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from krebit.errors import StoreBusy
from krebit.redaction import Secret
from krebit.stores import Login, LoginKey, TokenStore
from krebit.webhooks.testing import InboxConformance

__all__ = ["InboxConformance", "TokenStoreConformance"]

_KEY = LoginKey("conformance.example", "application")
# Keys that must not be taken for one another.
_KEYS = [
    _KEY,
    LoginKey(_KEY.tenant, _KEY.client_id, "another"),
    LoginKey(_KEY.tenant, "another", _KEY.profile),
    LoginKey("another.example", _KEY.client_id, _KEY.profile),
    LoginKey(_KEY.tenant, _KEY.client_id, "../default"),
    LoginKey(_KEY.tenant, _KEY.client_id, "Default"),
    LoginKey(_KEY.tenant, _KEY.client_id, "\N{SNOWMAN}" * 100),
]
_PATIENCE = 30.0


class TokenStoreConformance:
    """Derive from it and override `make_store`; override `process_factory` too where processes share the store."""

    def make_store(self) -> TokenStore:
        """Return a store. Each test begins with an empty one; within a test, all calls give the same logins."""
        raise NotImplementedError("override make_store() to return your store")

    def process_factory(self) -> Callable[[], TokenStore] | None:
        """Return a function like `make_store` that can be pickled, for other processes; None for one process."""
        return None

    def test_what_is_saved_is_loaded(self) -> None:
        """Load every field of each login, from any store, until another is saved.

        Preparing changes nothing. Tenants, applications and profiles have a login and a lock each.
        """
        long = _login(3)._replace(access_token=Secret("a" * 20_000)).marked_dead()
        endless = _login(2)._replace(expires_at=None, refresh_token=None)
        kept: dict[LoginKey, Login] = {}
        with self.make_store().lease(LoginKey("locked.example", "application"), patience=_PATIENCE):
            for number, key in itertools.product(range(5), _KEYS):
                store, other = self.make_store(), self.make_store()
                for found in (store.load(key), other.load(key), _hold(store, key), _hold(other, key)):
                    assert found == kept.get(key), f"{key}: load() must return what save() was given, or None before"
                with store.lease(key, patience=_PATIENCE) as lease:
                    lease.prepare()
                    lease.save(_login(9))
                    lease.prepare()
                    lease.prepare()
                    assert lease.load() == _login(9), "load() must return what save() was given, whatever is prepared"
                    kept[key] = (_login(_KEYS.index(key)), _login(1).ended(), endless, long, Login())[number]
                    lease.save(kept[key])

    def test_a_lease_keeps_others_out(self) -> None:
        """Raise StoreBusy after the waiting time, in this store and in another one. A longer waiter reads anew."""
        store = self.make_store()
        with ThreadPoolExecutor(1) as others:
            with store.lease(_KEY, patience=_PATIENCE) as lease:
                for each in (store, self.make_store()):
                    began = time.monotonic()
                    error = others.submit(_hold, each, patience=0.2).exception()
                    assert isinstance(error, StoreBusy), f"a second lease must raise StoreBusy, not end with {error!r}"
                    assert time.monotonic() - began >= 0.15, "the second lease must wait as long as its patience is"
                waiter = others.submit(_hold, self.make_store())
                lease.save(_login(7))
            assert waiter.result() == _login(7), "a waiter must see what the holder saved"

    def test_a_lease_is_given_back(self) -> None:
        """Give the lease back after the block, and when the block raises."""
        with ThreadPoolExecutor(1) as others:
            for error in (None, ValueError("from the block"), KeyboardInterrupt()):
                ended = others.submit(_hold, self.make_store(), error=error)
                assert ended.exception() is error, "the block's own exception must come out as it is"
                _hold(self.make_store())

    def test_no_change_is_lost(self) -> None:
        """Add up the changes of threads, and of processes where they share the store.

        A reader finds a whole login meanwhile: the old one or the new one.
        """
        with ThreadPoolExecutor(8) as threads:
            _count_up(threads, self.make_store, 8)
        if (factory := self.process_factory()) is not None:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(4, context, context.Barrier(4, timeout=_PATIENCE).wait) as processes:
                _count_up(processes, factory, 4)


def _login(number: int) -> Login:
    """Return a login, always the same for a number."""
    return Login(
        access_token=Secret(f"access-{number}"),
        refresh_token=Secret(f"refresh-{number}" + "x" * (number * 37 % 900)),
        obtained_at=1e9 + number,
        expires_at=2e9 + number,
        generation=number + 1,
        salt=b"0123456789abcdef",
        seen=b"seen",
    )


def _hold(
    store: TokenStore,
    key: LoginKey = _KEY,
    *,
    patience: float = _PATIENCE,
    error: BaseException | None = None,
) -> Login | None:
    """Return the login under the lease, or raise `error` within it."""
    with store.lease(key, patience=patience) as lease:
        if error is not None:
            raise error
        return lease.load()
    raise AssertionError("the lease must not suppress the block's exceptions")


def _count_up(workers: Executor, make_store: Callable[[], TokenStore], number: int) -> None:
    before = (make_store().load(_KEY) or Login()).generation
    list(workers.map(_change, [make_store] * number))
    lost = before + 10 * number - (make_store().load(_KEY) or Login()).generation
    assert lost == 0, f"{lost} of {10 * number} changes were lost"


def _change(make_store: Callable[[], TokenStore]) -> None:
    store = make_store()
    for _ in range(10):
        with store.lease(_KEY, patience=_PATIENCE * 4) as lease:
            lease.save(_login((lease.load() or Login()).generation))
        for _ in range(10):
            seen = store.load(_KEY)
            assert seen is not None and seen == _login(seen.generation - 1), (  # noqa: PT018 - of one thing
                "a reader found nothing, or parts of two logins, while a login was being replaced"
            )
