"""Deliveries that come at the same time: stored together, each with an outcome of its own."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from krebit.errors import StoreError
from krebit.webhooks.group_commit import GroupCommit, NewDelivery
from krebit.webhooks.inbox import StoreOutcome
from tests.waiting import wait_for

NAMES = "bcde"


class Disk:
    """Stores the delivery `a` when the test lets it. Fails with `error` for the others."""

    def __init__(self, error: Exception | None = None) -> None:
        self.groups: list[str] = []
        self.is_busy = threading.Event()
        self.may_go_on = threading.Event()
        self._error = error

    def store_all(self, deliveries: Sequence[NewDelivery]) -> list[StoreOutcome]:
        names = "".join(delivery.key for delivery in deliveries)
        self.groups.append(names)
        if names == "a":
            self.is_busy.set()
            assert self.may_go_on.wait(60)
        elif self._error is not None:
            raise self._error
        return ["same" if name == "c" else "new" for name in names]


class Lock:
    """A lock that counts those who came to it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.came: SimpleQueue[None] = SimpleQueue()

    def __enter__(self) -> None:
        self.came.put(None)
        self._lock.acquire()

    def __exit__(self, *exc: object) -> None:
        self._lock.release()


def _store(disk: Disk) -> dict[str, "Future[StoreOutcome]"]:
    """Store a delivery, and the others while it is stored."""
    lock = Lock()
    group = GroupCommit(disk.store_all, lock)

    def store(name: str) -> StoreOutcome:
        return group.store(NewDelivery(name, "digest", b"body"))

    with ThreadPoolExecutor(1 + len(NAMES)) as threads:
        futures = {"a": threads.submit(store, "a")}
        assert disk.is_busy.wait(60)
        futures |= {name: threads.submit(store, name) for name in NAMES}
        wait_for(lambda: lock.came.qsize() == 1 + len(NAMES))
        disk.may_go_on.set()
    return futures


def test_those_that_wait_are_stored_together() -> None:
    disk = Disk()
    outcomes = {name: future.result() for name, future in _store(disk).items()}
    assert outcomes == {"a": "new", "b": "new", "c": "same", "d": "new", "e": "new"}
    assert [sorted(group) for group in disk.groups] == [["a"], list(NAMES)]


def test_a_failure_is_that_of_each_in_the_group() -> None:
    futures = _store(Disk(OSError("no room")))
    assert futures.pop("a").result() == "new"
    errors = [future.exception() for future in futures.values()]
    others = [str(error) for error in errors if isinstance(error, StoreError)]
    assert others == ["nothing was stored (OSError)"] * 3
    assert sum(isinstance(error, OSError) for error in errors) == 1
