"""Tests that a `TokenStore` must pass. Needs nothing but the store; pytest collects them:

class TestMyStore(TokenStoreConformance):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.folder = tmp_path

    def make_store(self):
        return MyStore(self.folder)
"""

import dataclasses
import multiprocessing
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from krebit._secret import Secret
from krebit.errors import StoreBusy
from krebit.oauth.record import Login, LoginKey, TokenPair
from krebit.stores import TokenStore

__all__ = ["TokenStoreConformance"]

_KEY = LoginKey("conformance.example", "application")
_PATIENCE = 30.0


class TokenStoreConformance:
    """Derive from it and override `make_store`; override `process_factory` too where processes share the store."""

    def make_store(self) -> TokenStore:
        """A store. Each test begins with an empty one; within a test, every call must find what the others stored."""
        raise NotImplementedError("override make_store() to return your store")

    def process_factory(self) -> Callable[[], TokenStore] | None:
        """As `make_store`, to be called in other processes: it must be possible to pickle it. None: one process."""
        return None

    def test_an_empty_store_has_no_login(self) -> None:
        """Without a lock and under it."""
        store = self.make_store()
        assert store.load(_KEY) is None, "load() must return None for a login that was never stored"
        with store.lease(_KEY, patience=_PATIENCE) as lease:
            assert lease.load() is None, "the lease's load() must return None for a login that was never stored"

    def test_what_is_saved_is_loaded(self) -> None:
        """Every field, by this store and by another one on the same place."""
        login = _login(1)
        _save(self.make_store(), login)
        for store in (self.make_store(), self.make_store()):
            assert store.load(_KEY) == login, "load() must return what save() was given, every field of it"
            with store.lease(_KEY, patience=_PATIENCE) as lease:
                assert lease.load() == login, "the lease's load() must return what was saved"

    def test_odd_values_survive(self) -> None:
        """A login that was ended, one without an end, long tokens."""
        for login in (
            _login(1).ended(),
            dataclasses.replace(_login(2), expires_at=None, refresh_token=None),
            dataclasses.replace(_login(3), access_token=Secret("a" * 20_000)).marked_dead(),
            Login(),
        ):
            _save(self.make_store(), login)
            assert self.make_store().load(_KEY) == login, "load() must return what save() was given"

    def test_logins_do_not_mix(self) -> None:
        """Tenants, applications and profiles have a login each, and a lock each."""
        keys = [
            _KEY,
            LoginKey(_KEY.tenant, _KEY.client_id, "another"),
            LoginKey(_KEY.tenant, "another", _KEY.profile),
            LoginKey("another.example", _KEY.client_id, _KEY.profile),
            LoginKey(_KEY.tenant, _KEY.client_id, "../default"),
            LoginKey(_KEY.tenant, _KEY.client_id, "Default"),
            LoginKey(_KEY.tenant, _KEY.client_id, "\N{SNOWMAN}" * 100),
        ]
        store = self.make_store()
        for number, key in enumerate(keys):
            _save(store, _login(number), key)
        for number, key in enumerate(keys):
            assert store.load(key) == _login(number), f"{key}: holds another's login"
        with store.lease(keys[0], patience=_PATIENCE), store.lease(keys[1], patience=_PATIENCE):
            pass

    def test_a_lease_keeps_others_out(self) -> None:
        """StoreBusy after the waiting time, for this store and for another one on the same place."""
        first = self.make_store()
        with first.lease(_KEY, patience=_PATIENCE):
            for store in (first, self.make_store()):
                began = time.monotonic()
                result = _in_thread(partial(_hold, store, patience=0.2))
                assert isinstance(result, StoreBusy), f"a second lease must raise StoreBusy, not end with {result!r}"
                assert time.monotonic() - began >= 0.15, "the second lease must wait as long as its patience is"

    def test_a_lease_is_given_back(self) -> None:
        """After the block, and when the block raises."""
        store = self.make_store()
        for error in (None, ValueError("from the block"), KeyboardInterrupt()):

            def block(error: BaseException | None = error) -> None:
                with store.lease(_KEY, patience=_PATIENCE):
                    if error is not None:
                        raise error

            assert _in_thread(block) is error, "the block's own exception must come out as it is"
            result = _in_thread(lambda: _hold(self.make_store(), patience=_PATIENCE))
            assert result is None, "the lease must be free after the block"

    def test_a_waiter_gets_the_lease_and_sees_what_was_saved(self) -> None:
        """Whoever waited reads anew."""
        store, seen = self.make_store(), list[Login | None]()

        def wait() -> None:
            with self.make_store().lease(_KEY, patience=_PATIENCE) as lease:
                seen.append(lease.load())

        with store.lease(_KEY, patience=_PATIENCE) as lease:
            waiter = threading.Thread(target=wait)
            waiter.start()
            lease.save(_login(7))
        waiter.join(_PATIENCE)
        assert seen == [_login(7)], "a waiter must see what the holder saved"

    def test_preparing_changes_nothing(self) -> None:
        """What is stored stays as it is until something is saved; preparing twice is nothing."""
        store = self.make_store()
        _save(store, _login(1))
        with store.lease(_KEY, patience=_PATIENCE) as lease:
            lease.prepare()
            lease.prepare()
            assert lease.load() == _login(1), "prepare() must leave what is stored as it is"
        assert store.load(_KEY) == _login(1), "a lease without save() must leave what is stored as it is"
        with store.lease(_KEY, patience=_PATIENCE) as lease:
            lease.prepare()
            lease.save(_login(2))
            assert lease.load() == _login(2), "the lease must read what it saved"
            lease.save(_login(3))
        assert store.load(_KEY) == _login(3), "the last save() of a lease counts"

    def test_readers_see_a_whole_login(self) -> None:
        """The old one or the new one, never a part, while somebody saves."""
        store, ended = self.make_store(), threading.Event()
        _save(store, _login(0))

        def read() -> None:
            reader = self.make_store()
            while not ended.is_set():
                login = reader.load(_KEY)
                assert login is not None, "a reader found nothing while a login was being replaced"
                assert login == _login(login.generation - 1), "a reader found parts of two logins"

        result: list[BaseException | None] = []
        reader = threading.Thread(target=lambda: result.append(_in_thread(read)))
        reader.start()
        for number in range(50):
            _save(store, _login(number))
        ended.set()
        reader.join(_PATIENCE)
        assert result == [None], f"{result}"

    def test_fences_grow(self) -> None:
        """Each lease's number is above the one before; 0 throughout where a lock cannot be lost."""
        fences = []
        for _ in range(5):
            with self.make_store().lease(_KEY, patience=_PATIENCE) as lease:
                fences.append(lease.fence)
        assert fences == [0] * 5 or all(one < later for one, later in pairwise(fences)), (
            f"fences must grow, or be 0: {fences}"
        )

    def test_threads_lose_no_change(self) -> None:
        """Changes made under the lease add up."""
        _save(self.make_store(), _login(0))
        threads = [threading.Thread(target=_count_up, args=(self.make_store, 10)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        login = self.make_store().load(_KEY)
        assert login is not None
        assert login.generation == 81, f"{81 - login.generation} of 80 changes were lost between threads"

    def test_processes_lose_no_change(self) -> None:
        """The same between processes."""
        factory = self.process_factory()
        if factory is None:
            return
        _save(factory(), _login(0))
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=_count_up, args=(factory, 10)) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        login = factory().load(_KEY)
        assert login is not None
        assert login.generation == 41, f"{41 - login.generation} of 40 changes were lost between processes"


def _login(number: int) -> Login:
    """A login, always the same for a number."""
    pair = TokenPair(Secret(f"access-{number}"), Secret(f"refresh-{number}" + "x" * (number * 37 % 900)), 3600.5)
    return dataclasses.replace(Login(salt=b"0123456789abcdef").with_pair(pair, 1e9 + number), generation=number + 1)


def _save(store: TokenStore, login: Login, key: LoginKey = _KEY) -> None:
    with store.lease(key, patience=_PATIENCE) as lease:
        lease.save(login)


def _hold(store: TokenStore, *, patience: float) -> None:
    with store.lease(_KEY, patience=patience):
        pass


def _in_thread(work: Callable[[], None]) -> BaseException | None:
    errors: list[BaseException | None] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)
        else:
            errors.append(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return errors[0]


def _count_up(make_store: Callable[[], TokenStore], times: int) -> None:
    store = make_store()
    for _ in range(times):
        with store.lease(_KEY, patience=_PATIENCE * 4) as lease:
            login = lease.load()
            assert login is not None
            lease.save(dataclasses.replace(login, generation=login.generation + 1))
