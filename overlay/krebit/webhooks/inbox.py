"""The memory of deliveries: they are stored before the answer, taken by workers, and remembered afterwards.

A signature holds no time: only this memory tells a repetition from a new delivery.

    store ──► due ──take──► leased ──complete──► handled (key and hash are kept, the body is erased)
               ▲              │ ├────retry────► due later
               │              │ └────fail─────► failed ──redeliver──► due
               └──lease ends──┘
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from krebit.webhooks.events import WebhookEvent, parse_stored

StoreOutcome: TypeAlias = Literal["new", "same", "conflict"]
CONFLICT = "the key is known with another body"
"""The reason of each of `Inbox.conflicts`."""


@dataclass(frozen=True, slots=True)
class LeasedDelivery:
    """A delivery that its taker may handle until the lease ends.

    `attempt` counts how often the delivery was taken. An inbox ignores a worker whose attempt is not the
    latest. `tries` counts the same since the delivery was stored, or redelivered by hand.
    """

    number: int
    key: str
    body: bytes = field(repr=False)
    attempt: int
    tries: int

    def event(self) -> WebhookEvent:
        """Return the delivered event."""
        return parse_stored(self.key, self.body)


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A delivery that waits for a person. `arrived` is in seconds since the epoch."""

    key: str
    body: bytes = field(repr=False)
    arrived: float
    reason: str

    def event(self) -> WebhookEvent:
        """Return the delivered event."""
        return parse_stored(self.key, self.body)


class Inbox(Protocol):
    """The memory that a receiver and its workers share. Every method may be called from any thread.

    Any exception of `store` means that nothing is stored: the receiver answers 503, and the sender sends it again.
    """

    def store(self, key: str, digest: str, body: bytes) -> StoreOutcome:
        """Store a delivery for good before returning.

        Returns "new", or "same" if it is known already, or "conflict" if `key` is known with another digest: then the
        body is kept beside the first one, and never taken.
        """
        ...

    def take(self, lease: float) -> LeasedDelivery | None:
        """Return a delivery that is due and keep it from others for `lease` seconds. Return None if none is due.

        First attempts come before repeated ones, in the order of arrival.
        """
        ...

    def renew(self, delivery: LeasedDelivery, lease: float) -> bool:
        """Extend the lease to `lease` seconds from now. Return False if it was lost."""
        ...

    def complete(self, delivery: LeasedDelivery) -> bool:
        """Note that it was handled, and erase its body. Return False if the lease was lost."""
        ...

    def retry(self, delivery: LeasedDelivery, pause: float) -> bool:
        """Make it due again in `pause` seconds. Return False if the lease was lost."""
        ...

    def fail(self, delivery: LeasedDelivery, reason: str) -> bool:
        """Keep it for a person. Return False if the lease was lost."""
        ...

    def failures(self) -> list[FailedDelivery]:
        """Return all that failed, the oldest first."""
        ...

    def conflicts(self) -> list[FailedDelivery]:
        """Return each body that came with a known key and another digest, the oldest first."""
        ...

    def redeliver(self, key: str) -> bool:
        """Make a failed delivery due now, with all its tries. Return False if `key` has not failed."""
        ...

    def prune(self, seconds: float, *, failures: bool = False) -> int:
        """Forget handled deliveries, and conflicts, that arrived more than `seconds` ago. Return how many deliveries.

        A forgotten delivery that is sent again is new. `failures` forgets failed deliveries as well.
        """
        ...

    def close(self) -> None:
        """Close files and connections of this process. A later use opens them again."""
        ...


@runtime_checkable
class NotifyingInbox(Protocol):
    """An inbox that hears of deliveries which other processes store. Workers poll any other inbox each second."""

    def listen(self, heard: Callable[[], object], stopped: Event) -> None:
        """Call `heard` for each delivery stored by anybody. Return within a second after `stopped` is set."""
        ...
