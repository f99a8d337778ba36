"""An inbox in memory, for tests: it ends with the process, and no other process sees it."""

import threading
import time
from dataclasses import dataclass

from krebit.webhooks.inbox import CONFLICT, FailedDelivery, LeasedDelivery, StoreOutcome

_NOT_DUE = float("inf")


@dataclass
class _Row:
    number: int
    key: str
    digest: str
    body: bytes | None
    arrived: float
    due: float = 0.0
    attempt: int = 0
    tries: int = 0
    failure: str | None = None

    def kept(self, reason: str) -> FailedDelivery:
        return FailedDelivery(self.key, self.body or b"", self.arrived, reason)


class MemoryInbox:
    """Keeps deliveries in memory. See `Inbox` for its methods."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}
        self._conflicts: dict[tuple[str, str], _Row] = {}
        self._count = 0

    def store(self, key: str, digest: str, body: bytes) -> StoreOutcome:
        with self._lock:
            self._count += 1
            row = _Row(self._count, key, digest, body, time.time())
            known = self._rows.setdefault(key, row)
            if known is row:
                return "new"
            if known.digest == digest:
                return "same"
            self._conflicts.setdefault((key, digest), row)
            return "conflict"

    def take(self, lease: float) -> LeasedDelivery | None:
        with self._lock:
            now = time.time()
            due = [row for row in self._rows.values() if row.body is not None and row.due <= now]
            if not due:
                return None
            row = min(due, key=lambda row: (row.due, row.number))
            row.due = now + lease
            row.attempt += 1
            row.tries += 1
            return LeasedDelivery(row.number, row.key, row.body or b"", row.attempt, row.tries)

    def renew(self, delivery: LeasedDelivery, lease: float) -> bool:
        return self._change(delivery, due=time.time() + lease)

    def complete(self, delivery: LeasedDelivery) -> bool:
        return self._change(delivery, body=None)

    def retry(self, delivery: LeasedDelivery, pause: float) -> bool:
        return self._change(delivery, due=time.time() + pause)

    def fail(self, delivery: LeasedDelivery, reason: str) -> bool:
        return self._change(delivery, due=_NOT_DUE, failure=reason)

    def failures(self) -> list[FailedDelivery]:
        with self._lock:
            return [row.kept(row.failure) for row in self._rows.values() if row.failure is not None]

    def conflicts(self) -> list[FailedDelivery]:
        with self._lock:
            return [row.kept(CONFLICT) for row in self._conflicts.values()]

    def redeliver(self, key: str) -> bool:
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.failure is None:
                return False
            row.due, row.tries, row.failure = 0.0, 0, None
            return True

    def prune(self, seconds: float, *, failures: bool = False) -> int:
        limit = time.time() - seconds
        with self._lock:
            old = [
                row
                for row in self._rows.values()
                if row.arrived < limit and (row.body is None or (failures and row.failure is not None))
            ]
            for row in old:
                del self._rows[row.key]
            self._conflicts = {name: row for name, row in self._conflicts.items() if row.arrived >= limit}
            return len(old)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _change(self, delivery: LeasedDelivery, **changes: object) -> bool:
        with self._lock:
            row = self._rows.get(delivery.key)
            if row is None or row.attempt != delivery.attempt or row.body is None or row.failure is not None:
                return False
            for name, value in changes.items():
                setattr(row, name, value)
            return True
