"""A program on the same store as the tests: a process of its own, to be raced, forked, interrupted and killed.

It reads one line of JSON (its settings) and answers in lines of JSON. The modes are functions of this module.
"""

import asyncio
import atexit
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from krebit import AsyncKrebit, FileTokenStore, Krebit, MemoryTokenStore
from krebit.errors import KrebitError
from krebit.oauth.record import LoginKey
from krebit.stores import Lease


def say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def hear() -> Any:
    return json.loads(sys.stdin.readline())


def stored(given: dict[str, Any]) -> str | None:
    settings = given["settings"]
    login = FileTokenStore(given["folder"]).load(LoginKey(settings["domain"], settings["client_id"]))
    return login.refresh_token.reveal() if login is not None and login.refresh_token is not None else None


def client(given: dict[str, Any], **options: Any) -> Krebit:
    settings: dict[str, Any] = {**given["settings"], "store": FileTokenStore(given["folder"]), **options}
    return Krebit(**settings)


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except KrebitError as error:
        return type(error).__name__
    return "ok"


def calls(given: dict[str, Any]) -> None:
    """So many calls, all at once with the other processes'."""
    with client(given) as krebit:
        say("ready")
        hear()
        say([outcome(krebit.get_current_user) for _ in range(given["calls"])])


def crowd(given: dict[str, Any]) -> None:
    """So many processes, let loose together, each with calls of its own. Forked before there is any client."""
    wait, go = os.pipe()
    children = []
    for _ in range(given["processes"]):
        child = os.fork()
        if child == 0:
            with client(given) as krebit:
                os.close(go)
                os.read(wait, 1)  # ends when the last writer has closed it
                results = [outcome(krebit.get_current_user) for _ in range(given["calls"])]
            os.write(1, (json.dumps(results) + "\n").encode())  # short enough to be written at once
            os._exit(0)
        children.append(child)
    os.close(go)
    for child in children:
        os.waitpid(child, 0)


def forked(given: dict[str, Any]) -> None:
    """Fork while a refresh is under way in a thread; the child makes a call of its own."""
    krebit = client(given)
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(outcome(krebit.get_current_user)))
    thread.start()
    hear()
    child = os.fork()
    if child == 0:
        say("forked")
        result = outcome(krebit.get_current_user)
        os._exit(0 if result == "ok" else 1)
    thread.join()
    _, status = os.waitpid(child, 0)
    say({"parent": results, "child": os.waitstatus_to_exitcode(status)})


def survived(given: dict[str, Any]) -> None:
    """Fork while a refresh is under way, and leave a child behind that does nothing."""
    krebit = client(given)
    say("ready")
    hear()
    threading.Thread(target=krebit.get_current_user, daemon=True).start()
    hear()
    if os.fork() == 0:
        say("forked")
        hear()  # until the test has ended
        os._exit(0)
    signal.pause()


class Hung:
    """A store whose lease never comes, whatever the patience."""

    def load(self, key: LoginKey) -> None:
        return None

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        threading.Event().wait()
        yield MemoryTokenStore().lease(key, patience=patience).__enter__()


def hung(given: dict[str, Any]) -> None:
    """A call with such a store, and the end of the program."""
    options: dict[str, Any] = {"timeout": 0.1, "refresh_timeout": 0.1, "lock_patience": 0.1}
    say(outcome(Krebit("localhost:1", "application", "secret", store=Hung(), **options).get_current_user))


def at_exit(given: dict[str, Any]) -> None:
    """A call when no more threads can be started."""
    krebit = client(given)
    atexit.register(lambda: say(outcome(krebit.get_current_user)))


def memory_fork(given: dict[str, Any]) -> None:
    """A login in memory cannot be shared: both would use the one refresh token."""
    store, key = MemoryTokenStore(), LoginKey("localhost", "application")
    if os.fork() == 0:
        say(outcome(lambda: store.lease(key, patience=1).__enter__()))
        os._exit(0)
    os.wait()


class Alarm(Exception):
    """What a user's signal handler raises."""


def _raise_alarm(number: int, frame: Any) -> None:
    raise Alarm


def interrupted(given: dict[str, Any]) -> None:
    """A call that a signal interrupts: what is stored by the time that the program goes on?"""
    signal.signal(signal.SIGUSR1, _raise_alarm)
    krebit = client(given)
    say("ready")
    try:
        krebit.get_current_user()
    except (KeyboardInterrupt, Alarm) as error:
        say({"error": type(error).__name__, "stored": stored(given)})
    else:
        say({"error": None, "stored": stored(given)})


def interrupted_async(given: dict[str, Any]) -> None:
    """The same, with asyncio."""
    signal.signal(signal.SIGUSR1, _raise_alarm)

    async def main() -> None:
        krebit = AsyncKrebit(**given["settings"], store=FileTokenStore(given["folder"]))
        say("ready")
        await krebit.get_current_user()

    try:
        asyncio.run(main())
    except (KeyboardInterrupt, Alarm) as error:
        say({"error": type(error).__name__, "stored": stored(given)})
    else:
        say({"error": None, "stored": stored(given)})


def unhandled(given: dict[str, Any]) -> None:
    """The same, and nobody catches it: the process ends."""
    say("ready")
    client(given).get_current_user()


def unhandled_async(given: dict[str, Any]) -> None:
    """The same, with asyncio."""

    async def main() -> None:
        krebit = AsyncKrebit(**given["settings"], store=FileTokenStore(given["folder"]))
        say("ready")
        await krebit.get_current_user()

    asyncio.run(main())


def peppered(given: dict[str, Any]) -> None:
    """Many refreshes, each interrupted by a timer at another moment, by a handler that raises."""
    signal.signal(signal.SIGALRM, _raise_alarm)
    krebit = client(given)
    krebit.get_current_user()
    caught = 0
    for number in range(given["rounds"]):
        token = krebit._core.tokens.cached()
        try:
            signal.setitimer(signal.ITIMER_REAL, (number % 200 + 1) * given["microseconds"] / 1e6)
            from krebit._deadline import Deadline

            krebit._core.tokens.refreshed(token).join(Deadline(30))
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Alarm:
            caught += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    say({"caught": caught, "stored": stored(given)})


def killed(given: dict[str, Any]) -> None:
    """For each refresh token that is given: a child that begins a refresh and is killed at a certain step of it."""
    folder = Path(given["folder"])
    client(given).close()  # what takes time is done before the forks
    for number, token in enumerate(given["tokens"]):
        here = {**given, "folder": str(folder / str(number))}
        child = os.fork()
        if child == 0:
            _refresh_and_die(here, token, given["steps"][number])
        _, status = os.waitpid(child, 0)
        try:
            found: str | None = stored(here)
        except KrebitError as error:
            found = f"unreadable: {error}"
        say({"status": os.waitstatus_to_exitcode(status), "stored": found})


def _refresh_and_die(given: dict[str, Any], token: str, step: int) -> None:
    krebit = client(given, refresh_token=token)
    krebit._core.tokens.refreshed(None).join()  # the login begins
    _kill_at(step, krebit)
    krebit._core.tokens.refreshed(krebit._core.tokens.cached()).join()
    os._exit(0)


def _kill_at(step: int, krebit: Krebit) -> None:
    """Before and after every system call that matters, and around the request."""
    left = [step]

    def count() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            count()
            value = function(*arguments, **options)
            count()
            return value

        return counted

    for name in ("open", "write", "fsync", "lseek", "ftruncate", "close", "replace", "unlink"):
        setattr(os, name, around(getattr(os, name)))
    transport: httpx.BaseTransport = krebit._core.transport
    transport.handle_request = around(transport.handle_request)  # type: ignore[method-assign]


if __name__ == "__main__":
    globals()[sys.argv[1]](hear())
