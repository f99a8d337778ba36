"""The steps that every request passes: its origin, the log, latency, faults and the rate limit."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Any, Final
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from krebit_sandbox.connection import Connection
from krebit_sandbox.fault_injection import JSON_HEADERS, Answer, answer_of, send_broken
from krebit_sandbox.faults import CARRIES_ANSWER, Fault
from krebit_sandbox.origins import is_foreign, is_link
from krebit_sandbox.request_log import Request
from krebit_sandbox.shapes import php_json
from krebit_sandbox.site import Site

CONTROL: Final = "/_sandbox"
_REQUEST_ID: Final = b"x-request-id"
_LARGEST_BODY: Final = 1 << 20
_SENT_AS_HTTP: Final = frozenset({"status", "redirect", "garbage_body"})
_logger: Final = logging.getLogger("krebit_sandbox.http")


class Middleware:
    """The ASGI application that uvicorn serves. `app` is the tenant's, `control` steers it."""

    def __init__(self, site: Site, app: ASGIApp, control: ASGIApp) -> None:
        self._tenant = site.tenant
        self._likeness = site.likeness
        self._open_requests = site.open_requests
        self._app = app
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path, headers = scope["method"], scope["path"], Headers(scope=scope)
        is_control = path.startswith(f"{CONTROL}/")
        if is_foreign(headers) and (is_control or not is_link(method, headers)):
            await _send(_message("The sandbox does not answer the pages of other sites.", 403), send)
            return
        body = await _read(receive)
        if body is None:
            return
        if is_control:
            await _send(await _answer(self._control, scope, body), send)
            return
        tenant = self._tenant
        record = tenant.log.add(scope, body, str(uuid4()))
        fault = tenant.faults.take(method, path)
        if tenant.switches.latency:
            await asyncio.sleep(tenant.switches.latency)
        if fault is not None and fault.kind != "hold":
            await self._fail(scope, receive, send, record, fault)
            return
        if fault is not None and not fault.after_effect and not await self._hold(scope, receive):
            return
        answer = await self._work(scope, body)
        if fault is not None and fault.after_effect and not await self._hold(scope, receive):
            return
        await _send(answer, send, record)

    async def _fail(self, scope: Scope, receive: Receive, send: Send, record: Request, fault: Fault) -> None:
        """Answer as the fault says, or not at all."""
        real = await self._work(scope, record.body) if fault.needs_effect else None
        answer = answer_of(fault, real)
        if fault.kind in _SENT_AS_HTTP:
            await _send(answer, send, record)
            return
        if fault.kind in CARRIES_ANSWER:
            record.status = answer.status
            answer.headers.append((_REQUEST_ID, record.request_id.encode()))
        connection: Connection = scope["state"]["connection"]
        gone = asyncio.create_task(_gone(receive))
        with self._open_requests.unanswered(connection):
            try:
                await send_broken(connection, fault, answer, gone)
            finally:
                gone.cancel()

    async def _work(self, scope: Scope, body: bytes) -> Answer:
        """Return the tenant's answer; the request has its effects."""
        rate_headers, refusal = self._count(scope)
        answer = refusal or await _answer(self._app, scope, body)
        if self._likeness is not None and refusal is None:
            return self._likeness.reshaped(scope["method"], scope["path"], answer, rate_headers)
        answer.headers.extend(rate_headers)
        return answer

    def _count(self, scope: Scope) -> tuple[list[tuple[bytes, bytes]], Answer | None]:
        """Count against the rate limit; return its headers, and the refusal once it is used up.

        A refused request reaches no endpoint, so that it has no effect.
        """
        tenant, limit = self._tenant, self._tenant.switches.rate_limit
        if limit is None or not scope["path"].startswith("/api/"):
            return [], None
        key = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1") or str(scope["client"][0])
        now = tenant.clock.now()
        start, count = tenant.rates.get(key, (now, 0))
        if now - start >= 60:
            start, count = now, 0
        tenant.rates[key] = (start, count + 1)
        headers = [
            (b"x-ratelimit-limit", b"%d" % limit),
            (b"x-ratelimit-remaining", b"%d" % max(0, limit - count - 1)),
        ]
        if count < limit:
            return headers, None
        headers.append((b"retry-after", b"%d" % math.ceil(start + 60 - now)))
        headers.append((b"x-ratelimit-reset", b"%d" % math.ceil(start + 60)))
        return headers, _message("Too Many Attempts.", 429)

    async def _hold(self, scope: Scope, receive: Receive) -> bool:
        """Wait for a release; False when the request was aborted and gets no answer."""
        released = await self._open_requests.hold(scope["state"]["connection"])
        if not released:
            await _gone(receive)
        return released


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or the first MiB and a little more of a larger one; None if the client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= _LARGEST_BODY:
            body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _message(text: str, status: int) -> Answer:
    return Answer(status, list(JSON_HEADERS), php_json({"message": text}))


async def _answer(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """Return the answer of an application to a request with this body."""
    if len(body) > _LARGEST_BODY:
        return _message("The POST data is too large.", 413)
    answer = Answer(500, [], b"")
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = list(message["headers"])
        else:
            parts.append(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Exception:
        # The application has answered 500 by now; whoever runs the sandbox should learn why.
        _logger.exception("the sandbox failed on %s %s", scope["method"], scope["path"])
    answer.body = b"".join(parts)
    return answer


async def _send(answer: Answer, send: Send, record: Request | None = None) -> None:
    headers: list[Any] = [(name, value) for name, value in answer.headers if name != b"content-length"]
    if record is not None:
        record.status = answer.status
        headers.append((_REQUEST_ID, record.request_id.encode()))
    if answer.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if answer.status in (204, 304) else answer.body})
