"""The receiver as an ASGI application. It needs no framework."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeAlias

from krebit.webhooks.processes import PerProcess
from krebit.webhooks.receiver import Answer, Receiver, content_length

Scope: TypeAlias = MutableMapping[str, Any]
Channel: TypeAlias = Callable[..., Awaitable[Any]]
Application: TypeAlias = Callable[[Scope, Channel, Channel], Awaitable[None]]


class AsgiReceiver:
    """`receiver` as an ASGI application: served alone, mounted, routed, or in front of another application.

    Alone it answers at every path, and runs the worker from the server's start to its stop. With `app` and `path` it
    answers at that path, with and without a slash at the end, and gives every other request to `app`, unchanged.
    """

    def __init__(self, receiver: Receiver, app: Application | None = None, *, path: str | None = None) -> None:
        if (app is None) != (path is None):
            raise TypeError("AsgiReceiver: pass both app and path, or neither")
        self._receiver = receiver
        self._app = app
        self._path = (path or "").rstrip("/")
        # Threads of its own: the loop's common ones may all be busy, and the sender waits three seconds. Some, so that
        # an inbox can store together what comes at the same time.
        self._threads = PerProcess(lambda: ThreadPoolExecutor(4, "krebit-inbox"))

    async def __call__(self, scope: Scope, receive: Channel, send: Channel) -> None:
        if self._app is not None and not self._is_ours(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _send(await self._answer(scope, receive), send)
        elif scope["type"] == "lifespan" and self._receiver.handle_here:
            await self._live(receive, send)
        else:
            raise NotImplementedError(f"no {scope['type']} here")  # as the ASGI specification asks

    def _is_ours(self, scope: Scope) -> bool:
        if scope["type"] != "http":
            return False
        root: str = scope.get("root_path", "").rstrip("/")
        path: str = scope["path"]
        if root and path.startswith(f"{root}/"):  # servers disagree whether the path repeats a proxy's prefix
            path = path[len(root) :]
        return path in (self._path, f"{self._path}/")

    async def _answer(self, scope: Scope, receive: Channel) -> Answer:
        announced = content_length(dict(scope["headers"]).get(b"content-length"))
        body, more = bytearray(), True
        while more and max(announced, len(body)) <= self._receiver.max_body:
            message = await receive()  # from a sender that hung up without a body: then no signature fits
            body += message.get("body", b"")
            more = message.get("more_body", False)
        # A request that is cancelled meanwhile does not stop the thread, and a stored delivery is handled.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads.get(), self._receiver.receive, body, scope["headers"], announced
        )

    async def _live(self, receive: Channel, send: Channel) -> None:
        await receive()
        async with self._receiver.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _send(answer: Answer, send: Channel) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    with suppress(Exception):  # each server has its own for a sender that hung up; it sends again or need not
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
