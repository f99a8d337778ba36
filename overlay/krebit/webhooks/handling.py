"""Handle one stored delivery: take it for a lease, call the handler, and note the result in the inbox."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from krebit.clock import monotonic
from krebit.error_summary import summarise
from krebit.webhooks.events import WebhookEvent
from krebit.webhooks.inbox import Inbox, LeasedDelivery
from krebit.webhooks.log import describe, log

Handler: TypeAlias = Callable[[WebhookEvent], object]
RunCoroutine: TypeAlias = Callable[[Coroutine[Any, Any, Exception | None]], Exception | None]

PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 28800.0)
"""Seconds before each further try: eleven tries within a day."""
_NEVER_ENDED = "each try ended with its process or its lease"


class DeliveryProcessor:
    """Handles deliveries of one inbox, one with each call of `handle_next`. Safe for threads.

    `lease`: seconds for which a delivery is taken; `renewing()` extends it while the handler runs. `pauses`: seconds
    before each further try; after the last try the delivery has failed.
    """

    def __init__(self, inbox: Inbox, handler: Handler, *, lease: float, pauses: Sequence[float]) -> None:
        self.inbox = inbox
        self._handler = handler
        self._lease = lease
        self._pauses = tuple(pauses)
        self._running: dict[int, LeasedDelivery] = {}

    def handle_next(self, run: RunCoroutine) -> bool:
        """Handle one delivery; `run` waits for the coroutine of an async handler. Return False if none is due.

        Raises what the inbox raises when a delivery is to be taken. A handler's failure is logged and noted.
        """
        delivery = self.inbox.take(self._lease)
        if delivery is None:
            return False
        if delivery.tries > len(self._pauses) + 1:
            log.error("delivery %s is kept as failed: %s", delivery.key, _NEVER_ENDED)
            self._note("fail", delivery, lambda: self.inbox.fail(delivery, _NEVER_ENDED))
            return True
        try:
            self._call(delivery, run)
        except BaseException as error:
            self._note_failure(delivery, error)
            if isinstance(error, KeyboardInterrupt):
                raise
        else:
            self._note("complete", delivery, lambda: self.inbox.complete(delivery))
        return True

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Extend the leases of what is being handled, in a thread, until the block ends."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(self._lease / 3):
                for delivery in list(self._running.values()):
                    self._renew(delivery)

        thread = threading.Thread(target=renew, name="krebit-webhooks-leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _call(self, delivery: LeasedDelivery, run: RunCoroutine) -> None:
        self._running[delivery.number] = delivery
        try:
            result = self._handler(delivery.event())
            if inspect.isawaitable(result):
                _raise(run(_outcome(result)))
        finally:
            del self._running[delivery.number]

    def _renew(self, delivery: LeasedDelivery) -> None:
        try:
            kept = self.inbox.renew(delivery, self._lease)
        except Exception as error:  # noqa: BLE001 - each inbox has its own, and there is another turn
            log.warning("the lease of delivery %s is not extended: %s", delivery.key, describe(error))
            return
        if not kept and self._running.get(delivery.number) is delivery:
            log.warning("the lease of delivery %s has ended while its handler runs: it is handled again", delivery.key)

    def _note_failure(self, delivery: LeasedDelivery, error: BaseException) -> None:
        if delivery.tries <= len(self._pauses):
            pause = self._pauses[delivery.tries - 1]
            text = "the handler failed on delivery %s, the next try is in %g s: %s"
            log.error(text, delivery.key, pause, describe(error))
            self._note("retry", delivery, lambda: self.inbox.retry(delivery, pause))
        else:
            reason = summarise(error)
            log.error("the handler failed on delivery %s for the last time: %s", delivery.key, describe(error))
            self._note("fail", delivery, lambda: self.inbox.fail(delivery, reason))

    def _note(self, outcome: str, delivery: LeasedDelivery, note: Callable[[], bool]) -> None:
        """Note the result in the inbox. Try again while the inbox is down, until the lease would have ended."""
        deadline = monotonic() + self._lease
        while True:
            try:
                noted = note()
                break
            except Exception as error:  # noqa: BLE001 - each inbox has its own
                if monotonic() > deadline:
                    log.error(
                        "delivery %s may be handled again: its result (%s) is not stored: %s",
                        delivery.key,
                        outcome,
                        describe(error),
                    )
                    return
                time.sleep(min(0.5, self._lease / 10))
        if not noted:
            log.warning(
                "delivery %s may be handled again: its lease had ended before its result (%s) was stored",
                delivery.key,
                outcome,
            )


async def _outcome(result: Awaitable[object]) -> Exception | None:
    """Return the exception of an async handler. Raised out of a task, it would keep the task and its payload alive."""
    try:
        await result
    except Exception as error:  # noqa: BLE001 - raised again by the caller
        return error
    return None


def _raise(error: Exception | None) -> None:
    try:
        if error is not None:
            raise error
    finally:
        del error  # it has this frame in its traceback


class OwnLoop:
    """Runs coroutines on an event loop of this thread's own, made at the first one."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run(self, coroutine: Coroutine[Any, Any, Exception | None]) -> Exception | None:
        """Return the coroutine's result."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()


class ExternalLoop:
    """Runs coroutines on a loop that runs in another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, Exception | None]) -> Exception | None:
        """Return the coroutine's result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Leave the loop to its owner."""
