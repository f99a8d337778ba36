"""Webhook deliveries: signed, tried three times, written down. Only loopback is ever sent to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import threading
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import uuid4

import httpx

from krebit_sandbox.shapes import php_json, shaped
from krebit_sandbox.tenant import Subscription, Tenant

ACT_CREATED: Final = "act.created"
PAUSES: Final = (10.0, 100.0)
"""Seconds before the second and before every later try."""

_log = logging.getLogger("krebit_sandbox.deliveries")

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

    `refused`: the target is not on this machine. `disabled`: it had failed too often before. `next_try`: the time of
    the next try by the sandbox's clock, or None.
    """

    id: str
    webhook_id: int
    event: str
    target: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    state: State = "waiting"
    attempts: list[Attempt] = field(default_factory=list)
    next_try: float | None = None


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
        raise KeyError(f"delivery {delivery_id}")

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
        for number in range(1, self._tenant.switches.webhook_tries + 1):
            attempt = await self._try(delivery)
            switches = self._tenant.switches
            delivered = attempt.status is not None and 200 <= attempt.status <= 299
            pause = None
            if not delivered and number < switches.webhook_tries:
                pause = PAUSES[min(number, len(PAUSES)) - 1] * switches.webhook_retry_scale
            self._note(delivery, attempt, number, pause)
            if delivered:
                subscription.failures_in_a_row, subscription.disabled = 0, False
                self._settle(delivery, "delivered")
                return
            if pause is not None:
                await asyncio.sleep(pause)
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
        except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
            return Attempt(started, None, type(error).__name__)

    def _note(self, delivery: Delivery, attempt: Attempt, number: int, pause: float | None) -> None:
        with self._changed:
            delivery.attempts.append(attempt)
            delivery.next_try = None if pause is None else self._tenant.clock.now() + pause
        _log.info(
            "%s to %s: %s, try %d of %d%s",
            delivery.event,
            delivery.target,
            attempt.status or attempt.error,
            number,
            self._tenant.switches.webhook_tries,
            "" if pause is None else f", again in {pause:g} s",
        )

    def _settle(self, delivery: Delivery, state: State) -> None:
        with self._changed:
            delivery.state, delivery.next_try = state, None
            self._changed.notify_all()


def is_loopback(target: str) -> bool:
    """Return whether a URL means this machine, by its form: no name is looked up."""
    try:
        host = httpx.URL(target).host  # read as it is read when it is sent to
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except (ValueError, httpx.InvalidURL):
        return False


async def _post(delivery: Delivery) -> int:
    """Return the status of the whole answer. No redirect is followed, no proxy used, and no certificate checked."""
    headers = {**delivery.headers, "Connection": "close"}
    # S501: the target is this machine, and a receiver under development signs its own certificate.
    async with (
        httpx.AsyncClient(verify=False, trust_env=False, timeout=None) as client,  # noqa: S113, S501
        client.stream("POST", delivery.target, content=delivery.body, headers=headers) as answer,
    ):
        async for _ in answer.aiter_raw():
            pass
        return answer.status_code
