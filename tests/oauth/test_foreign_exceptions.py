"""Exceptions of parts that are not ours: the error names the part, the place and the cause, and no text of theirs."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from krebit import FileTokenStore
from krebit.errors import ConnectionFailed, KrebitError, StoreError
from krebit.stores import Lease, TokenStore
from krebit.stores.record import Login, LoginKey
from tests.oauth.support import Site

SECRET = "canary-of-an-exception"


class Broken:
    """A store of somebody's that fails at one of its steps."""

    def __init__(self, store: TokenStore, step: str, error: BaseException) -> None:
        self._store = store
        self._step = step
        self._error = error

    def reach(self, step: str) -> None:
        if step == self._step:
            raise self._error

    def load(self, key: LoginKey) -> Login | None:
        self.reach("load")
        return self._store.load(key)

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        self.reach("lease")
        with self._store.lease(key, patience=patience) as lease:
            yield _BrokenLease(self, lease)
        self.reach("the end of its lease")


class _BrokenLease:
    def __init__(self, store: Broken, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self.save = lease.save

    def load(self) -> Login | None:
        self._store.reach("lease.load")
        return self._lease.load()

    def prepare(self) -> None:
        self._store.reach("lease.prepare")
        self._lease.prepare()


@pytest.mark.parametrize("step", ["load", "lease", "lease.load", "lease.prepare", "the end of its lease"])
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError(SECRET), "RuntimeError"),
        (OSError(28, "No space left on device", SECRET), "OSError: No space left on device"),
        (SystemExit(SECRET), "SystemExit"),
    ],
)
def test_a_store_of_somebody(site: Site, step: str, error: BaseException, cause: str) -> None:
    site.login()
    with site.client(store=Broken(site.store, step, error)) as api, pytest.raises(StoreError) as caught:
        api.get_current_user()
    text = str(caught.value)
    assert f"Broken: {step} failed" in text
    assert cause in text
    assert "test_foreign_exceptions.py" in text
    assert SECRET not in text


def test_a_transport_of_somebody(site: Site) -> None:
    class Faulty(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise LookupError(SECRET)

    site.login()
    with site.client(transport=Faulty()) as api, pytest.raises(ConnectionFailed) as caught:
        api.get_current_user()
    text = str(caught.value)
    assert "exchange_token" in text
    assert "Faulty" in text
    assert "LookupError" in text
    assert "store" not in text
    assert SECRET not in text


def test_a_handler_of_the_log(site: Site) -> None:
    class Faulty(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ValueError(SECRET)

    site.login(expired=False)
    _with_handler(Faulty(), lambda: _call(site))


def _call(site: Site) -> None:
    with site.client() as api, pytest.raises(KrebitError) as caught:
        api.get_current_user()
    assert not isinstance(caught.value, StoreError)
    text = str(caught.value)
    assert "ValueError in emit (test_foreign_exceptions.py" in text
    assert SECRET not in text


def _with_handler(handler: logging.Handler, call: Callable[[], None]) -> None:
    logger = logging.getLogger("krebit")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        call()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_our_own_store_says_it_itself(site: Site) -> None:
    assert isinstance(site.store, FileTokenStore)
    site.login()
    site.store.path(site.key()).write_bytes(b"{}")
    with site.client() as api, pytest.raises(StoreError, match="is not a stored login"):
        api.get_current_user()
