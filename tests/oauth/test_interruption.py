"""Interrupted or cancelled in mid-refresh: the waiting ends, and the new pair is stored before the process ends."""

import asyncio
import gc
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from krebit.errors import DeadlineExceeded
from tests.oauth.support import LONG, Site
from tests.waiting import wait_for


def is_delivered(pid: int) -> bool:
    """Whether the process has taken the signals that were sent to it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return all(int(line.split()[1], 16) == 0 for line in lines if line.startswith(("SigPnd", "ShdPnd")))


@pytest.mark.parametrize(
    ("mode", "number", "error"),
    [
        ("interrupted", signal.SIGINT, "KeyboardInterrupt"),
        ("interrupted", signal.SIGUSR1, "Alarm"),
        ("interrupted_async", signal.SIGINT, "KeyboardInterrupt"),
        ("interrupted_async", signal.SIGUSR1, "Alarm"),
    ],
)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_waiting_ends_at_once_and_the_program_when_the_pair_is_stored(
    site: Site, mode: str, number: signal.Signals, error: str, times: int
) -> None:
    """Ctrl-C again and again does not end it sooner."""
    site.login()
    site.hold(after_effect=True)
    with site.program(mode) as program:
        assert program.hear() == "ready"
        site.sandbox.wait_for_held()
        program.process.send_signal(number)
        assert program.hear() == error
        for _ in range(times - 1):
            time.sleep(0.2)  # the program has gone on to its end
            program.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert program.process.poll() is None
        site.sandbox.release()
        program.end()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@pytest.mark.parametrize(("mode", "times"), [("unhandled", 1), ("unhandled", 2), ("unhandled_async", 3)])
def test_the_pair_is_stored_before_the_process_ends(
    site: Site, mode: str, times: int, capfd: pytest.CaptureFixture[str]
) -> None:
    site.login()
    site.hold()
    with site.program(mode) as program:
        assert program.hear() == "ready"
        site.sandbox.wait_for_held()
        for _ in range(times):
            program.process.send_signal(signal.SIGINT)
            wait_for(lambda: is_delivered(program.process.pid))
        site.sandbox.release()
        assert program.end() != 0
    assert "KeyboardInterrupt" in capfd.readouterr().err
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


def test_signals_that_raise_in_a_caller_who_waits_do_not_hold_up_the_refresh(site: Site) -> None:
    """They hit any bytecode of the waiting. A lock that one left taken would stop the thread of the refresh."""
    site.login()
    site.hold()
    with site.program("interrupted_often") as program:
        site.sandbox.wait_for_held()
        program.tell("go on")
        assert program.hear() == "still there"
        site.sandbox.release()
        assert program.end() == 0
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


def test_a_cancelled_task_ends_at_once_and_closing_waits_for_the_pair(site: Site) -> None:
    site.login()
    site.hold(after_effect=True)

    async def main() -> None:
        async with site.async_client() as api:
            task = asyncio.create_task(api.get_current_user())
            await asyncio.to_thread(site.sandbox.wait_for_held)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert site.state() != "live"  # the server has rotated, and its answer is on the way
            site.sandbox.release()
        assert site.state() == "live"

    asyncio.run(main())
    assert len(site.token_requests()) == 1


def test_the_next_call_joins_the_refresh_that_a_cancelled_one_began(site: Site) -> None:
    site.login()
    site.hold()

    async def main() -> None:
        async with site.async_client() as api:
            task = asyncio.create_task(api.get_current_user())
            await asyncio.to_thread(site.sandbox.wait_for_held)
            task.cancel()
            following = asyncio.create_task(api.get_current_user())
            await asyncio.wait([task])
            assert task.cancelled()
            site.sandbox.release()
            await following

    asyncio.run(main())
    assert len(site.token_requests()) == 1


def test_a_scope_of_anyio_that_is_cancelled(site: Site) -> None:
    """Closing waits for the pair inside it, too."""
    site.login()
    site.hold(after_effect=True)

    async def cancel(scope: anyio.CancelScope) -> None:
        await asyncio.to_thread(site.sandbox.wait_for_held)
        scope.cancel()
        await asyncio.to_thread(site.sandbox.release)

    async def main() -> None:
        scope = anyio.CancelScope()
        helper = asyncio.create_task(cancel(scope))
        with scope:
            async with site.async_client() as api:
                await api.get_current_user()
        assert scope.cancelled_caught
        assert site.state() == "live"
        await helper

    asyncio.run(main())
    assert len(site.token_requests()) == 1


def test_a_timeout_around_a_call(site: Site) -> None:
    site.login()
    site.hold()

    async def run_out(limit: asyncio.Timeout) -> None:
        await asyncio.to_thread(site.sandbox.wait_for_held)
        limit.reschedule(asyncio.get_running_loop().time())
        for _ in range(10):
            await asyncio.sleep(0)
        assert limit.expired()
        await asyncio.to_thread(site.sandbox.release)

    async def main() -> None:
        async with site.async_client() as api:
            async with asyncio.timeout(None) as limit:
                helper = asyncio.create_task(run_out(limit))
                await api.get_current_user()
        await helper

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert site.state() == "live"


def test_cancelled_after_any_number_of_steps(site: Site) -> None:
    """At whatever await it stands: the token that is stored afterwards is one that lives."""
    cancelled = 0

    async def once(steps: int) -> bool:
        async with site.async_client() as api:
            task = asyncio.create_task(api.get_current_user())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return True
            return False

    for steps in range(40):
        site.login()
        cancelled += asyncio.run(once(steps))
        assert site.state() == "live"
    assert cancelled > 1


class Alarm(BaseException):
    """What the handler of a signal raises."""


def test_what_interrupts_closing_comes_out_when_the_pair_is_stored(site: Site) -> None:
    def ring(number: int, frame: Any) -> None:
        site.sandbox.release()
        raise Alarm

    site.login()
    site.hold()
    api = site.client(timeout=0.2)
    with pytest.raises(DeadlineExceeded):
        api.get_current_user()
    site.sandbox.wait_for_held()
    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(Alarm):  # noqa: PT012 - on a busy machine it may ring before the call
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            api.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    api.close()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@contextmanager
def interrupted_at(step: int, within: str) -> Iterator[None]:
    """Raise Alarm at that line of those files which this thread runs through."""
    left = step

    def at(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        left -= event in ("line", "return")
        if not left:
            sys.settrace(None)
            raise Alarm
        return at

    def calls(frame: Any, event: str, argument: Any) -> Any:
        return at if within in frame.f_code.co_filename else None

    tracing = sys.gettrace()
    sys.settrace(calls)
    try:
        yield
    finally:
        sys.settrace(tracing)


STEPS = range(1, 80) if LONG else range(1, 80, 4)


@pytest.mark.parametrize("step", range(1, 40))
def test_a_refresh_whose_start_is_interrupted_anywhere(site: Site, step: int) -> None:
    """The next caller starts it, or joins it."""
    site.login()
    with site.client() as api:
        with suppress(Alarm), interrupted_at(step, "/overlay/krebit/oauth/"):
            api.get_current_user()
        api.get_current_user()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


# An interruption just before our stream closes its socket leaves that to the garbage collector: httpcore's pool has
# dropped the connection by then, so that the second close() does not find it.
@pytest.mark.filterwarnings("ignore:Exception ignored .*<socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("step", STEPS)
def test_closing_that_is_interrupted_anywhere_does_not_cut_off_the_refresh(site: Site, step: int) -> None:
    """At each line of ours that closing runs through, while the server has rotated and the answer is on its way."""
    site.login()
    site.hold(after_effect=True)
    api = site.client(timeout=0.1)
    with pytest.raises(DeadlineExceeded):
        api.get_current_user()
    site.sandbox.wait_for_held()
    release = threading.Timer(0.2, site.sandbox.release)
    release.start()
    with suppress(Alarm), interrupted_at(step, "/overlay/krebit/"):
        api.close()
    release.join()
    api.close()
    del api
    gc.collect()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


def test_other_tasks_go_on(site: Site) -> None:
    site.login()
    site.hold()

    async def main() -> None:
        async with site.async_client() as api:
            tasks = [asyncio.create_task(api.get_current_user()) for _ in range(10)]
            await asyncio.to_thread(site.sandbox.wait_for_held)
            for task in tasks[:5]:
                task.cancel()
            await asyncio.to_thread(site.sandbox.release)
            results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(result, asyncio.CancelledError) for result in results] == [True] * 5 + [False] * 5

    asyncio.run(main())
    assert len(site.token_requests()) == 1
