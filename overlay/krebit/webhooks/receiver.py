"""The receiver: it verifies a delivery, stores it, and answers. A worker calls the handler later.

It does no I/O but the inbox's: an adapter, or a view of any framework, reads the body and sends the answer.
"""

import asyncio
import atexit
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from krebit.errors import ConfigurationError, WebhookError
from krebit.webhooks.events import WebhookEvent, parse
from krebit.webhooks.handling import PAUSES, DeliveryProcessor, Handler, OwnLoop
from krebit.webhooks.inbox import Inbox
from krebit.webhooks.log import describe, log
from krebit.webhooks.processes import PerProcess
from krebit.webhooks.signature import Headers, SecretsLike, signer, signers
from krebit.webhooks.worker import Worker

_STATUS = {"signature": 401, "payload": 400, "too_large": 413}
_TEXTS = {"new": "stored", "same": "known", "conflict": "kept"}
# A program that ends waits this long for a handler under way, in seconds.
_PATIENCE_AT_EXIT = 10.0


class Answer:
    """The answer to the sender: `status`, `line` (such as `200 OK`), `headers` and `body`."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.line = f"{status} {HTTPStatus(status).phrase}"
        self.body = f"{text}\n".encode()
        self.headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(self.body)))]


class Receiver:
    """Verifies and stores deliveries. A worker calls `handler(event)` for each, at least once.

    `secrets`: one subscription's secret, several while you change it, or a mapping from your name of a subscription to
    its secrets. `handler` may be a plain function or a coroutine function. It gets every delivery in `inbox`, so that
    no other receiver may have the same one. `max_body` is in bytes; nothing is decompressed.

    A worker calls the handler: within `running()`, or else a thread that starts with the first delivery of the process.
    `handle_here=False` starts no thread: then handle deliveries in another process, or by `drain()`. `concurrency`:
    handlers at the same time in a process; with one, first attempts are made in the order of arrival. `lease`: seconds
    until the delivery of a dead worker is taken by another. `pauses`: seconds before each further try after a failure.

    Raises ConfigurationError for a blank secret or a number out of range.
    """

    def __init__(
        self,
        secrets: SecretsLike,
        handler: Handler,
        *,
        inbox: Inbox,
        max_body: int = 1024 * 1024,
        handle_here: bool = True,
        concurrency: int = 1,
        lease: float = 60.0,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        try:
            self._signers = signers(secrets)
        finally:
            del secrets  # a traceback that shows local variables must not show them
        if concurrency < 1 or lease <= 0 or min(pauses, default=0) < 0:
            raise ConfigurationError(
                "a receiver needs a concurrency of 1 or more, a lease above 0, and no negative pause"
            )
        self.inbox = inbox
        self.max_body = max_body
        self.handle_here = handle_here
        self._concurrency = concurrency
        self._handling = DeliveryProcessor(inbox, handler, lease=lease, pauses=pauses)
        self._workers = PerProcess(self._make_worker)

    def receive(self, body: bytes | bytearray, headers: Headers, announced: int = 0) -> Answer:
        """Return the answer to a delivery, stored if it is authentic. Never raises.

        `body` is the received bytes; `headers` as for `verify`. `announced` is the number in the header Content-Length.
        An adapter need not read the rest of a body when `announced`, or the bytes so far, exceed `max_body`. The method
        blocks for as long as the inbox needs to store.
        """
        try:
            event = self._verify(body, headers, announced)
            stored = self.inbox.store(event.key, event.digest, event.body)
        except WebhookError as error:
            # As text: a record that is kept would keep the exception's frames, and these the body.
            log.info("refused a delivery: %s", str(error))
            return Answer(_STATUS[error.reason], str(error))
        except Exception as error:  # noqa: BLE001 - each inbox has its own, and the sender tries again
            log.error("a delivery is not stored: %s", describe(error))
            return Answer(503, "not stored, send it again")
        if stored == "conflict":
            log.warning("delivery %s came again with another body: kept, not handled", event.key)
        self._wake_worker()
        return Answer(200, _TEXTS[stored])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Handle deliveries while the block runs, async handlers on the loop of the caller.

        For an application's lifespan. At the end it waits for the handlers under way. All other deliveries stay in the
        inbox, for other processes or the next start.
        """
        before = self._workers.peek()
        worker = Worker(self._handling, concurrency=self._concurrency, loop=asyncio.get_running_loop())
        self._workers.put(worker)
        worker.start()
        try:
            if before is not None:
                await asyncio.to_thread(before.stop)
            yield
        finally:
            self._workers.discard()
            await asyncio.to_thread(worker.stop)

    def drain(self) -> int:
        """Handle all that is due, in this thread. Return how many times the handler was called.

        For tests, and for programs without a worker. A delivery whose handler fails is due again later. Raises
        what the inbox raises, and RuntimeError within a running event loop: call it there with `asyncio.to_thread`.
        """
        if _loop_is_running():
            raise RuntimeError("drain() blocks the event loop; call: await asyncio.to_thread(receiver.drain)")
        runner = OwnLoop()
        count = 0
        try:
            with self._handling.renewing():
                while self._handling.handle_next(runner.run):
                    count += 1
        finally:
            runner.close()
        return count

    def _verify(self, body: bytes | bytearray, headers: Headers, announced: int) -> WebhookEvent:
        if max(announced, len(body)) > self.max_body:
            raise WebhookError(f"the body is larger than {self.max_body} bytes", reason="too_large")
        return parse(body, signer(body, headers, self._signers))

    def _wake_worker(self) -> None:
        worker = self._workers.get() if self.handle_here else self._workers.peek()
        if worker is None:
            return
        worker.wake()
        try:
            worker.start()
        except RuntimeError as error:
            log.error("deliveries are stored and not handled, because no thread starts: %s", describe(error))

    def _make_worker(self) -> Worker:
        worker = Worker(self._handling, concurrency=self._concurrency)
        if reason := _no_threads():
            log.error("deliveries are stored and not handled: %s", reason)
            worker.stop()  # for good: a frozen thread would hold a delivery until its lease ends
        process = os.getpid()

        def stop() -> None:
            if os.getpid() == process:  # a fork runs its parent's hooks, and has none of its parent's threads
                worker.stop(_PATIENCE_AT_EXIT)

        atexit.register(stop)
        return worker


def content_length(header: str | bytes | None) -> int:
    """Return the bytes that the header announces, or 0 if it is not a number: then only the received bytes count."""
    try:
        return max(0, int(header or 0))
    except ValueError:
        return 0


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _no_threads() -> str | None:
    """Return why a thread does not run between two requests here, and the remedy; None if it should run."""
    uwsgi: Any = sys.modules.get("uwsgi")
    options = getattr(uwsgi, "opt", {})
    if uwsgi is not None and not {"enable-threads", "threads"} & {*options}:
        return "uWSGI runs no threads; start it with --enable-threads, or run: python -m krebit.webhooks"
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return (
            "AWS Lambda stops threads between requests; "
            "pass handle_here=False, and run elsewhere: python -m krebit.webhooks"
        )
    return None
