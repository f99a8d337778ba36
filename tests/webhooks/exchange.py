"""One request to the ASGI receiver without a server, so that a test decides what comes when."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from krebit.webhooks import AsgiReceiver
from tests.webhooks.cases import Pairs, signed

Message = dict[str, Any]


class Exchange:
    """One request as an ASGI server would make it."""

    def __init__(self, body: bytes, headers: Pairs | None = None, **scope: Any) -> None:
        pairs = [(name.lower(), value) for name, value in (signed(body) if headers is None else headers)]
        self.scope = {"type": "http", "method": "POST", "path": "/", "headers": pairs, **scope}
        self.incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self.sent: list[Message] = []
        self.answered = asyncio.Event()

    async def receive(self) -> Message:
        return self.incoming.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.answered.set()

    def start(self, app: AsgiReceiver) -> "asyncio.Task[None]":
        return asyncio.create_task(app(self.scope, self.receive, self.send))


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))
