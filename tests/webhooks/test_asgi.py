"""The ASGI receiver: what cancels the request, hangs up or is slow must neither lose a delivery nor hold up another."""

import asyncio
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from krebit.webhooks import AsgiReceiver, MemoryInbox, Receiver, SqliteInbox, WebhookEvent
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.exchange import Exchange, run


def test_other_protocols_are_refused_as_the_specification_says() -> None:
    async def test() -> None:
        app = AsgiReceiver(Receiver(SECRET, print, inbox=MemoryInbox()))
        exchange = Exchange(b"")
        for kind in ("lifespan", "websocket"):
            with pytest.raises(NotImplementedError):
                await app({"type": kind}, exchange.receive, exchange.send)

    run(test)


def test_the_answer_goes_out_before_the_handler_begins_and_the_request_waits_for_it() -> None:
    async def test() -> None:
        order: list[str] = []
        may_end = asyncio.Event()

        async def handle(event: WebhookEvent) -> None:
            order.append(f"handling after {exchange.sent[-1]['type']}")
            await may_end.wait()

        exchange = Exchange(act_created())
        request = exchange.start(AsgiReceiver(Receiver(SECRET, handle, inbox=MemoryInbox())))
        await exchange.answered.wait()
        assert not request.done()
        may_end.set()
        await request
        assert order == ["handling after http.response.body"]
        assert exchange.sent[0]["status"] == 200

    run(test)


def test_a_request_cancelled_while_it_is_stored_is_handled_all_the_same() -> None:
    class Slow(MemoryInbox):
        claiming, may_claim = threading.Event(), threading.Event()

        def claim(self, key: str, digest: str, body: bytes) -> Any:
            self.claiming.set()
            self.may_claim.wait(30)
            return super().claim(key, digest, body)

    async def test() -> None:
        handled = asyncio.Event()

        async def handle(event: WebhookEvent) -> None:
            handled.set()

        inbox = Slow()
        exchange = Exchange(act_created())
        request = exchange.start(AsgiReceiver(Receiver(SECRET, handle, inbox=inbox)))
        await asyncio.to_thread(inbox.claiming.wait, 30)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        inbox.may_claim.set()
        await handled.wait()

    run(test)


def test_a_request_cancelled_while_it_is_handled_is_handled_to_the_end() -> None:
    async def test() -> None:
        may_end, ended = asyncio.Event(), asyncio.Event()

        async def handle(event: WebhookEvent) -> None:
            await may_end.wait()
            ended.set()

        exchange = Exchange(act_created())
        request = exchange.start(AsgiReceiver(Receiver(SECRET, handle, inbox=MemoryInbox())))
        await exchange.answered.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        may_end.set()
        await ended.wait()

    run(test)


def test_a_sender_that_is_gone_when_the_answer_is_sent_is_handled_all_the_same() -> None:
    async def test() -> None:
        handled: list[WebhookEvent] = []
        exchange = Exchange(act_created())

        async def gone(message: Any) -> None:
            raise ConnectionResetError

        app = AsgiReceiver(Receiver(SECRET, handled.append, inbox=MemoryInbox()))
        await app(exchange.scope, exchange.receive, gone)
        assert len(handled) == 1

    run(test)


def test_a_sender_that_hangs_up_in_mid_body_leaves_nothing() -> None:
    async def test() -> None:
        handled: list[WebhookEvent] = []
        exchange = Exchange(act_created())
        exchange.incoming = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
        await exchange.start(AsgiReceiver(Receiver(SECRET, handled.append, inbox=MemoryInbox())))
        assert exchange.sent[0]["status"] == 401  # which nobody hears
        assert handled == []

    run(test)


def test_slow_handlers_do_not_hold_up_the_answers() -> None:
    async def test() -> None:
        may_end = threading.Event()
        app = AsgiReceiver(Receiver(SECRET, lambda event: may_end.wait(30), inbox=MemoryInbox()))
        exchanges = [Exchange(act_created(number)) for number in range(100)]
        requests = [exchange.start(app) for exchange in exchanges]
        for exchange in exchanges:
            await exchange.answered.wait()
        assert not any(request.done() for request in requests)
        may_end.set()
        await asyncio.gather(*requests)

    run(test)


def test_a_handler_cancelled_with_its_loop_leaves_the_delivery_pending(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.db")

    async def handle(event: WebhookEvent) -> None:
        await asyncio.Event().wait()

    receiver = Receiver(SECRET, handle, inbox=inbox)
    app = AsgiReceiver(receiver)

    async def begin() -> None:
        exchange = Exchange(act_created())
        request = exchange.start(app)
        await exchange.answered.wait()
        assert not request.done()

    asyncio.run(begin())
    inbox.close()  # as the end of its process would
    assert [event.id for event in receiver.pending()] == ["evt_1"]
    inbox.close()


def test_the_same_application_serves_one_loop_after_another() -> None:
    handled: list[WebhookEvent] = []
    app = AsgiReceiver(Receiver(SECRET, handled.append, inbox=MemoryInbox()))
    for number in range(3):

        async def deliver(body: bytes = act_created(number)) -> None:
            await Exchange(body).start(app)

        run(deliver)
    assert [event.id for event in handled] == [0, 1, 2]


@pytest.mark.parametrize("explicit", [True, False])
def test_what_an_earlier_process_left_is_handled(tmp_path: Path, explicit: bool) -> None:
    async def test() -> None:
        handled: list[object] = []

        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        before, inbox = SqliteInbox(tmp_path / "inbox.db"), SqliteInbox(tmp_path / "inbox.db")
        earlier = Receiver(SECRET, handle, inbox=before)
        for number in range(3):
            earlier.receive(act_created(number), signed(act_created(number)))
        before.close()  # as the end of its process would
        app = AsgiReceiver(Receiver(SECRET, handle, inbox=inbox))
        if explicit:
            await app.recover()
            assert handled == [0, 1, 2]
            await app.recover()
            assert handled == [0, 1, 2]
        else:
            await Exchange(act_created("now")).start(app)
            assert handled == ["now", 0, 1, 2]
        inbox.close()

    run(test)


def test_what_an_asynchronous_handler_fails_on_stays_pending_until_it_is_sent_again() -> None:
    async def test() -> None:
        attempts: list[object] = []

        async def handle(event: WebhookEvent) -> None:
            attempts.append(event.id)
            if len(attempts) == 1:
                raise ValueError(event.payload)

        receiver = Receiver(SECRET, handle, inbox=MemoryInbox())
        app = AsgiReceiver(receiver)
        await app.recover()
        await Exchange(act_created()).start(app)
        assert attempts == ["evt_1"]
        again = Exchange(act_created())
        await again.start(app)
        assert again.sent[1]["body"] == b"known\n"
        assert attempts == ["evt_1", "evt_1"]
        await Exchange(act_created()).start(app)
        assert attempts == ["evt_1", "evt_1"]

    run(test)


def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    async def test() -> None:
        limit, chunk = 4 * 1024 * 1024, b"x" * 65_536
        app = AsgiReceiver(Receiver(SECRET, print, inbox=MemoryInbox(), max_body=limit))
        exchange = Exchange(b"")
        exchange.incoming = [{"type": "http.request", "body": chunk, "more_body": True}] * 1_000
        tracemalloc.start()
        try:
            await exchange.start(app)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert exchange.sent[0]["status"] == 413
        assert len(exchange.incoming) == 1_000 - limit // len(chunk) - 1
        assert limit <= peak <= 2 * limit

    run(test)
