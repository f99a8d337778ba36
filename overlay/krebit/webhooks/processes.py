"""One value for each process."""

import os
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class PerProcess(Generic[Value]):
    """Makes a value at its first use in each process.

    A forked child has copies of threads that do not run, of locks that nobody releases, and of connections that its
    parent uses. The child leaves these copies alone and makes a value of its own.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._values: dict[int, Value] = {}  # without a lock, which a fork could copy locked

    def get(self) -> Value:
        """Return this process's value."""
        found = self.peek()
        return found if found is not None else self._values.setdefault(os.getpid(), self._make())

    def peek(self) -> Value | None:
        """Return this process's value, or None if it has not been made."""
        return self._values.get(os.getpid())

    def put(self, value: Value) -> None:
        """Replace this process's value."""
        self._values[os.getpid()] = value

    def discard(self) -> None:
        """Forget this process's value."""
        self._values.pop(os.getpid(), None)
