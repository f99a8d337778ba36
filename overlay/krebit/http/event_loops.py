"""One value for each event loop of asyncio."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from krebit.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class PerEventLoop(Generic[T]):
    """One value for each event loop. Those of loops that are closed drop out."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: dict[asyncio.AbstractEventLoop, T] = {}

    def get(self) -> T:
        """Return the value of the running loop; it is made at the first use. Raises ConfigurationError."""
        loop = running_loop()
        if loop not in self._values:
            self._drop_closed_loops()
            self._values[loop] = self._make()
        return self._values[loop]

    def pop(self) -> T | None:
        """Take the value of the running loop out."""
        self._drop_closed_loops()
        return self._values.pop(running_loop(), None)

    def _drop_closed_loops(self) -> None:
        for loop in list(self._values):
            if loop.is_closed():
                self._values.pop(loop, None)


def running_loop() -> "asyncio.AbstractEventLoop":
    """Return the event loop of asyncio. Raises ConfigurationError where there is none, as under trio."""
    import asyncio  # blocking programs do without it

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise ConfigurationError(
        "AsyncKrebit: needs an event loop of asyncio (or uvloop), and none is running; under trio run Krebit in threads"
    )
