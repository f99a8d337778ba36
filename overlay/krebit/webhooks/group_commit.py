"""Store together the deliveries that threads bring at the same time: the disk takes as long for some as for one."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from krebit.errors import StoreError
from krebit.webhooks.inbox import StoreOutcome


class NewDelivery:
    """A delivery that its thread waits to store. The thread that stores it sets `outcome` or `error`.

    No Future: a signal handler that raises in one leaves its lock taken, and the other thread would wait for it.
    """

    def __init__(self, key: str, digest: str, body: bytes) -> None:
        self.key = key
        self.digest = digest
        self.body = body
        self.outcome: StoreOutcome | None = None
        self.error: StoreError | None = None


class GroupCommit:
    """Passes to `store_all` what has come while the group before was stored. One for each process.

    `store_all` stores for good, and returns the outcome of each. Its exception means that each must be sent again: a
    delivery that was stored nevertheless is known then. It is called with the `lock`.
    """

    def __init__(
        self, store_all: Callable[[Sequence[NewDelivery]], list[StoreOutcome]], lock: AbstractContextManager[Any]
    ) -> None:
        self._store_all = store_all
        self._lock = lock
        self._waiting: deque[NewDelivery] = deque()

    def store(self, delivery: NewDelivery) -> StoreOutcome:
        """Return the outcome. Raises what `store_all` raised, or StoreError where that was in another thread."""
        self._waiting.append(delivery)
        with self._lock:
            if delivery.outcome is None and delivery.error is None:
                self._store_waiting()
        if delivery.outcome is None:
            # Without an error: a signal handler raised between two steps of the thread that stored.
            raise delivery.error or StoreError("nothing was stored")
        return delivery.outcome

    def _store_waiting(self) -> None:
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            outcomes = self._store_all(group)
        except BaseException as error:
            for delivery in group:
                delivery.error = StoreError(f"nothing was stored ({type(error).__name__})")
            raise
        for delivery, outcome in zip(group, outcomes, strict=True):
            delivery.outcome = outcome
