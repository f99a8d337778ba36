"""The two drivers of a call: they wait and send, blocking or on an event loop."""

import time
from collections.abc import Callable

import anyio
import httpx

from krebit.http.call import AccessToken, Driver
from krebit.http.deadline import Deadline
from krebit.http.send import Failure, Reply, send, send_async
from krebit.oauth.session import TokenSession
from krebit.redaction import Secret
from krebit.resources import ClientResources


class BlockingDriver(Driver):
    """Waits and sends in the thread of the caller."""

    is_asynchronous = False

    def __init__(self, resources: ClientResources, session: TokenSession) -> None:
        self._resources = resources
        self._session = session

    async def acquire_slot(self, operation: str, longest: float | None) -> Callable[[], object]:
        return self._resources.call_limit.acquire(operation, longest)

    async def send(self, request: httpx.Request, deadline: Deadline, longest_silence: float | None) -> Reply | Failure:
        return send(self._resources.transport, request, deadline, longest_silence)

    async def token(self, rejected: Secret | None, deadline: Deadline) -> AccessToken:
        return self._session.cached(rejected) or self._session.refresh(rejected).result(deadline)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - no loop runs this


class AsyncDriver(Driver):
    """Waits and sends on the running event loop."""

    is_asynchronous = True

    def __init__(self, resources: ClientResources, session: TokenSession) -> None:
        self._resources = resources
        self._session = session

    async def acquire_slot(self, operation: str, longest: float | None) -> Callable[[], object]:
        return await self._resources.async_call_limit.acquire(operation, longest)

    async def send(self, request: httpx.Request, deadline: Deadline, longest_silence: float | None) -> Reply | Failure:
        return await send_async(self._resources.async_transport, request, deadline, longest_silence)

    async def token(self, rejected: Secret | None, deadline: Deadline) -> AccessToken:
        return self._session.cached(rejected) or await self._session.refresh(rejected).result_async(deadline)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)
