"""The receiver as an ASGI application, to be mounted in Starlette, FastAPI or any other; it needs none of them."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeAlias, cast

from krebit.webhooks.events import WebhookEvent
from krebit.webhooks.receiver import Receiver, content_length

Channel: TypeAlias = Callable[..., Awaitable[Any]]


class AsgiReceiver:
    """`receiver` as an ASGI application, for the path where it is mounted.

    The handler runs after the answer was sent, in a task of its own that the request waits for: a server that shuts
    down waits for it, and neither a sender that hangs up nor a middleware that cancels the request stops it. A plain
    function runs in a thread. What a crash left undone is handled after the first delivery, or by `recover()`.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._tasks: set[asyncio.Task[None]] = set()
        self._begin()
        if hasattr(os, "register_at_fork"):  # which keeps the application for good, as its inbox
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        # A thread of its own: slow handlers fill the loop's pool, and a claim must not wait for them.
        self._thread = ThreadPoolExecutor(1, "krebit-inbox")
        self._waiting: list[tuple[Future[Any], Any]] = []  # a list's own methods are atomic: loops may share it

    async def __call__(self, scope: MutableMapping[str, Any], receive: Channel, send: Channel) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"no {scope['type']} here")  # what the ASGI specification asks for
        announced = content_length(dict(scope["headers"]).get(b"content-length"))
        body, more = bytearray(), True
        while more and max(announced, len(body)) <= self._receiver.max_body:
            message = await receive()  # if the sender hung up, one without a body: what came has no valid signature
            body += message.get("body", b"")
            more = message.get("more_body", False)
        work = asyncio.create_task(self._work(send, body, scope["headers"], announced))
        self._tasks.add(work)  # the loop itself would not keep it
        work.add_done_callback(self._tasks.discard)
        await asyncio.shield(work)

    async def recover(self) -> None:
        """Handle all that is pending, after a crash or a failure of the handler."""
        pending = self._receiver.pending()
        while (event := await self._in_thread(next, pending, None)) is not None:
            await self._handle(event)

    async def _work(self, send: Channel, *delivery: Any) -> None:
        """Claim, answer, handle: whatever becomes of the request, what was stored is ours to handle."""
        done: Future[Any] = Future()
        self._waiting.append((done, delivery))
        self._thread.submit(self._receive_waiting)
        answer, event = await asyncio.wrap_future(done)
        with suppress(Exception):  # who hung up, or was answered by somebody else, will send again or need not
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": [(name.encode(), value.encode()) for name, value in answer.headers],
                }
            )
            await send({"type": "http.response.body", "body": answer.body})
        if event is not None:
            await self._handle(event)
        if self._receiver.overdue:
            await self.recover()

    def _receive_waiting(self) -> None:
        """Receive at once all that came in the meantime: an fsync takes as long for many as for one.

        Whose request was cancelled before is not stored: nobody would handle it.
        """
        waiting = [self._waiting.pop(0) for _ in range(len(self._waiting))]
        taken = [each for each in waiting if each[0].set_running_or_notify_cancel()]
        for (done, _), result in zip(taken, self._receiver.receive_all([each[1] for each in taken]), strict=True):
            done.set_result(result)

    async def _handle(self, event: WebhookEvent) -> None:
        if not self._receiver.is_async:
            await asyncio.to_thread(self._receiver.handle, event)
            return
        try:
            await cast("Awaitable[object]", self._receiver.handler(event))
        except BaseException as error:  # noqa: BLE001 - raised again where it ends the task
            await self._in_thread(self._receiver.settle, event, error)
        else:
            await self._in_thread(self._receiver.settle, event)

    async def _in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)
