"""A new pair that cannot be stored: it lives in memory, and is stored when that works again."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from krebit import FileTokenStore, Krebit
from krebit.errors import LoginRequired, StoreError, StoreUnsafe
from krebit.stores import Lease, TokenStore
from krebit.stores.record import Login, LoginKey
from tests.oauth.support import Background, Site


class Moody:
    """A store that takes nothing while it is `full`, which it does not know beforehand."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self.full = False
        self.error: BaseException = StoreError("full")

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
        self.load, self.prepare = lease.load, lease.prepare

    def save(self, login: Login) -> None:
        if self._store.full:
            raise self._store.error
        self._lease.save(login)


def test_one_pair_after_another_that_cannot_be_stored(site: Site) -> None:
    site.login()
    site.store = store = Moody(site.store)
    store.full = True
    with site.client() as api:
        api.get_current_user()
        site.sandbox.expire_access_tokens()
        api.get_current_user()
        assert len(site.token_requests()) == 2
        store.full = False
        site.call_anew()
        assert site.state() == "live"
    assert {request.status for request in site.token_requests()} == {200}


@pytest.mark.parametrize(
    "error", [StoreError("full"), OSError(28, "full"), SystemExit(), KeyboardInterrupt(), GeneratorExit()]
)
def test_whatever_the_store_raises_the_pair_is_used_and_stored_at_the_end(site: Site, error: BaseException) -> None:
    """A client that is closed tries once more: what it could not store would go with it."""
    site.login()
    site.store = store = Moody(site.store)
    store.full, store.error = True, error
    with site.client() as api:
        api.get_current_user()
        store.full = False
        api.get_current_user()
        assert site.state() != "live"
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


def test_a_pair_of_a_view_that_is_gone_is_stored_at_the_end(site: Site) -> None:
    """A web application makes a view for each request."""
    site.login(profile="person-17")
    site.store = store = Moody(site.store)
    store.full = True
    with site.client() as api:
        api.with_profile("person-17").get_current_user()
        store.full, store.error = False, StoreError()  # the frames of the one that was raised hold the view
        gc.collect()
    assert site.state(profile="person-17") == "live"


def test_closing_with_a_store_that_still_takes_nothing(site: Site) -> None:
    before = site.login()
    site.store = store = Moody(site.store)
    store.full = True
    with site.client() as api:
        api.get_current_user()
    assert site.stored() == before


def test_a_log_that_fails_costs_no_pair(site: Site) -> None:
    """The handler's own error may come out of the next line that is logged, but the login goes on."""

    class Faulty(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "granted" in record.getMessage():
                raise ValueError("a fault in somebody's handler")

    site.login()
    logger, handler = logging.getLogger("krebit"), Faulty()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with site.client() as api:
            api.get_current_user()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert site.state() == "live"


def test_a_lease_that_keeps_errors_to_itself(site: Site) -> None:
    class Silent(Moody):
        @contextmanager
        def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
            with suppress(StoreUnsafe), super().lease(key, patience=patience) as lease:
                yield lease

    assert isinstance(site.store, FileTokenStore)
    site.login()
    file, token = site.store.path(site.key()), site.refresh_token()
    site.store = Silent(site.store)
    site.hold()
    with site.client() as api:
        call = Background(api.get_current_user)
        site.sandbox.wait_for_held()
        site.sandbox.revoke_refresh_token(token)
        file.chmod(0o640)  # is found when the store is read again
        site.sandbox.release()
        with pytest.raises(StoreError, match="suppressed an exception"):
            call.finish()


def test_signing_out_forgets_a_pair_that_could_not_be_stored(site: Site) -> None:
    """Also where the store fails afterwards: it is not used from memory."""
    site.login()
    assert isinstance(site.store, FileTokenStore)
    file = site.store.path(site.key())
    site.store = store = Moody(site.store)
    store.full = True
    with site.client() as api:
        api.get_current_user()
        store.full = False
        api.logout()
        file.chmod(0o640)
        with pytest.raises(StoreUnsafe):
            api.get_current_user()


def test_others_found_the_old_token_dead_meanwhile(site: Site) -> None:
    """Their mark is about the token that the pair replaced: it does not keep the pair from being stored."""
    site.sandbox.switch(reuse_revokes_family=False)
    site.login()
    plain = site.store
    site.store = store = Moody(plain)
    store.full = True
    with site.client() as api, site.client(store=plain) as other:
        api.get_current_user()
        with pytest.raises(LoginRequired):
            other.get_current_user()
        assert site.stored().is_dead
        store.full = False
        site.call_anew()
        assert site.state() == "live"
        other.get_current_user()
    assert [request.status for request in site.token_requests()] == [200, 400]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_sign_ins_that_could_not_be_stored_do_not_replace_a_later_one(site: Site, times: int) -> None:
    """However many they were: what counts is what they were begun upon."""
    site.login()
    store = Moody(site.store)
    store.full = True

    def sign_in(api: Krebit) -> None:
        attempt = api.start_login()._replace(code_verifier=None)
        api.finish_login(code=site.sandbox.issue_code(), state=attempt.state, attempt=attempt)

    with site.client(store=store) as full, site.client() as other:
        for _ in range(times):
            sign_in(full)
        sign_in(other)
        newest = site.refresh_token()
        store.full = False
        site.call_anew(store=store)
        assert site.refresh_token() == newest


def test_an_older_login_does_not_replace_a_newer_one_that_died(site: Site) -> None:
    """Whoever signed in last is the one to sign in again."""
    site.login()
    plain = site.store
    site.store = store = Moody(plain)
    store.full = True
    code = site.sandbox.issue_code()
    with site.client() as older, site.client(store=plain, auth_code=code) as newer:
        older.get_current_user()
        newer.get_current_user()
        site.sandbox.revoke_refresh_token(site.refresh_token())
        site.sandbox.expire_access_tokens()
        with pytest.raises(LoginRequired):
            newer.get_current_user()
        dead = site.stored()
        assert dead.is_dead
        store.full = False
        with pytest.raises(LoginRequired):
            site.call_anew()
    assert site.stored() == dead


def test_a_login_that_was_removed_by_hand_does_not_come_back(site: Site, log: pytest.LogCaptureFixture) -> None:
    assert isinstance(site.store, FileTokenStore)
    plain = site.store
    with site.client(auth_code=site.sandbox.issue_code()) as api:
        api.get_current_user()
    site.store = store = Moody(plain)
    store.full = True
    with site.client() as api:
        site.sandbox.expire_access_tokens()
        api.get_current_user()
        assert "could not be stored" in log.text
        plain.path(site.key()).unlink()
        store.full = False
    assert plain.load(site.key()) is None


def test_a_later_client_uses_and_stores_a_pair_that_could_not_be_stored(site: Site) -> None:
    """The client that got it is closed; the login lives while the process does."""
    site.login()
    store = Moody(site.store)
    store.full = True
    with site.client(store=store) as first:
        first.get_current_user()
    before = site.stored()
    with site.client(store=store) as second:
        assert second.is_signed_in()
        second.get_current_user()
        assert site.stored() == before
        store.full = False
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


def test_two_stores_of_one_folder_are_one_store(site: Site) -> None:
    """As the default store of two clients: each has an object of its own."""

    class Full(FileTokenStore):
        full = True

        @contextmanager
        def lease(self, key: LoginKey, *, patience: float) -> Iterator[Any]:
            with super().lease(key, patience=patience) as lease:
                yield _FullLease(lease) if self.full else lease

    assert isinstance(site.store, FileTokenStore)
    folder = site.store.folder
    assert FileTokenStore(folder) == FileTokenStore(str(folder))
    assert FileTokenStore(folder) != FileTokenStore(folder / "other")
    site.login()
    with site.client(store=Full(folder)) as first:
        first.get_current_user()
    Full.full = False
    with site.client(store=Full(folder)) as second:
        second.get_current_user()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


class _FullLease:
    def __init__(self, lease: Lease) -> None:
        self.load, self.prepare = lease.load, lease.prepare

    def save(self, login: Login) -> None:
        raise StoreError("full")


def test_a_sign_in_that_could_not_be_stored_is_a_login(site: Site) -> None:
    store = Moody(site.store)
    store.full = True
    with site.client(store=store) as api:
        assert not api.is_signed_in()
        attempt = api.start_login()._replace(code_verifier=None)
        api.finish_login(code=site.sandbox.issue_code(), state=attempt.state, attempt=attempt)
        assert api.is_signed_in()
        assert site.store.load(site.key()) is None
        store.full = False
        api.logout()
        assert not api.is_signed_in()


def test_the_login_of_another_profile_is_not_taken(site: Site) -> None:
    site.login()
    store = Moody(site.store)
    store.full = True
    with site.client(store=store) as api:
        api.get_current_user()
        assert not api.with_profile("other").is_signed_in()


def test_a_store_that_cannot_be_a_key_of_a_dictionary(site: Site) -> None:
    class Unhashable(Moody):
        __hash__ = None  # type: ignore[assignment]

    site.login()
    store = Unhashable(site.store)
    store.full = True
    with site.client(store=store) as first:
        first.get_current_user()
    store.full = False
    with site.client(store=store) as second:
        second.get_current_user()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1
