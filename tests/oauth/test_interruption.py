"""Cancelled, interrupted, killed in mid-refresh: what is stored when the process goes on, or has ended."""

import asyncio
import random
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from krebit.errors import DeadlineExceeded, LoginRequired
from tests.oauth.support import LONG, ROOT, Program, Site, eventually

KILLS = 1000 if LONG else 60
PEPPER = 2000 if LONG else 200


def is_delivered(pid: int) -> bool:
    """Whether the process has taken the signals that were sent to it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return all(int(line.split()[1], 16) == 0 for line in lines if line.startswith(("SigPnd", "ShdPnd")))


@pytest.mark.parametrize(
    ("mode", "signals", "error"),
    [
        ("interrupted", [signal.SIGINT], "KeyboardInterrupt"),
        ("interrupted", [signal.SIGUSR1], "Alarm"),
        ("interrupted", [signal.SIGINT, signal.SIGINT, signal.SIGINT], "KeyboardInterrupt"),
        ("interrupted_async", [signal.SIGINT], "KeyboardInterrupt"),
        ("interrupted_async", [signal.SIGUSR1], "Alarm"),
        ("interrupted_async", [signal.SIGINT, signal.SIGINT], "KeyboardInterrupt"),
    ],
)
def test_the_pair_is_stored_before_the_process_goes_on(
    site: Site, mode: str, signals: list[signal.Signals], error: str
) -> None:
    old = site.login().refresh_token
    assert old is not None
    site.hold()
    with site.program(mode) as program:
        assert program.hear() == "ready"
        site.sandbox.wait_for_held()
        for number in signals:
            program.process.send_signal(number)
            eventually(lambda: is_delivered(program.process.pid))
        site.sandbox.release()
        heard = program.hear()
    assert heard["error"] == error
    assert heard["stored"] not in (None, old.reveal())
    assert site.sandbox.token_state(heard["stored"]) == "live"
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
            eventually(lambda: is_delivered(program.process.pid))
        site.sandbox.release()
        assert program.end() != 0
    assert "KeyboardInterrupt" in capfd.readouterr().err
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@pytest.mark.slow
def test_a_handler_that_raises_at_any_moment(site: Site) -> None:
    """A timer interrupts each refresh at another moment; the stored token lives, and nothing hangs."""
    site.login()
    with site.program("peppered", rounds=PEPPER, microseconds=60) as program:
        heard = program.hear()
        assert program.end() == 0
    assert heard["caught"] > PEPPER / 10
    assert site.sandbox.token_state(heard["stored"]) == "live"
    assert {request.status for request in site.token_requests()} == {200}


def test_a_cancelled_task_ends_when_the_pair_is_stored(site: Site) -> None:
    site.login()
    site.hold()

    async def main() -> None:
        async with site.async_client() as krebit:
            task = asyncio.create_task(krebit.get_current_user())
            await asyncio.to_thread(site.sandbox.wait_for_held)
            for _ in range(3):
                task.cancel()
                for _ in range(10):
                    await asyncio.sleep(0)
            assert not task.done()
            await asyncio.to_thread(site.sandbox.release)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert site.state() == "live"
            await krebit.get_current_user()

    asyncio.run(main())
    assert len(site.token_requests()) == 1


def test_a_scope_of_anyio_that_is_cancelled(site: Site) -> None:
    """Such a scope cancels anew at every turn of the loop; who waits for the refresh must not be woken each time."""
    site.login()
    site.hold()

    async def cancel(scope: anyio.CancelScope, task: asyncio.Task[None] | None) -> int:
        assert task is not None
        await asyncio.to_thread(site.sandbox.wait_for_held)
        scope.cancel()
        for _ in range(100):
            await asyncio.sleep(0)
        asked = task.cancelling()
        await asyncio.to_thread(site.sandbox.release)
        return asked

    async def main() -> None:
        async with site.async_client() as krebit:
            scope = anyio.CancelScope()
            helper = asyncio.create_task(cancel(scope, asyncio.current_task()))
            with scope:
                await krebit.get_current_user()
            assert scope.cancelled_caught
            assert await helper < 5
            assert site.state() == "live"

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
        async with site.async_client() as krebit:
            async with asyncio.timeout(None) as limit:
                helper = asyncio.create_task(run_out(limit))
                await krebit.get_current_user()
        await helper

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert site.state() == "live"


def test_cancelled_after_any_number_of_steps(site: Site) -> None:
    """At whatever await it stands: the token that is stored afterwards is one that lives."""
    cancelled = 0

    async def once(steps: int) -> bool:
        async with site.async_client() as krebit:
            task = asyncio.create_task(krebit.get_current_user())
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
    krebit = site.client(timeout=0.2)
    with pytest.raises(DeadlineExceeded):
        krebit.get_current_user()
    site.sandbox.wait_for_held()
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(Alarm):
            krebit.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    krebit.close()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


OURS = str(ROOT / "overlay" / "krebit") + "/"
STEPS = range(1, 80) if LONG else range(1, 80, 4)


@pytest.mark.parametrize("step", STEPS)
def test_closing_that_is_interrupted_anywhere_does_not_cut_off_the_refresh(site: Site, step: int) -> None:
    """At each line of ours that closing runs through, while the server has rotated and the answer is on its way."""
    left = step

    def at(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        left -= event in ("line", "return")
        if not left:
            sys.settrace(None)
            raise Alarm
        return at

    def calls(frame: Any, event: str, argument: Any) -> Any:
        return at if frame.f_code.co_filename.startswith(OURS) else None

    site.login()
    site.hold(after_effect=True)
    krebit = site.client(timeout=0.1)
    with pytest.raises(DeadlineExceeded):
        krebit.get_current_user()
    site.sandbox.wait_for_held()
    release = threading.Timer(0.2, site.sandbox.release)
    release.start()
    tracing = sys.gettrace()
    sys.settrace(calls)
    try:
        with suppress(Alarm):
            krebit.close()
    finally:
        sys.settrace(tracing)
    release.join()
    krebit.close()
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


def test_other_tasks_go_on(site: Site) -> None:
    site.login()
    site.hold()

    async def main() -> None:
        async with site.async_client() as krebit:
            tasks = [asyncio.create_task(krebit.get_current_user()) for _ in range(10)]
            await asyncio.to_thread(site.sandbox.wait_for_held)
            for task in tasks[:5]:
                task.cancel()
            await asyncio.to_thread(site.sandbox.release)
            results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(result, asyncio.CancelledError) for result in results] == [True] * 5 + [False] * 5

    asyncio.run(main())
    assert len(site.token_requests()) == 1


@pytest.mark.slow
def test_killed_at_every_step_of_a_refresh(site: Site, tmp_path: Path) -> None:
    """The file always parses. The one loss: killed after the server has rotated and before the new pair is in place."""
    chance = random.Random(1)
    steps = [number % 40 + 1 if number < 120 else chance.randint(1, 36) for number in range(KILLS)]
    tokens = [site.sandbox.issue_tokens().refresh_token for _ in range(KILLS)]
    given = {"settings": site.settings, "folder": str(tmp_path), "tokens": tokens, "steps": steps}
    states: dict[int, set[str]] = {}
    with Program(["killed"], given) as program:
        for step in steps:
            heard = program.hear()
            assert heard["status"] in (0, -signal.SIGKILL)
            assert heard["stored"] is not None
            assert not heard["stored"].startswith("unreadable")
            state = site.sandbox.token_state(heard["stored"])
            states.setdefault(step, set()).add(f"{state}{' finished' if heard['status'] == 0 else ''}")
    by_step = [states[step] for step in sorted(states)]
    assert all(len(found) == 1 for found in by_step)
    order = [found.pop() for found in by_step]
    # Before the request it lives; then there is one stretch in which it is lost; with the file in place it lives.
    runs = [state for number, state in enumerate(order) if number == 0 or state != order[number - 1]]
    assert runs == ["live", "revoked", "live", "live finished"]


def test_a_login_that_was_lost_to_a_kill_says_so(site: Site) -> None:
    site.login()
    site.hold(after_effect=True)
    with site.program("calls", calls=1) as program:
        program.hear()
        program.tell("go")
        site.sandbox.wait_for_held()
        program.process.kill()
        program.process.wait()
    with site.client() as krebit, pytest.raises(LoginRequired, match="sign in with"):
        krebit.get_current_user()


@pytest.mark.parametrize("child", [False, True])
def test_a_kill_leaves_no_lock_behind(site: Site, child: bool) -> None:
    """Nor does a child that was forked meanwhile and outlives it hold the lock on."""
    site.login()
    site.hold()
    with site.program("survived" if child else "calls", calls=1) as program:
        program.hear()
        program.tell("go")
        site.sandbox.wait_for_held()
        if child:
            program.tell("fork")
            assert program.hear() == "forked"
        program.process.kill()
        program.process.wait()
    with site.client(lock_patience=1) as krebit:
        krebit.get_current_user()
    assert site.state() == "live"
    assert sorted(path.suffix for path in Path(site.store.folder).iterdir()) == [".json", ".lock"]  # type: ignore[attr-defined]


def test_a_store_that_hangs_does_not_keep_the_program_from_ending() -> None:
    with Program(["hung"], {}) as program:
        assert program.hear() == "DeadlineExceeded"
        assert program.end() == 0


def test_a_call_while_the_interpreter_ends(site: Site) -> None:
    site.login()
    with site.program("at_exit") as program:
        assert program.hear() == "ok"
        assert program.end() == 0
    assert site.state() == "live"
    assert len(site.token_requests()) == 1
