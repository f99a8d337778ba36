"""PostgreSQL and Redis as stores: two hosts' processes on one login, and servers that are lost in mid-refresh."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import krebit
from krebit import TokenStore
from krebit.errors import ConfigurationError, LoginRequired, StoreBusy, StoreError
from krebit.redaction import Secret
from krebit.stores import Login, LoginKey
from krebit_sandbox import Sandbox
from tests.frames import frames_of
from tests.oauth.servers import KINDS, StoreServer, store_server
from tests.oauth.support import Background, Program, Site

KEY = LoginKey("shared.example", "application")


def steps_of(store: TokenStore) -> list[Callable[[], object]]:
    return [lambda: store.load(KEY), lambda: store.lease(KEY, patience=1).__enter__()]


@pytest.fixture(scope="module", params=KINDS)
def running(request: pytest.FixtureRequest) -> Iterator[StoreServer]:
    with store_server(request.param) as server:
        yield server


@pytest.fixture
def server(running: StoreServer) -> Iterator[StoreServer]:
    running.line.thaw()
    running.forget()
    yield running
    running.line.thaw()


@pytest.fixture
def place(sandbox: Sandbox, server: StoreServer) -> Site:
    return Site(sandbox, server.store())


def program(mode: str, place: Site, server: StoreServer, **more: Any) -> Program:
    """A process on the same server, with a home of its own."""
    home = more.pop("home", None)
    options = more.pop("options", {})
    given = {"settings": place.settings, "store": [server.kind, server.address, options], "key": KEY, **more}
    return Program([mode], given, env={**os.environ, "HOME": str(home)} if home else None)


@pytest.mark.slow
def test_the_processes_of_two_hosts(place: Site, server: StoreServer, tmp_path: Path) -> None:
    """Twenty-four of them, tokens of two seconds' life, and a server that ends the session when one is used twice."""
    place.sandbox.switch(token_lifetime=2.0)
    place.login()
    homes = [tmp_path / "one", tmp_path / "two"]
    programs = []
    for home in homes:
        home.mkdir()
        programs.append(program("crowd", place, server, processes=12, calls=20, pause=0.3, home=home))
    for each in programs:
        with each:
            assert [each.hear() for _ in range(12)] == [["ok"] * 20] * 12
    assert {request.status for request in place.token_requests()} == {200}
    assert place.state() == "live"
    spent = [request.json()["refresh_token"] for request in place.token_requests()]
    assert len(spent) == len(set(spent))
    assert not any(list(home.rglob("*")) for home in homes)


def test_a_holder_that_is_stopped_keeps_the_lock(place: Site, server: StoreServer) -> None:
    """As long as its connection or its lease lives: whoever waits too long gets an error, and nothing is sent."""
    place.login()
    place.hold()
    with program("calls", place, server, calls=1) as holder:
        assert holder.hear() == "ready"
        holder.tell("go")
        place.sandbox.wait_for_held()
        holder.process.send_signal(signal.SIGSTOP)
        try:
            with place.client(lock_patience=0.3) as api, pytest.raises(StoreBusy, match=r"another process.*more than"):
                api.get_current_user()
        finally:
            holder.process.send_signal(signal.SIGCONT)
        assert len(place.token_requests()) == 1
        place.sandbox.release()
        assert holder.hear() == ["ok"]
    with place.client() as api:
        api.get_current_user()
    assert len(place.token_requests()) == 1


def test_a_holder_that_is_killed_lets_go(place: Site, server: StoreServer) -> None:
    options = {"lease": 2.0} if "Redis" in server.kind else {}
    with program("hold_lease", place, server, options=options) as holder:
        assert holder.hear() == "held"
        holder.process.kill()
        holder.process.wait(10)
        with place.store.lease(KEY, patience=10) as lease:
            assert lease.load() is None


def test_a_lost_server_is_a_typed_error_before_anything_is_sent(place: Site, server: StoreServer) -> None:
    login = place.login()
    server.kill()
    try:
        with place.client() as api, pytest.raises(StoreError, match=r"cannot (connect|read).*check that the server"):
            api.get_current_user()
    finally:
        server.start()
    assert not place.sandbox.requests
    assert place.stored() == login
    with place.client() as api:
        api.get_current_user()


@pytest.mark.slow
@pytest.mark.parametrize("back_before_the_save", [False, True])
def test_a_server_that_crashes_in_mid_refresh(
    place: Site, server: StoreServer, log: pytest.LogCaptureFixture, back_before_the_save: bool
) -> None:
    """The new pair lives in memory and is stored when that works again; what was stored is still there."""
    login = place.login()
    place.hold()
    with place.client() as api:
        call = Background(api.get_current_user)
        place.sandbox.wait_for_held()
        server.kill()
        if back_before_the_save:
            server.start()
        place.sandbox.release()
        call.finish()
        if not back_before_the_save:
            assert "could not be stored" in log.text
            server.start()
            assert place.stored() == login
        # Closing saves what could not be saved before.
    assert place.state() == "live"
    assert len(place.token_requests()) == 1


@pytest.mark.slow
def test_a_server_that_is_cut_off_in_mid_refresh(
    place: Site, server: StoreServer, log: pytest.LogCaptureFixture
) -> None:
    """Every step ends in time. For others the login is as it was: busy as long as the lock is there, never half."""
    login = place.login()
    place.hold()
    with place.client(store=server.store(server.far)) as api:
        call = Background(api.get_current_user)
        place.sandbox.wait_for_held()
        server.line.freeze()
        began = time.monotonic()
        place.sandbox.release()
        call.finish()
        assert time.monotonic() - began < 45
        assert "could not be stored" in log.text
        assert place.stored() == login
        assert len(place.token_requests()) == 1
        server.line.thaw()
    assert place.state() == "live"


@pytest.mark.slow
def test_every_step_ends_in_time_where_no_byte_comes_back(server: StoreServer) -> None:
    """Connecting included. No error shows a token."""
    login = Login(access_token=Secret("canary-access"), refresh_token=Secret("canary-refresh"), generation=1)
    store = server.store(server.far)
    began = time.monotonic()
    with store.lease(KEY, patience=1) as lease:
        server.line.freeze()
        for step in (lease.load, lease.prepare, lambda: lease.save(login)):
            with pytest.raises(StoreError, match="cannot") as caught:
                step()
            assert "canary" not in frames_of(caught.value)
    for use in steps_of(store):
        with pytest.raises(StoreError, match="cannot"):
            use()
    assert time.monotonic() - began < 60


def test_connections_that_were_cut_between_two_uses_do_no_harm(server: StoreServer) -> None:
    store = server.store(server.far)
    with store.lease(KEY, patience=1) as lease:
        lease.save(Login(generation=1))
    server.line.cut()
    assert store.load(KEY) == Login(generation=1)
    server.line.cut()
    with store.lease(KEY, patience=1) as lease:
        lease.save(Login(generation=2))
    assert store.load(KEY) == Login(generation=2)


def test_a_fork_uses_the_same_store(server: StoreServer) -> None:
    store = server.store()
    with store.lease(KEY, patience=1) as lease:
        lease.save(Login(generation=1))
    child = os.fork()
    if child == 0:
        try:
            with store.lease(KEY, patience=5) as lease:
                lease.save(Login(generation=(lease.load() or Login()).generation + 1))
            os._exit(0)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.load(KEY) == Login(generation=2)


def test_clients_that_were_never_signed_in_leave_nothing_behind(place: Site, server: StoreServer) -> None:
    for number in range(3):
        with place.client(profile=f"person-{number}") as api, pytest.raises(LoginRequired):
            api.get_current_user()
    if "Redis" in server.kind:
        with server.server.client() as client:  # type: ignore[union-attr]
            assert client.dbsize() == 0


ADDRESSES = {
    "PostgresTokenStore": "postgresql://krebit:hunter2hunter2@127.0.0.1:1/krebit",
    "RedisTokenStore": "redis://krebit:hunter2hunter2@127.0.0.1:1/0",
}
MALFORMED = {
    "PostgresTokenStore": [
        "this hunter2hunter2",
        "postgresql://u:hunter2hunter2@[::1/x",
        "postgresql://u@h/d?hunter2hunter2=1",
    ],
    "RedisTokenStore": ["hunter2hunter2", "redis://u:hunter2hunter2@h:hunter2hunter2", "redis://h/0?hunter2hunter2=1"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_password_is_shown(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    store: TokenStore = getattr(krebit, kind)(ADDRESSES[kind])
    shown = [repr(store), repr(vars(store))]
    for step in steps_of(store):
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:1.*cannot.*check") as caught:
            step()
        assert caught.value.__cause__ is None
        shown += [str(caught.value), frames_of(caught.value)]
    for address in MALFORMED[kind]:
        with pytest.raises(ConfigurationError, match=kind) as refused:
            getattr(krebit, kind)(address)
        shown += [str(refused.value), frames_of(refused.value)]
    assert "hunter2" not in "".join(shown) + caplog.text


@pytest.mark.slow
def test_a_login_that_could_not_be_saved_is_found_by_a_later_client(
    place: Site, server: StoreServer, log: pytest.LogCaptureFixture
) -> None:
    """A closed client leaves it to the next one of this process, which has a store object of its own."""
    place.login()
    place.hold()
    with place.client() as api:
        call = Background(api.get_current_user)
        place.sandbox.wait_for_held()
        server.kill()
        place.sandbox.release()
        call.finish()
    server.start()
    # Redis keeps the lease of the holder whose release it did not hear: it ends after 30 seconds, as a call does.
    with place.client(store=server.store(), timeout=120.0) as api:
        api.get_current_user()
    assert "could not be stored" in log.text
    assert place.state() == "live"
    assert len(place.token_requests()) == 1


SAME = {
    "PostgresTokenStore": (
        "postgresql://krebit:one@db.example/krebit",
        "host=db.example dbname=krebit user=krebit password=two connect_timeout=1",
    ),
    "RedisTokenStore": ("redis://krebit:one@redis.example", "rediss://redis.example:6379/0?socket_timeout=1"),
}
OTHERS = {
    "PostgresTokenStore": [
        "postgresql://krebit:one@other.example/krebit",
        "postgresql://krebit:one@db.example:5433/krebit",
        "postgresql://krebit:one@db.example/other",
        "postgresql://other:one@db.example/krebit",
        "postgresql://krebit:one@db.example/krebit?options=-csearch_path%3Dother",
    ],
    "RedisTokenStore": ["redis://other.example", "redis://redis.example:6380", "redis://redis.example/1"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_stores_of_one_place_are_equal_and_no_others(kind: str) -> None:
    first, second = (getattr(krebit, kind)(address) for address in SAME[kind])
    assert first == second
    assert hash(first) == hash(second)
    for address in OTHERS[kind]:
        assert getattr(krebit, kind)(address) != first
