"""Waiting for what another thread or process does."""

import threading
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Return when the condition holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def worker_threads() -> set[threading.Thread]:
    """Return the threads of workers. An earlier test may have left one that ends with the process."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("krebit-webhooks")}
