"""The threads that handle what is stored, in the order of arrival."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue

from krebit.webhooks.handling import DeliveryProcessor, ExternalLoop, OwnLoop
from krebit.webhooks.inbox import NotifyingInbox
from krebit.webhooks.log import describe, log

_POLL = 1.0
"""Seconds between two checks for deliveries that other processes stored, or that are due again."""


class Worker:
    """Handles deliveries in `concurrency` threads, from `start` to `stop`.

    Coroutines of async handlers run on `loop`, or on a loop of each thread's own. The threads are daemons: a program
    that ends without `stop` cuts the handler short, and its delivery is taken again when the lease ends.
    """

    def __init__(
        self, handling: DeliveryProcessor, *, concurrency: int = 1, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._handling = handling
        self._loop = loop
        self._stopping = threading.Event()
        # One for each thread: a thread that empties a shared one could take the wake-up of another. No Event: a signal
        # handler that raises in one leaves its lock taken, and both the thread and the next delivery would wait for it.
        self._wakes: list[SimpleQueue[None]] = [SimpleQueue() for _ in range(concurrency)]
        self._threads: list[threading.Thread] = []
        self._renewing = ExitStack()
        self._starting = threading.Lock()

    def start(self) -> None:
        """Start the threads, unless they run already. Raises RuntimeError where the system has none to give."""
        with self._starting:
            if self._threads or self._stopping.is_set():
                return
            self._renewing.enter_context(self._handling.renewing())
            for wake in self._wakes:
                self._start_thread(self._work, wake)
            if isinstance(self._handling.inbox, NotifyingInbox):
                self._start_thread(self._listen, self._handling.inbox)

    def wake(self) -> None:
        """Tell the threads that something was stored."""
        for wake in self._wakes:
            wake.put(None)

    def stop(self, patience: float | None = None) -> None:
        """Take no further delivery, and wait for the handlers under way, at most `patience` seconds for each thread."""
        self._stopping.set()
        self.wake()
        with self._starting:
            threads = list(self._threads)
        # Without the lock: a receiver that starts a stopped worker must not wait for a handler.
        for thread in threads:
            thread.join(patience)
        with self._starting:
            self._renewing.close()

    def _start_thread(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="krebit-webhooks", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self, wake: SimpleQueue[None]) -> None:
        runner = OwnLoop() if self._loop is None else ExternalLoop(self._loop)
        failures = 0
        while not self._stopping.is_set():
            with suppress(Empty):  # before taking: else a wake-up between taking and waiting is lost
                while True:
                    wake.get_nowait()
            try:
                handled = self._handling.handle_next(runner.run)
                failures = 0
            except Exception as error:  # noqa: BLE001 - each inbox has its own, and it may come back
                handled = False
                failures += 1
                if failures == 2:  # one may be no more than a lock that was not free in time
                    log.error("the inbox is down, deliveries wait: %s", describe(error))
            if failures:
                self._stopping.wait(_POLL)
            elif not handled:
                with suppress(Empty):
                    wake.get(timeout=_POLL)
        runner.close()

    def _listen(self, inbox: NotifyingInbox) -> None:
        while not self._stopping.is_set():
            try:
                inbox.listen(self.wake, self._stopping)
            except Exception as error:  # noqa: BLE001 - polling goes on meanwhile
                log.info("no notifications from the inbox: %s", describe(error))
                self._stopping.wait(_POLL)
