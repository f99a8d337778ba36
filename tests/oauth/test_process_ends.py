"""The end of a process in mid-refresh: by itself, as a child, by a kill. What is stored then?"""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from krebit.errors import LoginRequired
from tests.oauth.support import LONG, Program, Site

KILLS = 1000 if LONG else 60


def release_soon(site: Site) -> None:
    """Let the held request go when the process has come to its end."""
    threading.Timer(0.5, site.sandbox.release).start()


def test_a_daemon_thread_and_the_end_of_the_program(site: Site) -> None:
    site.login()
    site.hold(after_effect=True)
    with site.program("daemon") as program:
        site.sandbox.wait_for_held()
        program.tell("end")
        release_soon(site)
        assert program.end() == 0
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@pytest.mark.parametrize("mode", ["child", "executor"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_ends(site: Site, mode: str, method: str) -> None:
    """Its call ran out of time, and the refresh goes on."""
    site.login()
    site.hold(after_effect=True)
    with site.program(mode, method=method) as program:
        assert program.hear() == "DeadlineExceeded"
        site.sandbox.wait_for_held()
        release_soon(site)
        assert program.hear() == 0
        assert program.end() == 0
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_child_of_multiprocessing_is_interrupted(site: Site, times: int, method: str) -> None:
    """The second Ctrl-C interrupts the interpreter's own wait for its threads."""
    site.login()
    site.hold(after_effect=True)
    with site.program("interrupted_child", method=method) as program:
        child = program.hear()
        site.sandbox.wait_for_held()
        for _ in range(times):
            os.kill(child, signal.SIGINT)
            time.sleep(0.3)
        site.sandbox.release()
        assert program.hear() != 0
        assert program.end() == 0
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


def test_the_end_of_asyncio_after_a_cancelled_task(site: Site) -> None:
    site.login()
    site.hold(after_effect=True)
    with site.program("cancelled") as program:
        assert program.hear() == "ready"
        site.sandbox.wait_for_held()
        program.tell("cancel")
        assert program.hear() == "cancelled"
        release_soon(site)
        assert program.end() == 0
    assert site.state() == "live"


def test_an_event_loop_that_is_closed_while_a_task_waits(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing of ours complains when the refresh ends later."""
    site.login()
    site.hold(after_effect=True)
    with site.program("left_loop") as program:
        assert program.hear() == "ready"
        site.sandbox.wait_for_held()
        assert program.hear() == "closed"
        release_soon(site)
        assert program.end() == 0
    assert site.state() == "live"
    assert "Traceback" not in capfd.readouterr().err


def test_no_thread_can_be_started(site: Site) -> None:
    site.login()
    with site.program("no_threads") as program:
        assert program.hear() == "ok"
        assert program.end() == 0
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@pytest.mark.slow
def test_killed_at_every_step_of_a_refresh(site: Site, tmp_path: Path) -> None:
    """The file always parses. The one loss: killed after the server has rotated and before the new pair is in place."""
    chance = random.Random(1)
    steps = [number % 48 + 1 if number < 144 else chance.randint(1, 44) for number in range(KILLS)]
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
    with site.client() as api, pytest.raises(LoginRequired, match="sign in with"):
        api.get_current_user()


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
    with site.client(lock_patience=1) as api:
        api.get_current_user()
    assert site.state() == "live"
    assert sorted(path.suffix for path in Path(site.store.folder).iterdir()) == [".json", ".lock"]  # type: ignore[attr-defined]


def test_a_call_while_the_interpreter_ends(site: Site) -> None:
    site.login()
    with site.program("at_exit") as program:
        assert program.hear() == "ok"
        assert program.end() == 0
    assert site.state() == "live"
    assert len(site.token_requests()) == 1
