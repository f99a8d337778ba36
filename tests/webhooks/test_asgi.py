"""The ASGI receiver: served alone or in front of another application, and requests that are cancelled or hang up."""

import asyncio
import threading
import tracemalloc
from typing import Any

import pytest

from krebit.webhooks import AsgiReceiver, MemoryInbox, Receiver, WebhookEvent
from tests.webhooks.cases import SECRET, act_created, signed
from tests.webhooks.exchange import Exchange, run
from tests.webhooks.workers import worker_threads

PATH = "/webhooks/krebit"


def receiver_of(handled: list[WebhookEvent], **settings: Any) -> Receiver:
    settings = {"inbox": MemoryInbox(), "handle_here": False, **settings}
    return Receiver(SECRET, handled.append, **settings)


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """The application that stands behind."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("path", "root", "status"),
    [
        (PATH, "", 200),
        (f"{PATH}/", "", 200),
        (f"/prefix{PATH}", "/prefix", 200),  # as newer servers write it
        (f"/prefix{PATH}/", "/prefix/", 200),
        (PATH, "/prefix", 200),  # as older servers write it
        (f"{PATH}//", "", 204),
        (f"{PATH}/more", "", 204),
        (f"/prefix{PATH}", "", 204),
        ("/webhooks", "", 204),
        ("/", "", 204),
    ],
)
@pytest.mark.parametrize("configured", [PATH, f"{PATH}/"])
def test_in_front_of_an_application_it_answers_at_its_path(path: str, root: str, status: int, configured: str) -> None:
    async def test() -> None:
        app = AsgiReceiver(receiver_of([]), elsewhere, path=configured)
        exchange = Exchange(act_created(), path=path, root_path=root)
        await exchange.start(app)
        assert exchange.sent[0]["status"] == status

    run(test)


def test_other_protocols_go_to_the_application_behind() -> None:
    seen: list[str] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def test() -> None:
        app = AsgiReceiver(receiver_of([]), behind, path=PATH)
        exchange = Exchange(b"")
        for kind in ("lifespan", "websocket"):
            await app({"type": kind, "path": PATH}, exchange.receive, exchange.send)

    run(test)
    assert seen == ["lifespan", "websocket"]


def test_an_application_without_a_path_is_a_mistake_that_is_said() -> None:
    several: list[dict[str, Any]] = [{"app": elsewhere}, {"path": PATH}]
    for arguments in several:
        with pytest.raises(TypeError, match="both app and path"):
            AsgiReceiver(receiver_of([]), **arguments)


def test_alone_it_refuses_other_protocols_as_the_specification_says() -> None:
    async def test() -> None:
        exchange = Exchange(b"")
        with pytest.raises(NotImplementedError):
            await AsgiReceiver(receiver_of([]))({"type": "websocket"}, exchange.receive, exchange.send)
        with pytest.raises(NotImplementedError):  # nothing is to be handled here
            await AsgiReceiver(receiver_of([]))({"type": "lifespan"}, exchange.receive, exchange.send)

    run(test)


def test_alone_it_runs_the_worker_from_the_server_s_start_to_its_stop() -> None:
    async def test() -> None:
        loops: list[object] = []

        begun = asyncio.Event()

        async def handle(event: WebhookEvent) -> None:
            begun.set()
            await asyncio.sleep(0.05)  # the stop comes meanwhile
            loops.append(asyncio.get_running_loop())

        before = worker_threads()
        app = AsgiReceiver(Receiver(SECRET, handle, inbox=MemoryInbox()))
        incoming: asyncio.Queue[Any] = asyncio.Queue()
        outgoing: asyncio.Queue[Any] = asyncio.Queue()
        living = asyncio.create_task(app({"type": "lifespan"}, incoming.get, outgoing.put))
        await incoming.put({"type": "lifespan.startup"})
        assert await outgoing.get() == {"type": "lifespan.startup.complete"}
        await Exchange(act_created()).start(app)
        await begun.wait()
        await incoming.put({"type": "lifespan.shutdown"})
        assert await outgoing.get() == {"type": "lifespan.shutdown.complete"}
        await living
        assert loops == [asyncio.get_running_loop()]
        assert worker_threads() <= before

    run(test)


class Slow(MemoryInbox):
    """Stores when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.storing, self.may_store = threading.Event(), threading.Event()

    def store(self, key: str, digest: str, body: bytes) -> Any:
        self.storing.set()
        self.may_store.wait(30)
        return super().store(key, digest, body)


def test_a_request_that_is_cancelled_while_it_is_stored_is_handled_all_the_same() -> None:
    handled: list[WebhookEvent] = []
    inbox = Slow()
    receiver = receiver_of(handled, inbox=inbox)

    async def test() -> None:
        request = Exchange(act_created()).start(AsgiReceiver(receiver))
        await asyncio.to_thread(inbox.storing.wait, 30)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        inbox.may_store.set()

    run(test)
    while not receiver.drain():
        pass
    assert len(handled) == 1


def test_a_sender_that_is_gone_when_the_answer_is_sent_is_handled_all_the_same() -> None:
    handled: list[WebhookEvent] = []
    receiver = receiver_of(handled)

    async def test() -> None:
        exchange = Exchange(act_created())

        async def gone(message: Any) -> None:
            raise ConnectionResetError

        await AsgiReceiver(receiver)(exchange.scope, exchange.receive, gone)

    run(test)
    assert receiver.drain() == 1


def test_a_sender_that_hangs_up_in_mid_body_leaves_nothing() -> None:
    receiver = receiver_of([])

    async def test() -> None:
        exchange = Exchange(act_created())
        exchange.incoming = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
        await exchange.start(AsgiReceiver(receiver))
        assert exchange.sent[0]["status"] == 401  # which nobody hears

    run(test)
    assert receiver.drain() == 0


def test_an_inbox_that_is_slow_does_not_block_the_loop() -> None:
    inbox = Slow()

    async def test() -> None:
        app = AsgiReceiver(receiver_of([], inbox=inbox))
        exchanges = [Exchange(act_created(number)) for number in range(5)]
        requests = [exchange.start(app) for exchange in exchanges]
        await asyncio.to_thread(inbox.storing.wait, 30)
        await asyncio.sleep(0.05)
        assert not any(request.done() for request in requests)
        inbox.may_store.set()
        await asyncio.gather(*requests)
        assert [exchange.sent[0]["status"] for exchange in exchanges] == [200] * 5

    run(test)


def test_the_same_application_serves_one_loop_after_another() -> None:
    handled: list[WebhookEvent] = []
    receiver = receiver_of(handled)
    app = AsgiReceiver(receiver)
    for number in range(3):

        async def deliver(body: bytes = act_created(number)) -> None:
            await Exchange(body).start(app)

        run(deliver)
    receiver.drain()
    assert [event.id for event in handled] == [0, 1, 2]


def test_a_body_that_is_announced_as_too_large_is_not_read() -> None:
    async def test() -> None:
        exchange = Exchange(b"", [*signed(b"x"), (b"Content-Length", b"2000000")])
        exchange.incoming = []
        await exchange.start(AsgiReceiver(receiver_of([])))
        assert exchange.sent[0]["status"] == 413

    run(test)


def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    async def test() -> None:
        limit, chunk = 4 * 1024 * 1024, b"x" * 65_536
        app = AsgiReceiver(receiver_of([], max_body=limit))
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
