"""Work that must not be interrupted half-way, in a thread of its own.

Cancelling a task, Ctrl-C or a signal handler that raises interrupts who waits, never the work: a pair that the server
granted is stored before the process goes on or ends. Blocking and asynchronous callers wait for the same thread, so
there is one code path for both.
"""

import asyncio
import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import TypeVar

from krebit.errors import KrebitError, StoreError

T = TypeVar("T")


def launch(work: Callable[[], T], landed: Callable[[], None] = lambda: None) -> "Future[T]":
    """Start `work`; `landed` is called just before the future is done."""
    flight: Future[T] = Future()
    flight.set_running_or_notify_cancel()
    # Not a daemon: the interpreter waits for it before it ends.
    thread = threading.Thread(target=_fly, args=(flight, work, landed), name="krebit-login", daemon=False)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is shutting down: no new threads
        _fly(flight, work, landed)
    return flight


def landed_at_once(value: T) -> "Future[T]":
    """A future that is done."""
    flight: Future[T] = Future()
    flight.set_result(value)
    return flight


def _fly(flight: "Future[T]", work: Callable[[], T], landed: Callable[[], None]) -> None:
    try:
        result = work()
    except KrebitError as error:
        landed()
        # The frames hold the request; the message says what happened.
        error.__context__ = error.__cause__ = None
        flight.set_exception(error.with_traceback(None))
    except BaseException as error:  # noqa: BLE001 - a user's own store may raise anything, and the waiters must be told
        landed()
        flight.set_exception(StoreError(f"the token store failed: {type(error).__name__}"))
    else:
        landed()
        flight.set_result(result)


def result_of(flight: "Future[T]") -> T:
    """What a landed flight brought. Many callers may raise its error at once: each gets a copy with a traceback of
    its own."""
    error = flight.exception()
    if error is not None:
        raise copy.copy(error)
    return flight.result()


def wait(flight: "Future[T]", seconds: float, at_most: float) -> bool:
    """Wait so many seconds; say whether it landed. When interrupted, wait until it has (or `at_most`), then pass that
    on."""
    try:
        return bool(wait_for([flight], timeout=seconds).done)
    except BaseException:
        wait_for([flight], timeout=at_most)
        raise


async def await_(flight: "Future[T]", seconds: float, at_most: float) -> bool:
    """As `wait`, on the event loop, against cancellation."""
    waiter = asyncio.wrap_future(flight)
    try:
        done, _ = await asyncio.wait([waiter], timeout=seconds)
    except BaseException:
        await _settle(waiter, at_most)
        raise
    if done:
        waiter.exception()  # seen: the loop need not warn that nobody looked
    else:
        waiter.cancel()
    return bool(done)


async def _settle(waiter: "asyncio.Future[T]", at_most: float) -> None:
    end = time.monotonic() + at_most
    while not waiter.done() and (left := end - time.monotonic()) > 0:
        try:
            await asyncio.wait([waiter], timeout=left)
        except asyncio.CancelledError:  # cancelled once more while the pair is on its way to the store
            continue
    if waiter.done():
        waiter.exception()
    else:
        waiter.cancel()
