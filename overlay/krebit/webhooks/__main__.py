"""Handle stored deliveries in a process of its own: `python -m krebit.webhooks MODULE:RECEIVER`.

MODULE is imported as Python does it, from the current folder too; RECEIVER is the name of its `Receiver`. The process
runs until SIGTERM or Ctrl-C, then waits for the handlers under way; a second signal ends it at once.
"""

import asyncio
import importlib
import operator
import signal
import sys

from krebit.webhooks.receiver import Receiver

_USAGE = "usage: python -m krebit.webhooks MODULE:RECEIVER"


class NoReceiver(Exception):
    """The name is not that of a receiver. No LookupError: the import of the user's module may raise one of its own."""


def find(name: str) -> Receiver:
    """Return the receiver of that name. Raises NoReceiver with the reason."""
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise NoReceiver(f"{name!r} is not of the form MODULE:RECEIVER")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise NoReceiver(f"there is no module {error.name!r} on the path") from None
    try:
        found = operator.attrgetter(path)(module)
    except AttributeError:
        raise NoReceiver(f"module {module_name!r} has no {path!r}") from None
    if not isinstance(found, Receiver):
        raise NoReceiver(f"{name} is not a Receiver, but {type(found).__name__}")
    return found


async def handle(receiver: Receiver) -> None:
    """Handle deliveries until a signal comes."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    async with receiver.running():
        print("handling deliveries; stop with Ctrl-C", file=sys.stderr, flush=True)  # noqa: T201
        await stopped.wait()


def main() -> int:
    """Return 0 after a signal, 2 for a name that is not a receiver's."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(_USAGE, file=sys.stderr)  # noqa: T201
        return 2
    try:
        receiver = find(sys.argv[1])
    except NoReceiver as error:
        print(f"{error}\n{_USAGE}", file=sys.stderr)  # noqa: T201
        return 2
    asyncio.run(handle(receiver))
    return 0


if __name__ == "__main__":
    sys.exit(main())
