"""Deliveries that come at the same time are stored by one transaction, and none pays for another's fault."""

import asyncio
import os
import resource
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from krebit.webhooks import AsgiReceiver, Receiver, SqliteInbox, WebhookEvent
from krebit.webhooks.inbox import Claim
from tests.webhooks.cases import SECRET, Pairs, act_created, signed
from tests.webhooks.exchange import Exchange, run

Delivery = tuple[bytes, Pairs, int]


class Watched(SqliteInbox):
    """Counts what was claimed in each transaction, holds up claims until it may go on, and breaks as it is told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.transactions: list[int] = []
        self.claims: list[str] = []
        self.poison = "-"
        self.claiming, self.may_claim = threading.Event(), threading.Event()
        self.may_claim.set()

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        self.claiming.set()
        self.may_claim.wait(30)
        self.claims.append(key)
        if self.poison in key:
            raise LookupError(key)
        return super().claim(key, digest, body)

    @contextmanager
    def together(self) -> Iterator[None]:
        before = len(self.claims)
        with super().together():
            yield
        self.transactions.append(len(self.claims) - before)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Watched]:
    inbox = Watched(tmp_path / "inbox.db")
    yield inbox
    inbox.close()


def stored(folder: Path) -> set[str]:
    """The keys that another connection sees."""
    with sqlite3.connect(folder / "inbox.db") as db:
        keys = {key for (key,) in db.execute("SELECT key FROM deliveries")}
    db.close()
    return keys


def delivery(name: object, **more: object) -> Delivery:
    body = act_created(name, **more)
    return body, signed(body), 0


def answers(receiver: Receiver, *deliveries: Delivery) -> list[tuple[int, bytes, object]]:
    """Status and text of each answer, and the id of the event that is ours to handle."""
    return [(answer.status, answer.body, event and event.id) for answer, event in receiver.receive_all(deliveries)]


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_claimed_together_is_seen_by_others_when_all_of_it_is_stored(tmp_path: Path, inbox: Watched) -> None:
    with inbox.together():
        assert [inbox.claim(key, "d", b"b") for key in "abab"] == ["new", "new", "same", "same"]
        assert inbox.claim("a", "e", b"other") == "conflict"
        assert stored(tmp_path) == set()
    assert stored(tmp_path) == {"a", "b"}
    assert inbox.conflicts() == [("a", b"other")]


def test_what_raises_leaves_nothing_and_the_inbox_goes_on(tmp_path: Path, inbox: Watched) -> None:
    inbox.claim("before", "d", b"b")
    with suppress(ZeroDivisionError), inbox.together():
        inbox.claim("a", "d", b"b")
        inbox.done("before")
        raise ZeroDivisionError
    assert stored(tmp_path) == {"before"}
    inbox.failed("before")
    assert list(inbox.pending()) == [("before", b"b")]  # it was not done
    assert inbox.claim("a", "d", b"b") == "new"


def test_other_threads_are_no_part_of_it(tmp_path: Path, inbox: Watched) -> None:
    with ThreadPoolExecutor(1) as pool:
        theirs: list[Future[Claim]] = []
        with suppress(ZeroDivisionError), inbox.together():
            inbox.claim("mine", "d", b"b")
            inbox.claiming.clear()
            theirs.append(pool.submit(inbox.claim, "theirs", "d", b"b"))
            assert inbox.claiming.wait(30)
            raise ZeroDivisionError
        assert theirs[0].result(30) == "new"
    assert stored(tmp_path) == {"theirs"}


def test_a_claim_that_failed_for_want_of_space_is_not_passed_over(tmp_path: Path, inbox: Watched) -> None:
    inbox.claim("before", "d", b"b")

    def claim() -> None:
        with inbox.together():
            for key in "abcd":
                with suppress(sqlite3.Error):
                    inbox.claim(key, "d", b"b" * 50_000)

    with small_disk(100_000), pytest.raises(sqlite3.Error):
        claim()
    assert stored(tmp_path) == {"before"}
    assert inbox.claim("a", "d", b"b") == "new"


def test_a_fork_waits_for_its_end_and_has_an_inbox_that_works(tmp_path: Path, inbox: Watched) -> None:
    def claim() -> None:
        for number in range(100):
            with inbox.together():
                assert [inbox.claim(f"{number} {key}", "d", b"b") for key in "abc"] == ["new"] * 3

    with ThreadPoolExecutor(1) as pool:
        claims = pool.submit(claim)
        forks = 0
        while not claims.done() or forks == 0:
            pid = os.fork()
            if pid == 0:
                os._exit(0 if inbox.claim("child", "d", b"b") in ("new", "same") else 1)
            assert os.waitpid(pid, 0)[1] == 0
            forks += 1
        claims.result()
    assert len(stored(tmp_path)) == 301


def test_each_has_its_own_answer(inbox: Watched) -> None:
    receiver = Receiver(SECRET, print, inbox=inbox, max_body=2_000)
    body = act_created("forged")
    found = answers(
        receiver,
        delivery("a"),
        delivery("b"),
        delivery("a"),
        delivery("b", more=1),
        (body, signed(b"other"), 0),
        (b"[]", signed(b"[]"), 0),
        (body, signed(body), 2_001),
        delivery("c"),
    )
    assert [(status, event) for status, _, event in found] == [
        (200, "a"),
        (200, "b"),
        (200, None),
        (200, None),
        (401, None),
        (400, None),
        (413, None),
        (200, "c"),
    ]
    assert [text for status, text, _ in found if status == 200] == [
        b"stored\n",
        b"stored\n",
        b"known\n",
        b"kept\n",
        b"stored\n",
    ]
    assert inbox.transactions == [5]
    assert receiver.overdue


def test_one_that_cannot_be_stored_does_not_keep_the_others_from_it(tmp_path: Path, inbox: Watched) -> None:
    receiver = Receiver(SECRET, print, inbox=inbox)
    inbox.poison = "poison"
    found = answers(receiver, delivery("a"), delivery("poison"), delivery("b"), delivery("a"))
    assert [(text, event) for _, text, event in found] == [
        (b"stored\n", "a"),
        (b"not stored, send it again\n", None),
        (b"stored\n", "b"),
        (b"known\n", None),
    ]
    assert len(stored(tmp_path)) == 2
    inbox.poison = "-"
    assert answers(receiver, delivery("poison"))[0][1:] == (b"stored\n", "poison")


def test_one_that_is_too_large_for_the_disk_does_not_keep_the_others_from_it(inbox: Watched) -> None:
    receiver = Receiver(SECRET, print, inbox=inbox)
    inbox.claim("before", "d", b"b")
    with small_disk(150_000):
        found = answers(receiver, delivery("a"), delivery("large", more="x" * 300_000), delivery("b"))
    assert [status for status, _, _ in found] == [200, 503, 200]
    assert [text for _, text, _ in answers(receiver, delivery("a"), delivery("large"))] == [b"known\n", b"stored\n"]


def test_when_the_disk_fails_none_is_stored_and_all_are_told_so(
    inbox: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver(SECRET, print, inbox=inbox)
    inbox.claim("before", "d", b"b")
    several = [delivery(number, contact="anna@example.com") for number in range(5)]
    with small_disk(0):
        assert {(status, event) for status, _, event in answers(receiver, *several)} == {(503, None)}
    assert "OperationalError" in caplog.text
    assert "anna" not in caplog.text
    assert [text for _, text, _ in answers(receiver, *several)] == [b"stored\n"] * 5


class Plain:
    """An inbox of a user's own: no more than the protocol, with a store that refuses one key."""

    def __init__(self) -> None:
        self.claims: list[str] = []

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        self.claims.append(key)
        if "poison" in key:
            raise LookupError(key)
        return "same" if key in self.claims[:-1] else "new"

    def done(self, key: str) -> None:
        """It keeps nothing."""

    def failed(self, key: str) -> None:
        """It keeps nothing."""

    def pending(self) -> Iterator[tuple[str, bytes]]:
        yield from ()


def test_an_inbox_of_one_s_own_needs_no_more_than_the_protocol() -> None:
    inbox = Plain()
    found = answers(Receiver(SECRET, print, inbox=inbox), delivery("a"), delivery("poison"), delivery("b"))
    assert [(status, event) for status, _, event in found] == [(200, "a"), (503, None), (200, "b")]
    assert len(inbox.claims) == 3  # each once


async def held_up(app: AsgiReceiver, inbox: Watched, *exchanges: Exchange) -> "list[asyncio.Task[None]]":
    """Requests of which the first is being claimed, and all others wait for it."""
    inbox.may_claim.clear()
    inbox.claiming.clear()
    requests = [exchanges[0].start(app)]
    await asyncio.to_thread(inbox.claiming.wait, 30)
    requests += [exchange.start(app) for exchange in exchanges[1:]]
    await waiting(app, len(exchanges) - 1)
    return requests


async def waiting(app: AsgiReceiver, number: int) -> None:
    while len(app._waiting) < number:  # noqa: ASYNC110 - there is nothing that tells
        await asyncio.sleep(0)


def test_what_waits_is_one_transaction_and_answered_when_that_is_on_the_disk(tmp_path: Path, inbox: Watched) -> None:
    async def test() -> None:
        handled: list[object] = []

        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        class Looking(Exchange):
            async def send(self, message: Any) -> None:
                seen.append(len(stored(tmp_path)))
                await super().send(message)

        seen: list[int] = []
        app = AsgiReceiver(Receiver(SECRET, handle, inbox=inbox))
        exchanges = [Looking(act_created(number)) for number in range(17)]
        requests = await held_up(app, inbox, *exchanges)
        inbox.may_claim.set()
        await asyncio.gather(*requests)
        assert inbox.transactions == [16]
        assert len(inbox.claims) == 17
        assert all(exchange.sent[0]["status"] == 200 for exchange in exchanges)
        assert set(seen[2:]) == {17}  # the first one's answer apart, none before all were stored
        assert sorted(map(str, handled)) == sorted(map(str, range(17)))

    run(test)


def test_what_is_cancelled_while_it_waits_is_not_stored_and_the_others_are(tmp_path: Path, inbox: Watched) -> None:
    app = AsgiReceiver(Receiver(SECRET, print, inbox=inbox))

    async def end_early() -> None:
        await held_up(app, inbox, *(Exchange(act_created(name)) for name in ("first", "a", "b")))

    async def go_on() -> None:
        exchanges = [Exchange(act_created(name)) for name in ("c", "d")]
        requests = [exchange.start(app) for exchange in exchanges]
        await waiting(app, 4)
        inbox.may_claim.set()
        await asyncio.gather(*requests)
        assert [exchange.sent[1]["body"] for exchange in exchanges] == [b"stored\n"] * 2

    asyncio.run(end_early())  # which cancels all that is under way, and closes its loop
    run(go_on)
    assert sorted(key.split('"')[-2] for key in stored(tmp_path)) == ["c", "d", "first"]


def test_several_loops_share_an_application(tmp_path: Path, inbox: Watched) -> None:
    handled: list[object] = []

    async def handle(event: WebhookEvent) -> None:
        handled.append(event.id)

    app = AsgiReceiver(Receiver(SECRET, handle, inbox=inbox))

    def serve(loop: int) -> None:
        async def deliver() -> None:
            exchanges = [Exchange(act_created(f"{loop} {number}")) for number in range(50)]
            await asyncio.gather(*(exchange.start(app) for exchange in exchanges))
            assert {exchange.sent[1]["body"] for exchange in exchanges} == {b"stored\n"}

        run(deliver)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(serve, range(4)))
    assert len(handled) == len(set(handled)) == len(stored(tmp_path)) == 200


def test_a_disk_that_fails_is_a_503_for_all_that_wait_and_then_a_success(inbox: Watched) -> None:
    async def test() -> None:
        handled: list[WebhookEvent] = []
        app = AsgiReceiver(Receiver(SECRET, handled.append, inbox=inbox))
        await Exchange(act_created("before")).start(app)
        handled.clear()
        for status in (503, 200):
            exchanges = [Exchange(act_created(number)) for number in range(5)]
            requests = await held_up(app, inbox, *exchanges)
            with small_disk(0 if status == 503 else resource.RLIM_INFINITY):
                inbox.may_claim.set()
                await asyncio.gather(*requests)
            assert [exchange.sent[0]["status"] for exchange in exchanges] == [status] * 5
        assert len(handled) == 5

    run(test)
