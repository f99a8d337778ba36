"""A place among the calls under way, and the times that run from it on."""

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from krebit import ConfigurationError, DeadlineExceeded, Krebit, ServerError
from krebit.http.pool import MAX_CONNECTIONS
from krebit.http.retry import silence_before_retry
from krebit_sandbox import Sandbox
from tests.transport.support import Place, RawRequest, RawServer, Way, arrived, reply
from tests.waiting import wait_for

USER = {"id": 1, "name": "Anna"}


def me(api: Any) -> Any:
    return api.get_current_user()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_thousands_of_calls_at_once_wait_in_line_without_a_timeout(sandbox: Sandbox, way: Way) -> None:
    """The line takes longer than the timeout of a call."""

    async def main() -> None:
        async with Place.sandbox(sandbox, timeout=10.0).async_client(way) as api:
            found = await asyncio.gather(*(api.get_latest_act(12345) for _ in range(5000)))
        assert len({act.uuid for act in found}) == 1

    asyncio.run(main())


@pytest.mark.slow
def test_the_timeout_of_a_call_begins_when_it_has_its_place(way: Way) -> None:
    first, others = threading.Event(), threading.Event()

    def answer(connection: socket.socket, request: RawRequest) -> None:
        if request.number <= MAX_CONNECTIONS:
            gate = first if request.number == 1 else others
            gate.wait(60)
        connection.sendall(reply(USER))

    def give_a_place() -> None:
        time.sleep(3.5)  # longer than the timeout of the call that waits
        assert len(server.requests) == MAX_CONNECTIONS
        first.set()

    async def main() -> None:
        async with place.async_client(way) as api:
            calls = [asyncio.create_task(api.get_current_user()) for _ in range(MAX_CONNECTIONS)]
            await asyncio.to_thread(wait_for, is_full)
            late = asyncio.create_task(api.with_options(timeout=3.0).get_current_user())
            await asyncio.to_thread(give_a_place)
            assert (await late).id == 1
            others.set()
            assert [user.id for user in await asyncio.gather(*calls)] == [1] * MAX_CONNECTIONS

    with RawServer(answer) as server:
        place = Place.raw(server, timeout=60.0, retries=0)

        def is_full() -> bool:
            return len(server.requests) == MAX_CONNECTIONS

        if way == "blocking":
            with place.client() as api, ThreadPoolExecutor(MAX_CONNECTIONS + 1) as pool:
                calls = [pool.submit(api.get_current_user) for _ in range(MAX_CONNECTIONS)]
                wait_for(is_full)
                late = pool.submit(api.with_options(timeout=3.0).get_current_user)
                give_a_place()
                assert late.result().id == 1
                others.set()
                assert [call.result().id for call in calls] == [1] * MAX_CONNECTIONS
        else:
            asyncio.run(main())


def test_a_wait_for_a_place_can_be_bounded(sandbox: Sandbox, way: Way) -> None:
    sandbox.fault(kind="hold", path="/api/1.0/me", times=None)
    place = Place.sandbox(sandbox, timeout=60.0, retries=0)
    if way == "blocking":
        with place.client() as api, ThreadPoolExecutor(MAX_CONNECTIONS) as pool:
            held = [pool.submit(api.get_current_user) for _ in range(MAX_CONNECTIONS)]
            sandbox.wait_for_held(MAX_CONNECTIONS, 60)
            with pytest.raises(DeadlineExceeded) as late:
                api.with_options(queue_timeout=0.2).get_current_user()
            sandbox.release()
            assert all(call.result().id for call in held)
        error = late.value
    else:

        async def main() -> DeadlineExceeded:
            async with place.async_client(way) as api:
                held = [asyncio.create_task(api.get_current_user()) for _ in range(MAX_CONNECTIONS)]
                await asyncio.to_thread(sandbox.wait_for_held, MAX_CONNECTIONS, 60)
                with pytest.raises(DeadlineExceeded) as late:
                    await api.with_options(queue_timeout=0.2).get_current_user()
                sandbox.release()
                assert all(user.id for user in await asyncio.gather(*held))
                return late.value

        error = asyncio.run(main())
    assert "queue_timeout" in str(error)
    assert not error.sent
    assert error.operation == "get_current_user"


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_a_cancelled_call_gives_its_place_back(sandbox: Sandbox, way: Way) -> None:
    async def main() -> None:
        async with Place.sandbox(sandbox).async_client(way) as api:
            await api.get_current_user()
            sandbox.fault(kind="stall", path="/api/1.0/me", times=None)
            tasks = [asyncio.ensure_future(api.get_current_user()) for _ in range(2 * MAX_CONNECTIONS)]
            await asyncio.to_thread(arrived, sandbox, 1 + MAX_CONNECTIONS)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            sandbox.clear_faults()
            found = await asyncio.gather(*(api.get_current_user() for _ in range(MAX_CONNECTIONS)))
            assert len(found) == MAX_CONNECTIONS

    asyncio.run(main())


def test_a_refresh_finds_a_connection_while_every_place_is_taken(sandbox: Sandbox) -> None:
    with Place.sandbox(sandbox, fresh=True).client() as api, ThreadPoolExecutor(MAX_CONNECTIONS) as pool:
        api.get_current_user()
        sandbox.expire_access_tokens()
        assert all(user.id for user in pool.map(lambda _: api.get_current_user(), range(MAX_CONNECTIONS)))


# --- attempts that bring no byte --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stall", "stall_body"])
def test_a_get_whose_first_attempt_stalls_is_sent_again(sandbox: Sandbox, way: Way, kind: str) -> None:
    sandbox.fault(kind=kind, path="/api/1.0/me", times=1)
    started = time.monotonic()

    assert Place.sandbox(sandbox, timeout=60.0, attempt_timeout=2.0).call(way, me).id is not None

    assert time.monotonic() - started < 20
    assert len(sandbox.requests) == 2


@pytest.mark.slow
def test_the_last_attempt_has_all_the_rest(way: Way) -> None:
    """A server that is slower than `attempt_timeout` each time."""

    def answer(connection: socket.socket, request: RawRequest) -> None:
        server.stopped.wait(2.0)
        connection.sendall(reply(USER))

    with RawServer(answer) as server:
        assert Place.raw(server, timeout=20.0, attempt_timeout=0.8).call(way, me).id == 1
        assert len(server.requests) == 3


def test_many_calls_to_a_slow_server_succeed(way: Way) -> None:
    """What is given up for its slowness takes nothing from the allowance for outages."""

    def answer(connection: socket.socket, request: RawRequest) -> None:
        server.stopped.wait(1.0)
        connection.sendall(reply(USER))

    with RawServer(answer) as server:
        place = Place.raw(server, timeout=20.0, attempt_timeout=0.3)
        with place.client() as api, ThreadPoolExecutor(40) as pool:
            assert all(user.id for user in pool.map(lambda _: api.get_current_user(), range(40)))


def test_a_post_is_not_given_up_early(sandbox: Sandbox, way: Way) -> None:
    def answer(connection: socket.socket, request: RawRequest) -> None:
        server.stopped.wait(0.8)
        connection.sendall(reply({"id": 1}))

    with RawServer(answer) as server:
        place = Place.raw(server, timeout=20.0, attempt_timeout=0.1)
        assert place.call(way, lambda api: api.request("POST", "/x", json={})) == {"id": 1}
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("method", "attempt", "remaining", "silence"),
    [
        ("GET", 1, 30.0, 10.0),
        ("GET", 2, 60.0, 10.0),
        ("GET", 2, 19.0, None),  # the rest would be shorter than what is given up
        ("GET", 3, 60.0, None),
        ("POST", 1, 60.0, None),
    ],
)
def test_how_long_an_attempt_may_be_silent(method: str, attempt: int, remaining: float, silence: float | None) -> None:
    found = silence_before_retry(method, attempt=attempt, retries=2, remaining=remaining, attempt_timeout=10.0)
    assert found == silence


# --- where the settings come from -------------------------------------------------------------------------------------

VARIABLES = {"KREBIT_DOMAIN": "yourco.krebit.se", "KREBIT_CLIENT_ID": "id", "KREBIT_CLIENT_SECRET": "secret"}


def test_timeout_and_retries_of_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.fault(kind="status", path="/api/1.0/me", status=503, times=None)
    arguments = Place.sandbox(sandbox).arguments
    monkeypatch.setenv("KREBIT_DOMAIN", arguments["domain"])
    monkeypatch.setenv("KREBIT_CLIENT_ID", arguments["client_id"])
    monkeypatch.setenv("KREBIT_CLIENT_SECRET", arguments["client_secret"])
    monkeypatch.setenv("KREBIT_RETRIES", "0")
    monkeypatch.setenv("KREBIT_TIMEOUT", "2.5")
    options = {"ca_file": arguments["ca_file"], "store": arguments["store"]}
    with Krebit.from_env(**options) as api:
        with pytest.raises(ServerError, match="503"):
            api.get_current_user()
        assert len(sandbox.requests) == 1
        sandbox.clear_faults()
        sandbox.fault(kind="stall", path="/api/1.0/me", times=None)
        with pytest.raises(DeadlineExceeded, match=r"2\.5 s"):
            api.get_current_user()
    with Krebit.from_env(**options, timeout=0.3) as api, pytest.raises(DeadlineExceeded, match=r"0\.3 s"):
        api.get_current_user()


@pytest.mark.parametrize(
    ("name", "value"),
    [("KREBIT_TIMEOUT", "soon"), ("KREBIT_TIMEOUT", "nan"), ("KREBIT_TIMEOUT", "-1"), ("KREBIT_RETRIES", "1.5")],
)
def test_malformed_variables(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Krebit.from_env({**VARIABLES, name: value})


def test_empty_variables_are_none() -> None:
    with Krebit.from_env({**VARIABLES, "KREBIT_TIMEOUT": "", "KREBIT_RETRIES": ""}) as api:
        assert api is not None


@pytest.mark.parametrize("option", ["timeout", "attempt_timeout", "queue_timeout"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), "1", True, 10**6])
def test_seconds_that_cannot_be(option: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{option}: "):
        Krebit("yourco.krebit.se", "id", "secret", **{option: value})


@pytest.mark.slow
def test_a_call_goes_on_as_soon_as_a_place_is_free(sandbox: Sandbox) -> None:
    """A call that runs out of time makes room for it."""
    sandbox.fault(kind="hold", path="/api/1.0/me", times=None)
    with (
        Place.sandbox(sandbox, timeout=60.0, retries=0).client() as api,
        ThreadPoolExecutor(MAX_CONNECTIONS) as pool,
    ):
        held = [pool.submit(api.get_current_user) for _ in range(MAX_CONNECTIONS - 1)]
        sandbox.wait_for_held(MAX_CONNECTIONS - 1, 60)
        stalled = pool.submit(api.with_options(timeout=3.0).get_current_user)
        sandbox.wait_for_held(MAX_CONNECTIONS, 60)
        assert api.list_clients().data
        assert isinstance(stalled.exception(), DeadlineExceeded)
        sandbox.release()
        assert all(call.result().id for call in held)
