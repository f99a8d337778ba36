"""Many callers, one token at its end: one request, and everybody goes on."""

import asyncio
import threading
import time
from typing import Any

import httpx
import pytest

from krebit import MemoryTokenStore
from krebit.config import UncheckedSettings, check_settings
from krebit.errors import DeadlineExceeded, LoginRequired, StoreBusy
from krebit.oauth.session import TokenSession
from krebit.redaction import Secret
from krebit.stores import Login, LoginKey, TokenStore
from tests.oauth.support import TOKEN, Background, Program, Site

THREADS = 50


def together(call: Any, count: int = THREADS) -> list[Any]:
    barrier = threading.Barrier(count)

    def one() -> Any:
        barrier.wait()
        return call()

    return [each.finish() for each in [Background(one) for _ in range(count)]]


def test_fifty_threads(site: Site) -> None:
    site.login()
    with site.client() as api:
        assert len(together(api.get_current_user)) == THREADS
    assert len(site.token_requests()) == 1
    assert site.state() == "live"


def test_fifty_threads_that_are_all_refused(site: Site) -> None:
    """A token that the server no longer takes, while the clock says that it is good."""
    site.login(expired=False)
    with site.client() as api:
        api.get_current_user()
        site.sandbox.expire_access_tokens()
        together(api.get_current_user)
    assert len(site.token_requests()) == 1


def test_fifty_tasks(site: Site) -> None:
    site.login()

    async def main() -> list[Any]:
        async with site.async_client() as api:
            return await asyncio.gather(*(api.get_current_user() for _ in range(THREADS)))

    assert len(asyncio.run(main())) == THREADS
    assert len(site.token_requests()) == 1
    assert site.state() == "live"


@pytest.mark.parametrize("kind", ["files", "memory"])
def test_threads_and_tasks_of_several_clients(site: Site, kind: str) -> None:
    site.login()
    if kind == "memory":
        memory = MemoryTokenStore()
        with memory.lease(site.key(), patience=1) as lease:
            lease.save(site.stored())
        site.store = memory
    done: list[Any] = []

    async def tasks() -> None:
        async with site.async_client() as api:
            done.extend(await asyncio.gather(*(api.get_current_user() for _ in range(10))))

    def work() -> None:
        with site.client() as api:
            done.append(api.get_current_user())

    calls = [Background(lambda: asyncio.run(tasks())) for _ in range(3)] + [Background(work) for _ in range(20)]
    for call in calls:
        call.finish()
    assert len(done) == 50
    assert len(site.token_requests()) == 1
    assert site.state() == "live"


def test_all_get_the_error_and_each_its_own(site: Site) -> None:
    site.login()
    site.sandbox.revoke_refresh_token(site.refresh_token())
    errors: list[LoginRequired] = []
    with site.client() as api:

        def call() -> None:
            try:
                api.get_current_user()
            except LoginRequired as error:
                errors.append(error)

        together(call)
    assert len(errors) == THREADS
    assert len(site.token_requests()) == 1
    assert len({id(error) for error in errors}) == THREADS


class Slow:
    """A store that is read when `may_read` is set."""

    def __init__(self, store: TokenStore) -> None:
        self.may_read = threading.Event()
        self.lease = store.lease
        self._load = store.load

    def load(self, key: LoginKey) -> Login | None:
        self.may_read.wait(30)
        return self._load(key)


def test_who_is_refused_does_not_get_the_refused_token_from_a_refresh_that_others_began(site: Site) -> None:
    """The first caller does not know that the stored token is refused: its result is no use to the second."""
    login = site.login(expired=False)
    store = Slow(site.store)
    application = site.sandbox.application
    given = UncheckedSettings(site.sandbox.domain, application.client_id, Secret(application.client_secret))
    with httpx.HTTPTransport() as transport:
        tokens = TokenSession(check_settings(given, plain_http=True), store, lambda: transport, user_agent="test")
        first, second = tokens.refresh(None), tokens.refresh(login.access_token)
        store.may_read.set()
        assert second.result().value != login.access_token
        assert first.result().value in (login.access_token, site.stored().access_token)
    assert len(site.token_requests()) == 1


@pytest.mark.slow
def test_twenty_four_processes(site: Site) -> None:
    """Tokens of two seconds' life, and a server that ends the session when one is used twice."""
    site.sandbox.switch(token_lifetime=2.0)
    site.login()
    with site.program("crowd", processes=24, calls=12, pause=0.3) as program:
        results = [program.hear() for _ in range(24)]
    assert results == [["ok"] * 12] * 24
    assert {request.status for request in site.token_requests()} == {200}
    assert site.state() == "live"
    spent = [request.json()["refresh_token"] for request in site.token_requests()]
    assert len(spent) == len(set(spent))


def test_a_holder_that_is_stopped(site: Site) -> None:
    """The lock is never passed over: whoever waits too long gets an error, and nothing is sent."""
    import signal

    site.login()
    site.hold()
    with site.program("calls", calls=1) as holder:
        assert holder.hear() == "ready"
        holder.tell("go")
        site.sandbox.wait_for_held()
        holder.process.send_signal(signal.SIGSTOP)
        try:
            with site.client(lock_patience=0.3) as api, pytest.raises(StoreBusy, match="another process"):
                api.get_current_user()
        finally:
            holder.process.send_signal(signal.SIGCONT)
        assert len(site.token_requests()) == 1
        site.sandbox.release()
        assert holder.hear() == ["ok"]
    with site.client() as api:
        api.get_current_user()
    assert len(site.token_requests()) == 1


def test_a_thread_that_holds_the_lease_too_long(site: Site) -> None:
    site.login()
    with (
        site.store.lease(site.key(), patience=1),
        site.client(lock_patience=0.1) as api,
        pytest.raises(StoreBusy, match="thread"),
    ):
        api.get_current_user()
    assert not site.sandbox.requests


def test_a_client_each_and_one_grant_from_the_environment(site: Site) -> None:
    """It is used once, whoever comes first."""
    seed = site.sandbox.issue_tokens().refresh_token

    def work() -> None:
        with site.client(refresh_token=seed) as api:
            api.get_current_user()

    together(work, 20)
    assert [request.status for request in site.token_requests()] == [200]
    assert site.state() == "live"


def test_two_tenants_and_two_applications_on_one_store(site: Site) -> None:
    """Each has a login of its own."""
    other = site.sandbox.register("Another", ["https://a.example/callback"])
    tenant = {"domain": site.sandbox.domain.replace("localhost", "127.0.0.1")}
    application = {"client_id": other.client_id, "client_secret": other.client_secret}
    first = site.login()
    seed = site.sandbox.issue_tokens().refresh_token
    for settings in (tenant, application):
        with site.client(**settings) as api, pytest.raises(LoginRequired, match="not signed in"):
            api.get_current_user()
    with site.client(**tenant, refresh_token=seed) as api:
        api.get_current_user()
        api.logout()
    assert site.stored() == first
    with site.client() as api:
        api.get_current_user()
    assert site.state() == "live"


def test_the_lock_is_not_held_during_calls_of_the_api(site: Site) -> None:
    site.login()
    site.sandbox.fault(kind="hold", path="/api/1.0/me")
    with site.client() as api:
        call = Background(api.get_current_user)
        site.sandbox.wait_for_held()
        with site.store.lease(site.key(), patience=0.1):
            pass
        site.sandbox.release()
        call.finish()


def test_a_waiter_is_more_patient_than_a_refresh_may_take(site: Site) -> None:
    site.login()
    with site.client(refresh_timeout=2.0) as api:
        with site.store.lease(site.key(), patience=1):
            call = Background(api.get_current_user)
            time.sleep(2.5)  # longer than the client's refresh may take
        call.finish()


@pytest.mark.parametrize("release_first", [False, True])
def test_a_fork_while_a_refresh_is_under_way(site: Site, release_first: bool) -> None:
    """The child has no thread that would end the refresh: it waits for the parent's, through the lock."""
    site.login()
    site.hold()
    with site.program("forked") as program:
        site.sandbox.wait_for_held()
        if not release_first:
            program.tell("fork")
            assert program.hear() == "forked"
            site.sandbox.release()
        else:
            site.sandbox.release()
            program.tell("fork")
            assert program.hear() == "forked"
        assert program.hear() == {"parent": ["ok"], "child": 0}
    assert len(site.token_requests()) == 1
    assert site.state() == "live"


def test_a_store_in_memory_is_not_shared_with_a_fork() -> None:
    program = Program(["memory_fork"], {})
    assert program.hear() == "StoreError"
    assert program.end() == 0


def test_closing_waits_for_a_refresh_under_way(site: Site) -> None:
    site.login()
    site.hold()
    api = site.client(timeout=0.1)
    with pytest.raises(DeadlineExceeded):
        api.get_current_user()
    site.sandbox.wait_for_held()
    closing = Background(api.close)
    site.sandbox.release()
    closing.finish()
    assert site.state() == "live"
    assert len([request for request in site.sandbox.requests if request.path == TOKEN]) == 1


def test_however_many_join_one_thread_does_the_work(site: Site) -> None:
    site.login()
    site.hold()

    async def main() -> None:
        async with site.async_client() as api:
            calls = [asyncio.create_task(api.get_current_user()) for _ in range(200)]
            await asyncio.to_thread(site.sandbox.wait_for_held)
            assert [thread.name for thread in threading.enumerate()].count("krebit-login") == 1
            site.sandbox.release()
            await asyncio.gather(*calls)

    asyncio.run(main())
    assert len(site.token_requests()) == 1
