"""A rate limit that is met while looking ahead slows a walk, and does not fail it."""

import itertools
import threading
import time
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from krebit import RateLimited
from krebit.pagination.schedule import Schedule
from krebit_sandbox import Sandbox
from tests.pages.server import Answer, ListServer, records
from tests.pages.support import World, ids, walked

MakeServer = Callable[[Callable[[int], Any]], ListServer]
NO_RETRIES = {"retries": 0}


class Limited:
    """Refuses each page of `pages` so many times, with these headers."""

    def __init__(self, pages: dict[int, int], last: int = 12, **headers: str) -> None:
        self.left = dict(pages)
        self.last = last
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._lock = threading.Lock()

    def __call__(self, page: int) -> Any:
        with self._lock:
            if self.left.get(page, 0) > 0:
                self.left[page] -= 1
                return Answer({"message": "Too Many Attempts."}, status=429, headers=self.headers)
        return {"data": records(page), "meta": {"last_page": self.last}}


@pytest.mark.parametrize("prefetch", [1, 4, 16])
def test_limits_on_the_way_are_waited_for(list_server: MakeServer, world: World, prefetch: int) -> None:
    server = list_server(Limited({2: 1, 3: 2, 4: 1, 9: 1, 12: 1}, Retry_After="0.01"))
    found = walked(server, world, limit=1, prefetch=prefetch, client=NO_RETRIES)
    assert ids(found) == list(range(1, 13))


@pytest.mark.parametrize("prefetch", [1, 4])
def test_a_limit_that_ends_later_than_announced_is_waited_for(
    list_server: MakeServer, world: World, prefetch: int
) -> None:
    """A Laravel tenant counts whole seconds: in a part of the last one it refuses, and announces 0.

    See `availableIn` in https://github.com/laravel/framework/blob/12.x/src/Illuminate/Cache/RateLimiter.php
    """
    refused: list[float] = []

    def script(page: int) -> Any:
        now = monotonic()
        if page == 2 and (not refused or now < refused[0] + 0.9):
            refused.append(now)
            return Answer({"message": "Too Many Attempts."}, status=429, headers={"Retry-After": "0"})
        return {"data": records(page), "meta": {"last_page": 6}}

    assert ids(walked(list_server(script), world, limit=1, prefetch=prefetch)) == list(range(1, 7))


def test_a_limit_pauses_all_pages_once(list_server: MakeServer, world: World, caplog: pytest.LogCaptureFixture) -> None:
    refused: list[float] = []

    def script(page: int) -> Any:
        now = time.monotonic()
        if page > 1 and (not refused or now < refused[0] + 1.5):
            refused.append(now)
            return Answer({"message": "Too Many Attempts."}, status=429, headers={"Retry-After": "2"})
        return {"data": records(page), "meta": {"last_page": 40}}

    caplog.set_level("INFO", "krebit")
    found = walked(list_server(script), world, limit=1, prefetch=8)
    assert ids(found) == list(range(1, 41))
    assert len(refused) <= 8  # those that were under way already
    assert [record.getMessage() for record in caplog.records] == ["list_clients: rate limit, all calls wait 2.0 s"]


class Counted:
    """Refuses page 5 once, when page 16 has been asked for. Then counts the pages that come before one is answered."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pages: set[int] = set()
        self._answered = False
        self.in_flight = 0

    def __call__(self, page: int) -> Any:
        with self._changed:
            is_new = page not in self._pages
            self._pages.add(page)
            self._changed.notify_all()
            if page == 5 and is_new:
                self._changed.wait_for(lambda: 16 in self._pages, 30)
                return Answer({"message": "Too Many Attempts."}, status=429, headers={"Retry-After": "0.01"})
            if page > 16 and not self._answered:
                self.in_flight += 1
                self._changed.wait_for(lambda: self.in_flight > 5, 0.3)  # time for more to come than are allowed
                self._answered = True
        return {"data": records(page), "meta": {"last_page": 24}}


def test_fewer_are_in_flight_afterwards(list_server: MakeServer, world: World) -> None:
    """Half of the eight. Those that were under way at the refusal and succeed may make it one more."""
    script = Counted()
    found = walked(list_server(script), world, limit=1, prefetch=8, client=NO_RETRIES)
    assert ids(found) == list(range(1, 25))
    assert 1 <= script.in_flight <= 5


@pytest.mark.slow
def test_without_a_time_it_waits_longer_each_time(list_server: MakeServer, world: World) -> None:
    script = Limited({2: 3})
    asked: list[float] = []

    def noted(page: int) -> Any:
        if page == 2:
            asked.append(monotonic())
        return script(page)

    walked(list_server(noted), world, limit=1, prefetch=1, client=NO_RETRIES)
    waits = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert len(waits) == 3
    # No less than 1, 2 and 4 seconds; a busy machine may add to each.
    assert [least <= wait for least, wait in zip((1, 2, 4), waits, strict=True)] == [True] * 3


@pytest.mark.parametrize("prefetch", [1, 4])
def test_a_limit_that_never_ends_fails(list_server: MakeServer, world: World, prefetch: int) -> None:
    server = list_server(Limited({3: 10**6}, Retry_After="0.01"))
    with pytest.raises(RateLimited):
        walked(server, world, limit=1, prefetch=prefetch, client=NO_RETRIES)
    assert server.asked.count(3) == 11


@pytest.mark.parametrize("wait", ["301", "9" * 400])
def test_a_wait_that_nobody_can_mean_fails_at_once(list_server: MakeServer, world: World, wait: str) -> None:
    server = list_server(Limited({3: 1}, Retry_After=wait))
    with pytest.raises(RateLimited):
        walked(server, world, limit=1, prefetch=4, client=NO_RETRIES)


@pytest.mark.parametrize("prefetch", [1, 4])
def test_a_limit_on_the_first_page_is_waited_for(list_server: MakeServer, world: World, prefetch: int) -> None:
    """Longer than the timeout of a call, as a limit for each minute is."""
    server = list_server(Limited({1: 1}, last=3, Retry_After="3"))
    found = walked(server, world, limit=1, prefetch=prefetch, client={"timeout": 2.9, "retries": 0})
    assert ids(found) == [1, 2, 3]
    assert server.asked[:2] == [1, 1]


def test_a_walk_through_a_tenant_that_limits(sandbox: Sandbox, world: World) -> None:
    """Each call waits for as long as the server says; the sandbox's minute is passed by its own clock."""
    sandbox.switch(clients=100)
    for _ in range(6):
        sandbox.fault(
            kind="status",
            path="*/clients",
            skip=2,
            status=429,
            headers={"Retry-After": "0.01"},
            body={"message": "Too Many Attempts."},
        )
    assert len(walked(sandbox, world, limit=10, prefetch=8, on_drift="raise")) == 100


def test_a_server_that_no_longer_tells_holds_nothing_back() -> None:
    schedule = Schedule(8)
    schedule.note_headers({"x-ratelimit-remaining": "1"})
    schedule.begin()
    assert schedule.delay() is None
    schedule.note_headers({})
    assert schedule.delay() == 0
