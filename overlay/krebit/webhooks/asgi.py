"""The receiver as an ASGI application, to be mounted in Starlette, FastAPI or any other; it needs none of them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from krebit.errors import WebhookError
from krebit.webhooks.events import WebhookEvent
from krebit.webhooks.receiver import Answer, Receiver

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
T = TypeVar("T")
_Write: TypeAlias = tuple[WebhookEvent, bool, "asyncio.Future[tuple[Answer, bool]]"]
_NOTED = Answer(200, "handled")


class AsgiReceiver:
    """`receiver` as an ASGI application, for the path where it is mounted.

    The handler runs after the answer was sent, in a task of its own that the request waits for: a server that shuts
    down waits for it, and neither a sender that hangs up nor a middleware that cancels the request stops it. A plain
    function runs in a thread. What a crash left undone is handled after the first delivery, or by `recover()`.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        # A thread of its own: slow handlers fill the loop's pool, and a claim must not wait for them.
        self._thread = ThreadPoolExecutor(1, "krebit-inbox")
        self._writes: deque[_Write] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._recovered = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"no {scope['type']} here")  # what the ASGI specification asks for
        try:
            event = await self._read(scope, receive)
        except WebhookError as error:
            await _send(send, self._receiver.refuse(error))
            return
        if event is None:
            return
        loop = asyncio.get_running_loop()
        answer, sent = loop.create_future(), loop.create_future()
        work = loop.create_task(self._work(event, answer, sent))
        self._tasks.add(work)  # the loop itself would not keep it
        work.add_done_callback(self._tasks.discard)
        work.add_done_callback(lambda _: answer.cancel())  # if it was never set, nobody will
        try:
            await _send(send, await answer)
        finally:
            sent.set_result(None)
        await asyncio.shield(work)

    async def recover(self) -> int:
        """Handle all that is pending, after a crash or a failure of the handler. Returns how many there were."""
        self._recovered = True
        number, pending = 0, self._receiver.pending()
        while (event := await self._in_thread(lambda: next(pending, None))) is not None:
            await self._handle(event)
            number += 1
        return number

    async def _read(self, scope: Message, receive: Receive) -> WebhookEvent | None:
        """The event, or None if the sender is gone. Raises WebhookError."""
        declared = [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-length"]
        body, more = self._receiver.body(declared[0] if declared else None), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body.feed(message.get("body", b""))
            more = message.get("more_body", False)
        return self._receiver.verify(body, scope["headers"])

    async def _work(self, event: WebhookEvent, answer: "asyncio.Future[Answer]", sent: "asyncio.Future[None]") -> None:
        """Claim, answer, handle: whatever becomes of the request, what was stored is ours to handle."""
        told, ours = await self._write(event, handled=False)
        if not answer.cancelled():
            answer.set_result(told)
        await sent
        if ours:
            await self._handle(event)
        if not self._recovered:
            await self.recover()

    async def _handle(self, event: WebhookEvent) -> None:
        if not self._receiver.is_async:
            await asyncio.to_thread(self._receiver.handle, event)
            return
        try:
            handled: Any = self._receiver.handler(event)
            await handled
        except BaseException as error:
            await self._in_thread(self._receiver.failed, event, error)
            if not isinstance(error, Exception):
                raise
        else:
            await self._write(event, handled=True)

    async def _in_thread(self, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    async def _write(self, event: WebhookEvent, *, handled: bool) -> tuple[Answer, bool]:
        written: asyncio.Future[tuple[Answer, bool]] = asyncio.get_running_loop().create_future()
        self._writes.append((event, handled, written))
        self._thread.submit(self._write_all)
        return await written

    def _write_all(self) -> None:
        """In the thread: all that came while it was busy, in one transaction."""
        batch = [self._writes.popleft() for _ in range(len(self._writes))]
        arrived = [write for write in batch if not write[1]]
        done = [write for write in batch if write[1]]
        results = self._receiver.write([event for event, _, _ in arrived], [event for event, _, _ in done])
        results += [(_NOTED, False)] * len(done)
        for (_, _, written), result in zip(arrived + done, results, strict=True):
            with suppress(RuntimeError):  # its loop was closed meanwhile
                written.get_loop().call_soon_threadsafe(_resolve, written, result)


def _resolve(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


async def _send(send: Send, answer: Answer) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
    except OSError:
        pass  # the sender hung up: it will send again, and be told that we know
