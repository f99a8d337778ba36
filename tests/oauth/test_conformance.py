"""The suite for stores, on the stores that come with the library; and that it finds what is wrong with others."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from krebit import FileTokenStore, MemoryTokenStore
from krebit.stores import Lease, TokenStore
from krebit.stores.record import Login, LoginKey
from krebit.testing import TokenStoreConformance
from tests.postgres import PostgresServer
from tests.redis import RedisServer


class TestFileTokenStore(TokenStoreConformance):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "logins"

    def make_store(self) -> TokenStore:
        return FileTokenStore(self.folder)

    def process_factory(self) -> Callable[[], TokenStore]:
        return partial(FileTokenStore, self.folder)


class TestPostgresTokenStore(TokenStoreConformance):
    @pytest.fixture(autouse=True)
    def place(self, postgres: PostgresServer) -> None:
        from krebit import PostgresTokenStore  # only where there is a server: not every Python has a psycopg

        self.factory = partial(PostgresTokenStore, postgres.new_database())

    def make_store(self) -> TokenStore:
        return self.factory()

    def process_factory(self) -> Callable[[], TokenStore]:
        return self.factory


class TestRedisTokenStore(TokenStoreConformance):
    @pytest.fixture(autouse=True)
    def place(self, redis_server: RedisServer) -> None:
        from krebit import RedisTokenStore

        redis_server.clear()
        self.factory = partial(RedisTokenStore, redis_server.url)

    def make_store(self) -> TokenStore:
        return self.factory()

    def process_factory(self) -> Callable[[], TokenStore]:
        return self.factory


class TestMemoryTokenStore(TokenStoreConformance):
    @pytest.fixture(autouse=True)
    def place(self) -> None:
        self.store = MemoryTokenStore()

    def make_store(self) -> TokenStore:
        return self.store


class _NoLease:
    """Forgets what it is told to save."""

    def load(self) -> Login | None:
        return None

    def prepare(self) -> None:
        pass

    def save(self, login: Login) -> None:
        pass


class _NoLock:
    """A store whose lease keeps nobody out."""

    def load(self, key: LoginKey) -> Login | None:
        return None

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        yield _NoLease()


def test_it_finds_what_is_wrong() -> None:
    class Suite(TokenStoreConformance):
        def make_store(self) -> TokenStore:
            return _NoLock()

    with pytest.raises(AssertionError, match="must return what save"):
        Suite().test_what_is_saved_is_loaded()
    with pytest.raises(AssertionError, match="a reader found nothing"):
        Suite().test_no_change_is_lost()
    with pytest.raises(AssertionError, match="must raise StoreBusy"):
        Suite().test_a_lease_keeps_others_out()
    with pytest.raises(NotImplementedError, match="make_store"):
        TokenStoreConformance().test_a_lease_is_given_back()


class _Mixing:
    """Takes logins of one name in other letters for the same."""

    def __init__(self) -> None:
        self.good = MemoryTokenStore()

    def load(self, key: LoginKey) -> Login | None:
        return self.good.load(key._replace(profile=key.profile.lower()))

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        with self.good.lease(key._replace(profile=key.profile.lower()), patience=patience) as lease:
            yield lease


class _Silent(_Mixing):
    """Its lease suppresses exceptions."""

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        with self.good.lease(key, patience=patience) as lease, suppress(ValueError):
            yield lease


class _Forgetful(_Mixing):
    """Every third lease keeps what was there before."""

    def __init__(self) -> None:
        super().__init__()
        self._leases = itertools.count(1)

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        with self.good.lease(key, patience=patience) as lease:
            before = lease.load()
            yield lease
            if before is not None and next(self._leases) % 3 == 0:
                lease.save(before)


@pytest.mark.parametrize(
    ("store", "test", "message"),
    [
        (_Forgetful, "no_change_is_lost", "26 of 80 changes were lost"),
        (_Mixing, "what_is_saved_is_loaded", "Default.*must return what save"),
        (_Silent, "a_lease_is_given_back", "own exception must come out"),
    ],
)
def test_it_finds_subtler_faults(store: type[_Mixing], test: str, message: str) -> None:
    made = store()

    class Suite(TokenStoreConformance):
        def make_store(self) -> TokenStore:
            return made

    with pytest.raises(AssertionError, match=message):
        getattr(Suite(), f"test_{test}")()


def test_it_does_not_need_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; import krebit.testing"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
