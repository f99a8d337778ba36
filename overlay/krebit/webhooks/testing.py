"""Tests that an `Inbox` must pass. Needs nothing but the inbox; pytest collects them:

class TestMyInbox(InboxConformance):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.file = tmp_path / "inbox"

    def make_inbox(self):
        return MyInbox(self.file)
"""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from krebit.webhooks.inbox import Inbox, LeasedDelivery, StoreOutcome

__all__ = ["InboxConformance"]

_LEASE = 60.0
_SHORT = 0.2
_PATIENCE = 30.0


class InboxConformance:
    """Derive from it and override `make_inbox`; override `process_factory` too where processes share the inbox."""

    def make_inbox(self) -> Inbox:
        """Return an inbox. Each test begins with an empty one; within a test, all calls give the same deliveries."""
        raise NotImplementedError("override make_inbox() to return your inbox")

    def process_factory(self) -> Callable[[], Inbox] | None:
        """Return a function like `make_inbox` that can be pickled, for other processes; None for one process."""
        return None

    def test_a_delivery_is_new_once(self) -> None:
        """Know a delivery after it was handled too, and for everybody who shares the inbox."""
        inbox, other = self.make_inbox(), self.make_inbox()
        assert inbox.store("a", "digest", b"body") == "new", "the first store() must return 'new'"
        assert other.store("a", "digest", b"body") == "same", "the same key and digest must return 'same'"
        assert inbox.complete(_take(other)), "complete() must return True within the lease"
        assert inbox.store("a", "digest", b"body") == "same", "a handled delivery must stay known"
        assert inbox.take(_LEASE) is None, "a handled delivery must not be taken again"
        _close(inbox, other)

    def test_odd_keys_and_bodies_are_kept_as_they_are(self) -> None:
        """Keep keys of a kilobyte, quotes and percent signs; and bodies of any bytes, up to a megabyte."""
        inbox = self.make_inbox()
        keys = ["k" * 1000, "'; --", '["\\u0000", "%s %(a)s {} ?"]', "K" * 1000]
        bodies = [bytes(range(256)), b"\0", b"x" * 1_000_000, b"'%s"]
        for key, body in zip(keys, bodies, strict=True):
            assert inbox.store(key, "digest", body) == "new", f"{key!r} must not be taken for another key"
        for key, body in zip(keys, bodies, strict=True):
            delivery = _take(inbox)
            assert (delivery.key, delivery.body) == (key, body), (
                "take() must return what store() was given, the oldest first"
            )
        _close(inbox)

    def test_another_body_is_a_conflict(self) -> None:
        """Keep the other body once, and never give it out, whatever became of the first."""
        inbox = self.make_inbox()
        inbox.store("a", "digest", b"first")
        for _ in range(2):
            assert inbox.store("a", "another", b"second") == "conflict", "another digest must return 'conflict'"
        delivery = _take(inbox)
        assert delivery.body == b"first", "the first body must be handled"
        assert inbox.take(_LEASE) is None, "a conflict must not be taken"
        inbox.complete(delivery)
        assert inbox.store("a", "another", b"second") == "conflict", "the digest must outlive the body"
        assert inbox.store("a", "digest", b"first") == "same", "a conflict must not change the first"
        assert [(kept.key, kept.body) for kept in inbox.conflicts()] == [("a", b"second")]
        _close(inbox)

    def test_deliveries_are_taken_in_the_order_of_arrival(self) -> None:
        """Give out first attempts before repeated ones, and each to one taker."""
        inbox, other = self.make_inbox(), self.make_inbox()
        for key in "cab":
            inbox.store(key, "digest", b"body")
        first = _take(inbox)
        assert (first.key, first.attempt, first.tries) == ("c", 1, 1), "the oldest must come first"
        assert inbox.retry(first, 0.0), "retry() must return True within the lease"
        inbox.store("d", "digest", b"body")
        delivery = [_take(each) for each in (other, inbox, other, inbox)]
        assert [each.key for each in delivery] == ["a", "b", "d", "c"], "first attempts must come before repeated ones"
        assert (delivery[3].attempt, delivery[3].tries) == (2, 2), "each take() counts"
        assert inbox.take(_LEASE) is None, "a taken delivery must be kept from others"
        _close(inbox, other)

    def test_a_lease_ends(self) -> None:
        """Give the delivery to another taker then. The first one changes nothing any more."""
        inbox, other = self.make_inbox(), self.make_inbox()
        inbox.store("kept", "digest", b"body")
        _take(inbox)
        assert other.take(_LEASE) is None, "the lease must keep others out"
        inbox.store("a", "digest", b"body")
        first = _take(inbox, _SHORT)
        second = _take_later(other)
        assert second.key == first.key, "the lease must keep others out"
        assert second.attempt == first.attempt + 1, "the attempt must grow"
        for changed in (
            inbox.renew(first, _LEASE),
            inbox.complete(first),
            inbox.retry(first, 0),
            inbox.fail(first, ""),
        ):
            assert changed is False, "who lost the lease must get False"
        assert other.take(_LEASE) is None, "who lost the lease must change nothing"
        assert inbox.failures() == [], "who lost the lease must change nothing"
        assert other.complete(second), "the latest taker must be heard"
        assert not other.complete(second), "what is handled cannot be handled again"
        _close(inbox, other)

    def test_a_lease_is_renewed(self) -> None:
        """Begin the lease anew, shorter or longer."""
        inbox = self.make_inbox()
        inbox.store("a", "digest", b"body")
        delivery = _take(inbox, 1.0)
        assert inbox.renew(delivery, _LEASE), "renew() must return True within the lease"
        time.sleep(1.1)
        assert inbox.take(_LEASE) is None, "a renewed lease must keep others out"
        assert inbox.renew(delivery, 0.0)
        assert _take_later(inbox).attempt == 2, "renew() must set the lease's end, not add to it"
        _close(inbox)

    def test_a_retry_waits_for_its_pause(self) -> None:
        inbox = self.make_inbox()
        inbox.store("a", "digest", b"body")
        began = time.monotonic()
        inbox.retry(_take(inbox), 0.5)
        _take_later(inbox)
        assert time.monotonic() - began >= 0.4, "a delivery must not be due before its pause is over"
        _close(inbox)

    def test_a_failure_is_kept_and_redelivered_by_hand(self) -> None:
        """Give the delivery out again with all its tries, and with an attempt that goes on."""
        inbox, other = self.make_inbox(), self.make_inbox()
        inbox.store("a", "digest", b"body")
        before = time.time()
        delivery = _take(inbox)
        assert inbox.fail(delivery, "reason"), "fail() must return True within the lease"
        assert inbox.take(_LEASE) is None, "a failure must not be taken"
        assert not inbox.renew(delivery, 0.0), "a failure must stay one"
        (kept,) = other.failures()
        assert (kept.key, kept.body, kept.reason) == ("a", b"body", "reason")
        assert abs(kept.arrived - before) < 3600, "`arrived` must be in seconds since the epoch"
        assert inbox.store("a", "digest", b"body") == "same", "a failure must stay known"
        assert inbox.take(_LEASE) is None, "a failure that is sent again must stay one"
        assert not inbox.redeliver("b"), "redeliver() must return False for a delivery that has not failed"
        assert other.redeliver("a"), "redeliver() must return True for a failure"
        assert not other.redeliver("a"), "redeliver() must return False the second time"
        again = _take(inbox)
        assert (again.attempt, again.tries) == (2, 1), "tries must begin anew, and attempts must not"
        assert inbox.failures() == []
        _close(inbox, other)

    def test_prune_forgets_what_is_finished(self) -> None:
        """Forget handled deliveries and conflicts of a certain age, and failures where asked, and no others."""
        inbox = self.make_inbox()
        for key in ("handled", "failed", "taken", "due"):
            inbox.store(key, "digest", b"body")
        inbox.store("handled", "another", b"body")
        inbox.complete(_take(inbox))
        inbox.fail(_take(inbox), "reason")
        delivery = _take(inbox)
        assert inbox.prune(3600) == 0, "what is younger must be kept"
        assert len(inbox.conflicts()) == 1, "what is younger must be kept"
        assert inbox.prune(-3600) == 1, "prune() must return how many deliveries it forgot"
        assert inbox.conflicts() == [], "old conflicts must be forgotten"
        assert [kept.key for kept in inbox.failures()] == ["failed"], "failures must be kept unless asked otherwise"
        assert inbox.prune(-3600, failures=True) == 1
        assert inbox.failures() == []
        assert inbox.complete(delivery), "what is being handled must be kept"
        assert _take(inbox).key == "due", "what is due must be kept"
        assert inbox.store("handled", "digest", b"body") == "new", "a forgotten delivery is new"
        _close(inbox)

    def test_a_closed_inbox_opens_again(self) -> None:
        inbox = self.make_inbox()
        inbox.store("a", "digest", b"body")
        inbox.close()
        inbox.close()
        assert inbox.store("a", "digest", b"body") == "same", "close() must lose nothing"
        _close(inbox)

    def test_of_many_at_once_one_is_first(self) -> None:
        """Return "new" once for each delivery, and give it out once: to threads, and to processes that share it."""
        with ThreadPoolExecutor(8) as threads:
            _compete(threads, self.make_inbox, 8)
        if (factory := self.process_factory()) is not None:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(4, context, context.Barrier(4, timeout=_PATIENCE).wait) as processes:
                _compete(processes, factory, 4)

    def test_of_many_bodies_at_once_one_is_first(self) -> None:
        """Give out one of the bodies that come under one key at the same time, and keep the others as conflicts."""
        inbox = self.make_inbox()
        with ThreadPoolExecutor(8) as threads:
            given = list(threads.map(lambda number: inbox.store("a", f"digest {number}", b"%d" % number), range(8)))
        assert sorted(given) == ["conflict"] * 7 + ["new"], f"one must be new, and the others conflicts: {given}"
        assert given[int(_take(inbox).body)] == "new", "the new one must be handled"
        assert len(inbox.conflicts()) == 7, "each other body must be kept"
        _close(inbox)


def _take(inbox: Inbox, lease: float = _LEASE) -> LeasedDelivery:
    delivery = inbox.take(lease)
    assert delivery is not None, "take() must return a delivery that is due"
    return delivery


def _take_later(inbox: Inbox) -> LeasedDelivery:
    deadline = time.monotonic() + _PATIENCE
    while (delivery := inbox.take(_LEASE)) is None:
        assert time.monotonic() < deadline, "a delivery must be due again when its lease, or its pause, has ended"
        time.sleep(0.02)
    return delivery


def _close(*inboxes: Inbox) -> None:
    for inbox in inboxes:
        inbox.close()


def _compete(workers: Executor, make_inbox: Callable[[], Inbox], number: int) -> None:
    names = [f"{type(workers).__name__} {each}" for each in range(20)]
    answers = list(workers.map(_store_all, [make_inbox] * number, [names] * number))
    for position, name in enumerate(names):
        given = sorted(answer[position] for answer in answers)
        assert given == ["new"] + ["same"] * (number - 1), f"{name} must be new once, and was {given}"
    taken = [key for keys in workers.map(_take_all, [make_inbox] * number) for key in keys]
    assert sorted(taken) == sorted(names), "each delivery must be taken once"


def _store_all(make_inbox: Callable[[], Inbox], names: list[str]) -> list[StoreOutcome]:
    inbox = make_inbox()
    try:
        return [inbox.store(name, "digest", b"body") for name in names]
    finally:
        inbox.close()


def _take_all(make_inbox: Callable[[], Inbox]) -> list[str]:
    inbox = make_inbox()
    keys = []
    try:
        while (delivery := inbox.take(_LEASE)) is not None:
            keys.append(delivery.key)
            inbox.complete(delivery)
    finally:
        inbox.close()
    return keys
