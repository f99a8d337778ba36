"""When a request is sent again, and when it must not be."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from krebit import ConnectionFailed, ServerError, TransportError
from krebit.http.call import AccessToken, Call, Driver, make_call, run_blocking
from krebit.http.deadline import Deadline
from krebit.http.request import CallOptions, RequestBuilder
from krebit.http.retry import RetryBudget, wait_before_retry
from krebit.http.send import Failure, Reply
from krebit.redaction import Secret
from krebit_api.api import Operation
from krebit_api.models import WebhookStoreRequest
from krebit_sandbox import Sandbox
from tests.ports import closed_port
from tests.transport.support import Place, RawServer, Way, facts_of, received_reply, reply

USER = {"id": 1, "name": "Anna"}
GET = Operation("get_current_user", "GET", "/api/1.0/me")


def subscribe(api: Any) -> Any:
    return api.create_webhook(body=WebhookStoreRequest(event="EVENT_TYPE", target="https://a.example/"))


@pytest.mark.parametrize("kind", ["reset", "close", "stall", "stall_body", "truncate", "garbage", "status"])
def test_a_post_that_may_have_arrived_is_sent_once(sandbox: Sandbox, way: Way, kind: str) -> None:
    sandbox.fault(kind=kind, path="/api/1.0/webhooks", times=None, status=502)

    error = Place.sandbox(sandbox).error(way, subscribe, timeout=2.0 if "stall" in kind else 30.0)

    assert isinstance(error, ServerError if kind == "status" else TransportError)
    assert isinstance(error, ServerError) or error.sent
    assert [request.path for request in sandbox.requests] == ["/api/1.0/webhooks"]


def test_a_post_on_a_kept_connection_that_is_cut_is_sent_once(sandbox: Sandbox, way: Way) -> None:
    sandbox.fault(kind="close", path="/api/1.0/webhooks", times=None)
    place = Place.sandbox(sandbox)

    if way == "blocking":
        with place.client() as api:
            api.get_current_user()
            with pytest.raises(ConnectionFailed):
                subscribe(api)
    else:

        async def main() -> None:
            async with place.async_client(way) as api:
                await api.get_current_user()
                with pytest.raises(ConnectionFailed):
                    await subscribe(api)

        asyncio.run(main())

    assert [request.method for request in sandbox.requests] == ["GET", "POST"]


def test_a_post_that_was_not_sent_is_sent_again(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    with closed_port() as port, caplog.at_level("DEBUG", "krebit"):
        error = Place.at(f"localhost:{port}", plain_http=True).error(way, subscribe)

    assert isinstance(error, ConnectionFailed)
    assert not error.sent
    attempts = [facts["attempt"] for facts in facts_of(caplog.records)]
    assert attempts == [1, 2, 3]


def test_429_is_obeyed_for_a_post_too(sandbox: Sandbox, way: Way) -> None:
    sandbox.fault(kind="status", path="/api/1.0/webhooks", status=429, times=2, headers={"Retry-After": "0"})

    assert Place.sandbox(sandbox).call(way, subscribe).event == "EVENT_TYPE"
    assert [request.status for request in sandbox.requests] == [429, 429, 201]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "truncate"},
        {"kind": "reset"},
        {"kind": "close"},
        {"kind": "garbage"},
        {"kind": "status", "status": 408},
        {"kind": "status", "status": 503, "body": b""},
        {"kind": "status", "status": 520, "body": "<html>"},
    ],
    ids=str,
)
def test_a_get_that_fails_twice_succeeds_the_third_time(sandbox: Sandbox, way: Way, fault: dict[str, Any]) -> None:
    sandbox.fault(**fault, path="/api/1.0/clients/*", times=2)

    assert Place.sandbox(sandbox).call(way, lambda api: api.get_client(12345)).id == 12345
    assert len(sandbox.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 419, 422, 499])
def test_what_would_fail_again_is_not_sent_again(sandbox: Sandbox, status: int) -> None:
    sandbox.fault(kind="status", path="/api/1.0/me", status=status, times=None)

    Place.sandbox(sandbox).error("blocking", lambda api: api.get_current_user())
    assert len(sandbox.requests) == 1


def test_retries_are_set_per_client_and_per_call(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", path="/api/1.0/me", status=500, times=None)
    with Place.sandbox(sandbox).client(retries=1) as api:
        for view, attempts in ((api, 2), (api.with_options(retries=0), 1), (api.with_options(retries=2), 3)):
            before = len(sandbox.requests)
            with pytest.raises(ServerError):
                view.get_current_user()
            assert len(sandbox.requests) - before == attempts


def test_a_bearer_that_is_refused_is_replaced_once_and_the_call_replayed(sandbox: Sandbox, way: Way) -> None:
    sandbox.fault(kind="status", path="/api/1.0/me", status=401, times=1)

    assert Place.sandbox(sandbox).call(way, lambda api: api.get_current_user()).id is not None
    assert [request.path for request in sandbox.requests] == ["/api/1.0/me", "/api/oauth/token", "/api/1.0/me"]


def _wait(outcome: Reply | Failure, method: str = "GET", **changes: Any) -> float | None:
    settings: dict[str, Any] = {"attempt": 1, "retries": 2, "remaining": 30.0, "budget": RetryBudget(), **changes}
    return wait_before_retry(method, outcome, **settings)


def test_pauses_are_jittered_and_grow_to_a_cap() -> None:
    for attempt, cap in ((1, 0.5), (2, 1.0), (3, 2.0), (20, 8.0), (100_000, 8.0)):
        pauses = [_wait(received_reply(503), attempt=attempt, retries=10**6) for _ in range(300)]
        assert all(pause is not None and 0 <= pause <= cap for pause in pauses)
        assert max(pause or 0 for pause in pauses) > cap / 2
        assert min(pause or 0 for pause in pauses) < cap / 2


def test_a_servers_wait_is_never_shortened() -> None:
    for status in (429, 503, 408):
        for _ in range(50):
            wait = _wait(received_reply(status, retry_after="5"))
            assert wait is not None
            assert wait >= 5


@pytest.mark.parametrize("reply", [received_reply(429), received_reply(429, retry_after="0")], ids=["none", "0"])
def test_a_limit_that_says_no_time_is_waited_for_for_a_second(reply: Reply) -> None:
    for _ in range(50):
        wait = _wait(reply)
        assert wait is not None
        assert wait >= 1


@pytest.mark.parametrize(
    "outcome", [received_reply(503), received_reply(429), Failure("connect", "", sent=False)], ids=repr
)
def test_nothing_is_waited_for_past_the_deadline(outcome: Reply | Failure) -> None:
    assert _wait(outcome, remaining=0.0) is None


@pytest.mark.parametrize("kind", ["certificate", "too_large"])
def test_what_cannot_get_better_is_not_tried_again(kind: Any) -> None:
    assert _wait(Failure(kind, "", sent=False)) is None


class _Offline(Driver):
    """Takes its outcomes from the test, and waits for nothing."""

    def __init__(self, outcomes: Callable[[], Reply | Failure]) -> None:
        self._outcomes = outcomes
        self.sent = 0

    async def acquire_slot(self, operation: str, longest: float | None) -> Callable[[], object]:
        return lambda: None

    async def send(self, request: httpx.Request, deadline: Deadline, longest_silence: float | None) -> Reply | Failure:
        self.sent += 1
        return self._outcomes()

    async def token(self, rejected: Secret | None, deadline: Deadline) -> AccessToken:
        return AccessToken(Secret("token"), refreshed=False)

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0


def _attempts(budget: RetryBudget, outcomes: Callable[[], Reply | Failure], retries: int = 5) -> int:
    """Return how often one call sends."""
    driver = _Offline(outcomes)
    call = make_call(
        driver,
        Call(
            GET,
            RequestBuilder("https://tenant.example", "agent"),
            lambda: {"method": "get", "url": GET.path},
            CallOptions(3600, retries),
            budget,
            lambda: True,
        ),
    )
    with contextlib.suppress(ServerError, TransportError):
        run_blocking(call)
    return driver.sent


def test_an_outage_is_not_multiplied() -> None:
    budget = RetryBudget()
    assert sum(_attempts(budget, lambda: received_reply(503)) for _ in range(200)) == 200 + 20


def test_successes_earn_the_budget_back() -> None:
    budget = RetryBudget()
    while budget.left > 1:
        assert budget.spend()
    assert _attempts(budget, lambda: received_reply(503)) == 2
    assert _attempts(budget, lambda: received_reply(503)) == 1
    for _ in range(11):
        assert _attempts(budget, lambda: received_reply(200)) == 1
    assert _attempts(budget, lambda: received_reply(503)) == 2


def test_occasional_failures_are_always_tried_again() -> None:
    generator, budget = random.Random(1), RetryBudget()
    for _ in range(5000):
        outcomes = itertools.chain(
            [received_reply(502 if generator.random() < 0.05 else 200)], itertools.repeat(received_reply(200))
        )
        _attempts(budget, lambda outcomes=outcomes: next(outcomes))  # type: ignore[misc]
    assert budget.spend()


def test_the_answer_after_a_retry_is_whole() -> None:
    with RawServer(
        lambda connection, request: connection.sendall(
            reply(USER)[:-5] if request.number < 3 else reply({**USER, "name": "Third"})
        )
    ) as server:
        assert Place.raw(server).call("blocking", lambda api: api.get_current_user()).name == "Third"
