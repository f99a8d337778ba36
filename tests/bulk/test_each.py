"""One operation for many arguments: order, outcomes, rate limits, leaving, both colours."""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from krebit import (
    AsyncKrebit,
    ConfigurationError,
    Krebit,
    LoginRequired,
    MemoryTokenStore,
    NotFound,
    Outcome,
    RateLimited,
    each,
    paginate,
)
from krebit_sandbox import Sandbox
from tests.pages.support import call_threads
from tests.waiting import wait_for

FIRST = 12345
Collect = Callable[..., list[Outcome[Any, Any]]]


def client(sandbox: Sandbox, **options: Any) -> Krebit:
    return Krebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore(), **options)


def async_client(sandbox: Sandbox, **options: Any) -> AsyncKrebit:
    return AsyncKrebit.from_env(sandbox.environment, plain_http=True, store=MemoryTokenStore(), **options)


@pytest.fixture(params=["blocking", "asynchronous"])
def collect(request: pytest.FixtureRequest, sandbox: Sandbox) -> Collect:
    """Return the outcomes of an operation, named, for many arguments."""

    def blocking(operation: str, arguments: Any, **options: Any) -> list[Outcome[Any, Any]]:
        with client(sandbox) as api:
            return list(each(getattr(api, operation), arguments, **options))

    def asynchronous(operation: str, arguments: Any, **options: Any) -> list[Outcome[Any, Any]]:
        async def main() -> list[Outcome[Any, Any]]:
            async with async_client(sandbox) as api:
                return [found async for found in each(getattr(api, operation), arguments, **options)]

        return asyncio.run(main())

    return blocking if request.param == "blocking" else asynchronous


def calls(sandbox: Sandbox, status: int | None = None) -> list[str]:
    """Return the paths that were asked for."""
    return [
        request.path
        for request in sandbox.requests
        if request.path.startswith("/api/1.0/clients/") and status in (None, request.status)
    ]


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_outcomes_come_in_the_order_of_the_arguments(collect: Collect, concurrency: int) -> None:
    ids = list(range(FIRST + 30, FIRST, -1))
    found = collect("get_client", ids, concurrency=concurrency)
    assert [one.argument for one in found] == ids
    assert [one.value.id for one in found] == ids
    assert all(one.ok and one.error is None for one in found)


def test_a_failure_is_the_outcome_of_its_argument_alone(collect: Collect) -> None:
    found = collect("get_client", [FIRST, 1, FIRST + 1])
    assert [one.ok for one in found] == [True, False, True]
    assert isinstance(found[1].error, NotFound)
    # Many failures are kept in little memory: frames would hold the answer and the request of each.
    assert found[1].error.__traceback__ is None
    with pytest.raises(NotFound):
        _ = found[1].value
    assert "12345" not in repr(found)


def test_arguments_may_be_tuples_and_mappings(collect: Collect) -> None:
    found = collect("list_clients", [{"limit": 1, "page": 2}, {"limit": 2}])
    assert [len(one.value.data) for one in found] == [1, 2]
    (one,) = collect("get_client", [(FIRST,)])
    assert one.value.id == FIRST
    assert one.argument == (FIRST,)


def test_no_arguments(collect: Collect) -> None:
    assert collect("get_client", []) == []


def test_an_error_that_ends_it(collect: Collect, sandbox: Sandbox) -> None:
    with pytest.raises(NotFound):
        collect("get_client", [FIRST, 1, *range(FIRST, FIRST + 50)], concurrency=2, stop_on=(NotFound,))
    assert len(calls(sandbox)) < 10


def test_without_a_login_it_ends_at_once(sandbox: Sandbox) -> None:
    environment = {name: value for name, value in sandbox.environment.items() if "TOKEN" not in name}
    environment.pop("KREBIT_AUTH_CODE", None)
    with Krebit.from_env(environment, plain_http=True, store=MemoryTokenStore()) as api, pytest.raises(LoginRequired):
        list(each(api.get_client, range(100)))


def test_arguments_are_drawn_as_they_are_needed(sandbox: Sandbox) -> None:
    drawn: list[int] = []

    def endless() -> Iterator[int]:
        for number in itertools.count(FIRST):
            drawn.append(number)
            yield number

    with client(sandbox) as api:
        outcomes = each(api.get_client, endless(), concurrency=4)
        for _ in range(10):
            next(outcomes)
        outcomes.close()
    assert 10 <= len(drawn) <= 16


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (16, 24)])
def test_arguments_that_are_drawn_before_the_first_outcome(collect: Collect, concurrency: int, most: int) -> None:
    """Those of the page: with one call at a time, an argument that comes late holds up no outcome."""
    drawn: list[int] = []
    before: list[int] = []

    def ids() -> Iterator[int]:
        for number in range(FIRST, FIRST + 40):
            drawn.append(number)
            yield number

    def note(count: int, total: int | None) -> None:
        before.append(len(drawn))

    collect("get_client", ids(), concurrency=concurrency, progress=note)
    assert before[0] == most


def test_arguments_from_an_asynchronous_iterable(sandbox: Sandbox) -> None:
    async def main() -> list[int]:
        async def ids() -> AsyncIterator[int]:
            for number in range(FIRST, FIRST + 5):
                await asyncio.sleep(0)
                yield number

        async with async_client(sandbox) as api:
            return [found.value.id async for found in each(api.get_client, ids())]

    assert asyncio.run(main()) == list(range(FIRST, FIRST + 5))


def test_a_walk_and_its_calls_overlap(sandbox: Sandbox) -> None:
    with client(sandbox) as api:
        ids = (record.id for record in paginate(api.list_clients, limit=5))
        found = list(each(api.get_client, ids, concurrency=4))
    assert len(found) == 57
    paths = [request.path for request in sandbox.requests]
    last_page = max(number for number, path in enumerate(paths) if path == "/api/1.0/clients")
    assert any(path.startswith("/api/1.0/clients/") for path in paths[:last_page])


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_rate_limit_is_waited_for(collect: Collect, sandbox: Sandbox, concurrency: int) -> None:
    sandbox.fault(kind="status", status=429, path="/api/1.0/clients/*", times=3, headers={"Retry-After": "1"})
    ids = list(range(FIRST, FIRST + 20))
    found = collect("get_client", ids, concurrency=concurrency)
    assert [one.value.id for one in found] == ids
    # Nobody asked again for what had come.
    assert sorted(calls(sandbox, 200)) == sorted(f"/api/1.0/clients/{number}" for number in ids)


def test_a_limit_pauses_all_once(collect: Collect, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "krebit")
    sandbox.fault(kind="status", status=429, path="/api/1.0/clients/*", times=1, headers={"Retry-After": "2"})
    sandbox.switch(latency=0.05)
    ids = list(range(FIRST, FIRST + 40))
    assert all(one.ok for one in collect("get_client", ids, concurrency=4))
    (pause,) = [record for record in caplog.records if "rate limit, all calls wait 2.0 s" in record.getMessage()]
    attempts = [(record.created, vars(record)["krebit"]) for record in caplog.records if hasattr(record, "krebit")]
    begins = [ended - facts["milliseconds"] / 1000 for ended, facts in attempts]
    # Nobody began to call during the pause, but for those that were about to.
    assert len([begin for begin in begins if pause.created + 0.01 < begin < pause.created + 1.9]) <= 3


def test_a_limit_may_be_longer_than_the_timeout(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", status=429, path="/api/1.0/clients/*", times=4, headers={"Retry-After": "3"})
    with client(sandbox, timeout=2.9) as api:
        found = list(each(api.get_client, range(FIRST, FIRST + 12), concurrency=4))
    assert all(one.ok for one in found)
    assert len(calls(sandbox, 429)) == 4


def test_a_limit_without_an_end_ends_it(collect: Collect, sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", status=429, path="/api/1.0/clients/*", times=None, headers={"Retry-After": "0.01"})
    with pytest.raises(RateLimited):
        collect("get_client", range(FIRST, FIRST + 100), concurrency=4)


class Counting(httpx.BaseTransport):
    """Notes how many calls are in flight when one begins. The first three wait for one another."""

    def __init__(self, ours: httpx.BaseTransport) -> None:
        self._ours = ours
        self._first = threading.Barrier(3)
        self._lock = threading.Lock()
        self._now = 0
        self.seen: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return self._ours.handle_request(request)  # for the token
        with self._lock:
            self._now += 1
            self.seen.append(self._now)
            number = len(self.seen)
        if number <= 3:
            self._first.wait(60)
        try:
            return self._ours.handle_request(request)
        finally:
            with self._lock:
                self._now -= 1

    def close(self) -> None:
        self._ours.close()


def test_no_more_calls_at_once_than_the_server_still_allows(sandbox: Sandbox) -> None:
    sandbox.switch(latency=0.02)
    ids = range(FIRST, FIRST + 40)
    with client(sandbox) as api:
        body = json.loads(api.with_raw_response(api.get_client, FIRST).body)
    sandbox.fault(
        kind="status",
        status=200,
        path="/api/1.0/clients/*",
        times=None,
        body=body,
        headers={"X-RateLimit-Remaining": "2"},
    )
    counting: list[Counting] = []

    def wrap(ours: httpx.BaseTransport) -> httpx.BaseTransport:
        counting.append(Counting(ours))
        return counting[0]

    with client(sandbox, transport=wrap) as api:
        assert all(found.ok for found in each(api.get_client, ids, concurrency=8))
    # The first eight may be under way before the server has told anything.
    assert counting[0].seen[:3] == [1, 2, 3]
    assert max(counting[0].seen[-20:]) <= 2


def test_what_the_server_still_allows_is_used_up_without_a_refusal(collect: Collect, sandbox: Sandbox) -> None:
    sandbox.switch(rate_limit=30)
    found = collect("get_client", range(FIRST, FIRST + 30), concurrency=8)
    assert all(one.ok for one in found)
    assert not calls(sandbox, 429)


def test_progress(collect: Collect) -> None:
    heard: list[tuple[int, int | None]] = []
    collect("get_client", range(FIRST, FIRST + 3), progress=lambda done, total: heard.append((done, total)))
    collect("get_client", iter([FIRST]), progress=lambda done, total: heard.append((done, total)))
    assert heard[:3] == [(1, 3), (2, 3), (3, 3)]
    assert heard[3][0] == 1


def test_leaving_early_makes_no_further_call(sandbox: Sandbox) -> None:
    with client(sandbox) as api:
        for _ in each(api.get_client, range(FIRST, FIRST + 50), concurrency=2):
            break
        # The calls that are under way end; a thread without one ends too.
        wait_for(lambda: not call_threads())
    assert len(calls(sandbox)) <= 8


def test_leaving_early_cancels_tasks(sandbox: Sandbox) -> None:
    async def main() -> int:
        async with async_client(sandbox) as api:
            outcomes = each(api.get_client, range(FIRST, FIRST + 50), concurrency=2)
            await anext(outcomes)
            await outcomes.aclose()
            return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1
    assert len(calls(sandbox)) <= 8


@pytest.mark.parametrize("concurrency", [0, -1, 65, 2.0, "8", None])
def test_what_concurrency_may_be(sandbox: Sandbox, concurrency: Any) -> None:
    with client(sandbox) as api, pytest.raises(ConfigurationError, match="concurrency"):
        each(api.get_client, [FIRST], concurrency=concurrency)


def test_only_operations_of_a_client(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match=r"api\.list_clients"):
        each(len, [FIRST])
