"""What depends on the server: under each, a delivery is stored, answered and handled, whatever is called later."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from tests.waiting import wait_for
from tests.webhooks.cases import act_created, signed
from tests.webhooks.client import PATH, open_request, read_answer, send
from tests.webhooks.servers import (
    QUICK,
    READ_BODIES_FIRST,
    SERVERS,
    UVICORN,
    WITHOUT_THREADS,
    ServerProcess,
    serving_in_a_process,
)

LIMIT = 1024 * 1024


def effects(folder: Path) -> list[str]:
    path = folder / "effects"
    return path.read_text().split() if path.exists() else []


@pytest.fixture(params=["sqlite", "postgres"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "inbox.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


MARKED = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SERVERS]


@pytest.fixture(scope="module", params=MARKED)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    with serving_in_a_process(SERVERS[kind], folder, str(folder / "inbox.db")) as server:
        yield server


def test_a_delivery_is_stored_answered_and_handled_once(server: ServerProcess) -> None:
    body = act_created("once")
    assert send(server.port, body, signed(body)) == (200, b"stored\n"), server.output()
    wait_for(lambda: "once" in effects(server.folder))
    assert send(server.port, body, signed(body)) == (200, b"known\n")
    assert send(server.port, body, signed(b"other"))[0] == 401
    assert send(server.port, body, [*signed(body)[:1] * 2])[0] == 401
    changed = act_created("once", more=1)
    assert send(server.port, changed, signed(changed)) == (200, b"kept\n")
    assert effects(server.folder).count("once") == 1


def test_with_and_without_a_slash_at_the_end(server: ServerProcess) -> None:
    for path in (PATH, f"{PATH}/"):
        body = act_created(path)
        assert send(server.port, body, signed(body), path=path) == (200, b"stored\n")
    wait_for(lambda: {PATH, f"{PATH}/"} <= {*effects(server.folder)})


def test_what_is_too_large_is_refused(kind: str, server: ServerProcess) -> None:
    headers = [*signed(b"x"), (b"Content-Length", str(LIMIT + 1).encode())]
    with open_request(server.port, headers) as connection:
        if kind in READ_BODIES_FIRST:  # sent to others, the body may drown the answer
            connection.sendall(b"x" * (LIMIT + 1))
        assert read_answer(connection)[0] == 413
    body = act_created("large")
    body = act_created("large", padding="x" * (LIMIT - len(body) - len(',"padding":""')))
    assert len(body) == LIMIT
    assert send(server.port, body, signed(body))[0] == 200
    wait_for(lambda: "large" in effects(server.folder))


def test_many_at_once_are_each_handled_once(server: ServerProcess) -> None:
    names = [f"many {number}".replace(" ", "-") for number in range(20)]

    def deliver(name: str) -> list[int]:
        return [send(server.port, act_created(name), signed(act_created(name)))[0] for _ in range(2)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(deliver, names)) == [[200, 200]] * 20
    wait_for(lambda: {*names} <= {*effects(server.folder)})
    assert sorted(effect for effect in effects(server.folder) if effect in names) == sorted(names)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["uvicorn", "gunicorn-sync", "granian-WSGI"])
def test_what_a_killed_server_left_is_handled_by_the_next(name: str, inbox: str, tmp_path: Path) -> None:
    first, second = act_created("first"), act_created("second")
    with serving_in_a_process(SERVERS[name], tmp_path, inbox) as server:
        (tmp_path / "effects").mkdir()  # so that the handler fails
        assert send(server.port, first, signed(first)) == (200, b"stored\n")
        wait_for(lambda: "the handler failed" in server.output())
        server.kill()
    (tmp_path / "effects").rmdir()
    with serving_in_a_process(SERVERS[name], tmp_path, inbox) as server:
        assert send(server.port, second, signed(second)) == (200, b"stored\n")
        # Killed before it had noted the failure, it has a lease of 60 s.
        wait_for(lambda: {*effects(tmp_path)} == {"first", "second"}, 120)
        assert server.stop() in (0, -15)


def test_without_threads_the_server_is_named_in_the_log(tmp_path: Path) -> None:
    body = act_created()
    with serving_in_a_process(WITHOUT_THREADS, tmp_path, str(tmp_path / "inbox.db")) as server:
        assert send(server.port, body, signed(body)) == (200, b"stored\n")
        wait_for(lambda: "start it with --enable-threads" in server.output())
    with serving_in_a_process(SERVERS["uWSGI"], tmp_path, str(tmp_path / "inbox.db")) as server:
        send(server.port, body, signed(body))  # what was stored is there, and handled
        wait_for(lambda: effects(tmp_path) == ["evt_1"])


def test_a_hundred_times_at_once_in_four_processes_has_one_effect(inbox: str, tmp_path: Path) -> None:
    body = act_created("evt_1")
    start = threading.Barrier(100)
    command = [*UVICORN, "tests.webhooks.served:front"]

    def deliver(port: int) -> tuple[int, bytes]:
        start.wait(60)
        return send(port, body, signed(body))

    with (
        serving_in_a_process(command, tmp_path, inbox) as one,
        serving_in_a_process(command, tmp_path, inbox) as two,
        serving_in_a_process(command, tmp_path, inbox) as three,
        serving_in_a_process(command, tmp_path, inbox) as four,
        ThreadPoolExecutor(100) as pool,
    ):
        ports = [server.port for server in (one, two, three, four)] * 25
        answers = list(pool.map(deliver, ports))
        wait_for(lambda: effects(tmp_path))
        for server in (one, two, three, four):
            server.stop()
    assert sorted(answers) == [(200, b"known\n")] * 99 + [(200, b"stored\n")]
    assert effects(tmp_path) == ["evt_1"]
