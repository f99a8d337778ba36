"""Receivers with a worker, and what they have handled."""

import asyncio
import threading
import time
from functools import partial

from krebit.webhooks import Inbox, Receiver, WebhookEvent
from tests.webhooks.cases import SECRET, act_created, signed

make = partial(Receiver, SECRET)


def deliver(receiver: Receiver, *names: object) -> None:
    """Deliver an act of each name."""
    for name in names:
        body = act_created(name)
        assert receiver.receive(body, signed(body)).status == 200


class Handled(list[object]):
    """A handler that keeps the ids of its events, and the names of its threads."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[str] = set()

    def __call__(self, event: WebhookEvent) -> None:
        self.threads.add(threading.current_thread().name)
        self.append(event.id)


def stop(receiver: Receiver) -> None:
    """End the thread that runs by itself."""

    async def take_over() -> None:
        async with receiver.running():
            pass

    asyncio.run(take_over())


def seconds_to_claim(inbox: Inbox) -> float:
    """Return how long it takes to take a delivery and to give it back, fifty times."""
    began = time.perf_counter()
    for _ in range(50):
        taken = inbox.take(3600)
        assert taken is not None
        inbox.retry(taken, 3600)
    return time.perf_counter() - began


def worker_threads() -> set[threading.Thread]:
    """Return the threads of workers. An earlier test may have left one that ends with the process."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("krebit-webhooks")}
