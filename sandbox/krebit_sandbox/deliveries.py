"""Webhook deliveries: signed, tried three times, written down. Only loopback is ever sent to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import ssl
import threading
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import h11

from krebit_sandbox.shapes import php_json, shaped
from krebit_sandbox.tenant import Subscription, Tenant

ACT_CREATED: Final = "act.created"
PAUSES: Final = (10.0, 100.0)
"""Seconds before the second and before every later try."""

State = Literal["waiting", "delivered", "failed", "refused", "disabled"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the status that came back, or what went wrong."""

    at: float
    status: int | None
    error: str | None


@dataclass(slots=True)
class Delivery:
    """One event for one subscription; every try sends the same bytes.

    `refused`: the target is not on this machine. `disabled`: it had failed too often before.
    """

    id: str
    webhook_id: int
    event: str
    target: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    state: State = "waiting"
    attempts: list[Attempt] = field(default_factory=list)


class Deliveries:
    """Sends in the server's loop; the log may be read from any thread."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._changed = threading.Condition()
        self._log: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def log(self) -> list[Delivery]:
        """All deliveries, the oldest first."""
        with self._changed:
            return list(self._log)

    def wait(self, timeout: float) -> None:
        """Block until none is on its way; TimeoutError after `timeout` seconds. From other threads only."""
        with self._changed:
            # One that is sent again by hand may be settled once, and on its way a second time.
            if not self._changed.wait_for(lambda: not self._tasks, timeout):
                raise TimeoutError(f"deliveries are still on their way after {timeout} s")

    def reset(self) -> None:
        """Stop sending and forget the log."""
        for task in self._tasks:
            task.cancel()
        with self._changed:
            self._log.clear()
            self._changed.notify_all()

    def publish(self, event: str, data: dict[str, Any]) -> list[Delivery]:
        """Deliver an event to whoever has subscribed to it; returns before it has arrived."""
        tenant = self._tenant
        made = []
        for subscription in [item for item in tenant.subscriptions if item.event == event]:
            delivery_id = str(uuid4())
            payload = {"id": delivery_id, "event": event, "created_at": tenant.clock.datetime(), "data": data}
            body = php_json(shaped(payload, tenant.switches))
            signature = hmac.new(subscription.secret.encode(), body, hashlib.sha256).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "Krebit-Sandbox",
                "X-Client-Id": subscription.client_id,
                "X-Signature": signature,
            }
            delivery = Delivery(delivery_id, subscription.id, event, subscription.target, body, headers)
            with self._changed:
                self._log.append(delivery)
            made.append(delivery)
            if subscription.disabled:
                self._settle(delivery, "disabled")
            else:
                self._start(delivery, subscription)
        return made

    def redeliver(self, delivery_id: str) -> Delivery:
        """Send once more, the same bytes, to a disabled target too; KeyError when there is no such delivery."""
        for delivery in self.log():
            if delivery.id == delivery_id:
                subscription = next(item for item in self._tenant.subscriptions if item.id == delivery.webhook_id)
                self._start(delivery, subscription)
                return delivery
        raise KeyError(delivery_id)

    def _start(self, delivery: Delivery, subscription: Subscription) -> None:
        if not is_loopback(delivery.target):
            self._settle(delivery, "refused")
            return
        delivery.state = "waiting"
        task = asyncio.get_running_loop().create_task(self._deliver(delivery, subscription))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        with self._changed:
            self._tasks.discard(task)
            self._changed.notify_all()

    async def _deliver(self, delivery: Delivery, subscription: Subscription) -> None:
        for number in range(self._tenant.switches.webhook_tries):
            if number:
                pause = PAUSES[min(number, len(PAUSES)) - 1]
                await asyncio.sleep(pause * self._tenant.switches.webhook_retry_scale)
            attempt = await self._try(delivery)
            delivery.attempts.append(attempt)
            if attempt.status is not None and 200 <= attempt.status <= 299:
                subscription.failures_in_a_row, subscription.disabled = 0, False
                self._settle(delivery, "delivered")
                return
        subscription.failures_in_a_row += 1
        if subscription.failures_in_a_row >= self._tenant.switches.webhook_disable_after:
            subscription.disabled = True
        self._settle(delivery, "failed")

    async def _try(self, delivery: Delivery) -> Attempt:
        started = self._tenant.clock.now()
        try:
            async with asyncio.timeout(self._tenant.switches.webhook_timeout):
                return Attempt(started, await _post(delivery), None)
        except TimeoutError:
            return Attempt(started, None, "timeout")
        except (OSError, ValueError, h11.ProtocolError) as error:
            return Attempt(started, None, type(error).__name__)

    def _settle(self, delivery: Delivery, state: State) -> None:
        with self._changed:
            delivery.state = state
            self._changed.notify_all()


def is_loopback(target: str) -> bool:
    """Whether a URL means this machine, by its form: no name is looked up."""
    host = urlsplit(target).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _post(delivery: Delivery) -> int:
    """The status of the whole answer. Redirects are not followed; certificates of this machine are not checked."""
    parts = urlsplit(delivery.target)
    secure = parts.scheme == "https"
    context = ssl.create_default_context() if secure else None
    if context is not None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
    try:
        connection = h11.Connection(h11.CLIENT)
        host = parts.netloc.rpartition("@")[2]
        headers = {**delivery.headers, "Host": host, "Content-Length": str(len(delivery.body)), "Connection": "close"}
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        writer.write(connection.send(h11.Request(method="POST", target=path, headers=list(headers.items()))) or b"")
        writer.write(connection.send(h11.Data(data=delivery.body)) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        status = 0
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65_536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.EndOfMessage):
                return status
    finally:
        writer.transport.abort()
