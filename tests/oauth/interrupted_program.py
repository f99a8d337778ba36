"""Modes of `program` in which a signal, a cancellation or a kill interrupts a call or a refresh."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from krebit import AsyncKrebit, FileTokenStore
from krebit.errors import KrebitError
from tests.oauth.program import client, hear, outcome, say, session, stored


class Alarm(Exception):
    """What a user's signal handler raises."""


def _raise_alarm(number: int, frame: Any) -> None:
    raise Alarm


def interrupted(given: dict[str, Any]) -> None:
    """A call that a signal interrupts. The program goes on, and ends."""
    signal.signal(signal.SIGUSR1, _raise_alarm)
    api = client(given)
    say("ready")
    try:
        api.get_current_user()
    except (KeyboardInterrupt, Alarm) as error:
        say(type(error).__name__)


def interrupted_often(given: dict[str, Any]) -> None:
    """Calls that end at once, by their timeout or by a signal at any bytecode. The program goes on, and ends."""
    signal.signal(signal.SIGALRM, _raise_alarm)
    api = client(given, timeout=0.001)
    outcome(api.get_current_user)  # starts the refresh
    hear()
    for _ in range(1000):
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.002))
            outcome(api.get_current_user)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Alarm:
            continue
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    say("still there")


def interrupted_async(given: dict[str, Any]) -> None:
    """The same, with asyncio."""
    signal.signal(signal.SIGUSR1, _raise_alarm)

    async def main() -> None:
        api = AsyncKrebit(**given["settings"], store=FileTokenStore(given["folder"]))
        say("ready")
        await api.get_current_user()

    try:
        asyncio.run(main())
    except (KeyboardInterrupt, Alarm) as error:
        say(type(error).__name__)


def cancelled(given: dict[str, Any]) -> None:
    """A task that is cancelled, and the end of asyncio and of the program, which nobody closes."""

    async def main() -> None:
        api = AsyncKrebit(**given["settings"], store=FileTokenStore(given["folder"]))
        task = asyncio.create_task(api.get_current_user())
        await asyncio.to_thread(hear)
        task.cancel()
        await asyncio.wait([task])
        say("cancelled" if task.cancelled() else "not cancelled")

    say("ready")
    asyncio.run(main())


def left_loop(given: dict[str, Any]) -> None:
    """An event loop that is closed while a task waits, as some frameworks do."""
    api = AsyncKrebit(**given["settings"], store=FileTokenStore(given["folder"]))
    loop = asyncio.new_event_loop()
    task = loop.create_task(api.get_current_user())
    say("ready")
    loop.run_until_complete(asyncio.wait([task], timeout=0.3))
    loop.close()
    say("closed")


def unhandled(given: dict[str, Any]) -> None:
    """The same, and nobody catches it: the process ends."""
    say("ready")
    client(given).get_current_user()


def unhandled_async(given: dict[str, Any]) -> None:
    """The same, with asyncio."""

    async def main() -> None:
        api = AsyncKrebit(**given["settings"], store=FileTokenStore(given["folder"]))
        say("ready")
        await api.get_current_user()

    asyncio.run(main())


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
    tokens, transport = session(given, token)
    access_token = tokens.refresh(None).result()  # the login begins
    _kill_at(step, transport)
    tokens.refresh(access_token.value).result()
    os._exit(0)


def _kill_at(step: int, transport: httpx.BaseTransport) -> None:
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
    transport.handle_request = around(transport.handle_request)  # type: ignore[method-assign]
