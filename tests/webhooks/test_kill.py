"""Real processes that die at the worst moments, and several that get the same delivery at once."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.webhooks.cases import act_created, signed
from tests.webhooks.client import send
from tests.webhooks.servers import FRAMEWORKS

ROOT = Path(__file__).parents[2]


class Process:
    """A receiver's process and its port."""

    def __init__(self, framework: str, folder: Path, moment: str) -> None:
        command = [sys.executable, "-m", "tests.webhooks.process", framework, str(folder), moment]
        self.popen = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.popen.stdout is not None
        self.port = int(self.popen.stdout.readline())

    def stop(self) -> None:
        self.popen.send_signal(signal.SIGTERM)
        self.popen.wait(30)
        assert self.popen.stdout is not None
        self.popen.stdout.close()


@contextmanager
def running(framework: str, folder: Path, moment: str = "") -> Iterator[Process]:
    process = Process(framework, folder, moment)
    try:
        yield process
    finally:
        process.stop()


def effects(folder: Path) -> list[str]:
    path = folder / "effects"
    return path.read_text().split() if path.exists() else []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def wait_for_effects(folder: Path, number: int) -> None:
    wait_for(lambda: len(effects(folder)) >= number)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("moment", ["storing", "stored"])
def test_killed_before_the_answer_it_is_sent_again_and_has_one_effect(
    framework: str, moment: str, tmp_path: Path
) -> None:
    body = act_created("evt_1")
    with running(framework, tmp_path, moment) as process:
        with pytest.raises((IndexError, OSError)):  # no answer: the sender will try again
            send(process.port, body, signed(body))
        assert process.popen.wait(30) == -signal.SIGKILL
    assert effects(tmp_path) == []
    with running(framework, tmp_path) as process:
        first = b"known\n" if moment == "stored" else b"stored\n"
        assert send(process.port, body, signed(body)) == (200, first)
        wait_for_effects(tmp_path, 1)
        assert send(process.port, body, signed(body)) == (200, b"known\n")
    assert effects(tmp_path) == ["evt_1"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_killed_before_the_answer_it_is_sent_again_to_another_process_that_lives(
    framework: str, tmp_path: Path
) -> None:
    body, earlier = act_created("evt_1"), act_created("evt_0")
    with running(framework, tmp_path) as living, running(framework, tmp_path, "stored") as dying:
        assert send(living.port, earlier, signed(earlier)) == (200, b"stored\n")
        wait_for_effects(tmp_path, 1)
        with pytest.raises((IndexError, OSError)):
            send(dying.port, body, signed(body))
        dying.popen.wait(30)
        assert send(living.port, body, signed(body)) == (200, b"known\n")
        wait_for_effects(tmp_path, 2)
    assert effects(tmp_path) == ["evt_0", "evt_1"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_killed_after_the_answer_it_is_handled_by_the_next_process(framework: str, tmp_path: Path) -> None:
    body, later = act_created("evt_1"), act_created("evt_2")
    with running(framework, tmp_path, "answered") as process:
        assert send(process.port, body, signed(body)) == (200, b"stored\n")
        assert process.popen.wait(30) == -signal.SIGKILL
    with running(framework, tmp_path) as process:
        assert send(process.port, later, signed(later)) == (200, b"stored\n")
        wait_for_effects(tmp_path, 2)
        assert send(process.port, body, signed(body)) == (200, b"known\n")
    assert effects(tmp_path) == ["evt_2", "evt_1"]


@pytest.mark.parametrize(("moment", "again"), [("several storing", b"stored\n"), ("several stored", b"known\n")])
def test_killed_with_several_in_one_transaction_each_is_sent_again_and_has_one_effect(
    moment: str, again: bytes, tmp_path: Path
) -> None:
    names = ["a", "b", "c"]
    with running("starlette", tmp_path, moment) as process, ThreadPoolExecutor(4) as pool:
        # What becomes of the first, which waits for the others, is left open: it is stored, and may be answered.
        pool.submit(send, process.port, act_created("first"), signed(act_created("first")))
        wait_for((tmp_path / "claiming").exists)
        sent = [pool.submit(send, process.port, act_created(name), signed(act_created(name))) for name in names]
        for answer in sent:
            with pytest.raises((IndexError, OSError)):
                answer.result(60)
        assert process.popen.wait(30) == -signal.SIGKILL
    assert not set(names) & set(effects(tmp_path))
    with running("starlette", tmp_path) as process:
        for name in names:
            assert send(process.port, act_created(name), signed(act_created(name))) == (200, again)
        wait_for_effects(tmp_path, len(names))
        for name in names:
            assert send(process.port, act_created(name), signed(act_created(name))) == (200, b"known\n")
    assert sorted(set(effects(tmp_path)) - {"first"}) == names
    assert sorted(effect for effect in effects(tmp_path) if effect != "first") == names


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_hundred_times_at_once_in_four_processes_has_one_effect(framework: str, tmp_path: Path) -> None:
    body = act_created("evt_1")
    start = threading.Barrier(100)

    def deliver(port: int) -> tuple[int, bytes]:
        start.wait(30)
        return send(port, body, signed(body))

    with (
        running(framework, tmp_path) as one,
        running(framework, tmp_path) as two,
        running(framework, tmp_path) as three,
        running(framework, tmp_path) as four,
        ThreadPoolExecutor(100) as pool,
    ):
        ports = [process.port for process in (one, two, three, four)] * 25
        answers = list(pool.map(deliver, ports))
    # Stopped servers have waited for their handlers.
    assert sorted(answers) == [(200, b"known\n")] * 99 + [(200, b"stored\n")]
    assert effects(tmp_path) == ["evt_1"]
