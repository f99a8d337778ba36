"""Run by test_media.py, with a package that has the operations of media.yaml."""

import asyncio
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from krebit import (
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    DownloadedFile,
    DownloadFailed,
    NotFound,
    UnexpectedResponse,
    download,
)
from tests.needs import needs_root
from tests.transport.support import Place, RawServer, Way, answering, reply

CSV = (("Content-Type", "text/csv"),)
LONG = bytes(range(256)) * 16384  # four megabytes


def save(place: Place, way: Way, path: Path, name: str = "export_clients", **options: Any) -> Any:
    progress = options.pop("progress", None)
    return place.call(way, lambda api: download(getattr(api, name)).to(path, progress=progress), **options)


def failure(place: Place, way: Way, path: Path, name: str = "export_clients", **options: Any) -> BaseException:
    progress = options.pop("progress", None)
    return place.error(way, lambda api: download(getattr(api, name)).to(path, progress=progress), **options)


def test_it_is_saved_with_progress(way: Way, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / "clients.csv"
    with answering(LONG, headers=CSV) as server:
        saved = save(Place.raw(server), way, path, progress=lambda *given: seen.append(given))
    assert isinstance(saved, DownloadedFile)
    assert (saved.path, saved.size, saved.status) == (path, len(LONG), 200)
    assert saved.headers["content-type"] == "text/csv"
    assert path.read_bytes() == LONG
    assert list(tmp_path.iterdir()) == [path]
    assert seen[-1] == (len(LONG), len(LONG))
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)
    assert len(seen) > 10


@pytest.mark.parametrize("name", ["get_bytes", "get_text", "get_report", "get_any", "get_numbers"])
def test_any_operation_and_any_path(way: Way, name: str, tmp_path: Path) -> None:
    kinds = {"get_text": "text/plain", "get_report": "application/pdf", "get_numbers": "application/json"}
    with answering(b"[1]", headers=(("Content-Type", kinds.get(name, "application/x-test")),)) as server:
        place = Place.raw(server)
        save(place, way, tmp_path / "one", name)
        headers = {"Accept": "*/*"}
        place.call(way, lambda api: download(api.request, "GET", "/any", headers=headers).to(str(tmp_path / "two")))
    assert [(tmp_path / one).read_bytes() for one in ("one", "two")] == [b"[1]"] * 2


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n" * end


def test_chunks_have_no_total(way: Way, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with RawServer(lambda connection, request: connection.sendall(chunked(b"a;", b"b"))) as server:
        save(Place.raw(server), way, tmp_path / "a", progress=lambda *given: seen.append(given))
    assert (tmp_path / "a").read_bytes() == b"a;b"
    assert seen[-1] == (3, None)


SHORT = reply(b"", headers=(*CSV, ("Content-Length", "100"))) + b"half"


@pytest.mark.parametrize("broken", [SHORT, chunked(b"half", end=False)], ids=["length", "chunks"])
def test_half_an_answer_is_asked_for_again_or_leaves_nothing(way: Way, broken: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")

    def answer(connection: Any, request: Any) -> None:
        connection.sendall(broken if request.number < 3 else reply(b"new", headers=CSV))

    with RawServer(answer) as server:
        error = failure(Place.raw(server), way, path, retries=0)
        assert isinstance(error, ConnectionFailed), repr(error)
        assert path.read_bytes() == b"old"
        save(Place.raw(server), way, path)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_deadline_is_for_all_of_it(way: Way, tmp_path: Path) -> None:
    def answer(connection: Any, request: Any) -> None:
        connection.sendall(reply(b"", headers=(*CSV, ("Content-Length", "100000"))))
        server.drip(connection, b"x" * 1000, 0.1)

    with RawServer(answer) as server:
        started = time.monotonic()
        error = failure(Place.raw(server), way, tmp_path / "a", timeout=0.7)
    assert isinstance(error, DeadlineExceeded), repr(error)
    assert time.monotonic() - started < 30
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("export_clients", reply(b"<html>", headers=(("Content-Type", "text/html"),)), "an HTML page"),
        ("get_report", reply({"status": "queued"}, "202 Accepted"), "JSON"),
        ("get_nothing", reply(b"OK"), "without one"),
        ("export_clients", b"HTTP/1.1 204 No Content\r\n\r\n", "204"),
        ("export_clients", reply(b"x", "206 Partial Content", CSV), "206"),
        ("export_clients", reply(b"x", headers=(*CSV, ("Content-Encoding", "gzip"))), "compressed"),
        ("export_clients", b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\na;b", "ends with the connection"),
    ],
)
def test_a_success_that_is_no_file(way: Way, name: str, answer: bytes, words: str, tmp_path: Path) -> None:
    with RawServer(lambda connection, request: connection.sendall(answer)) as server:
        error = failure(Place.raw(server), way, tmp_path / "a", name, retries=0)
    assert isinstance(error, UnexpectedResponse | ConnectionFailed), repr(error)
    assert words in str(error)
    assert not list(tmp_path.iterdir())


def test_an_error_is_the_error(way: Way, tmp_path: Path) -> None:
    with answering({"message": "No"}, "404 Not Found") as server:
        error = failure(Place.raw(server), way, tmp_path / "a")
    assert isinstance(error, NotFound)
    assert error.message == "No"
    assert not list(tmp_path.iterdir())


def test_progress_may_end_it(way: Way, tmp_path: Path) -> None:
    def stop(received: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with answering(LONG, headers=CSV) as server:
        assert isinstance(failure(Place.raw(server), way, tmp_path / "a", progress=stop), KeyboardInterrupt)
    assert not list(tmp_path.iterdir())


def test_a_cancelled_task_leaves_nothing(tmp_path: Path) -> None:
    def answer(connection: Any, request: Any) -> None:
        connection.sendall(SHORT)
        server.stopped.wait(20)

    async def main(way: Way) -> None:
        async with Place.raw(server).async_client(way) as api:
            operation: Any = api
            begun = asyncio.Event()
            saving = asyncio.create_task(
                download(operation.export_clients).to(tmp_path / "a", progress=lambda received, total: begun.set())
            )
            await begun.wait()
            saving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saving

    with RawServer(answer) as server:
        asyncio.run(main("asyncio"))
        server.requests.clear()
        asyncio.run(main("aiohttp"))
    assert not list(tmp_path.iterdir())


def test_rights_stay_and_links_are_followed(way: Way, tmp_path: Path) -> None:
    real, link, new = tmp_path / "real", tmp_path / "link", tmp_path / "new"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    with answering(b"new", headers=CSV) as server:
        save(Place.raw(server), way, link)
        save(Place.raw(server), way, new)
    assert link.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (b"new", 0o640)
    umask = os.umask(0)
    os.umask(umask)
    assert new.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_link_of_another_user_in_a_folder_for_all_is_not_followed(way: Way, tmp_path: Path) -> None:
    needs_root()
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    shared.mkdir()
    shared.chmod(0o1777)
    mine.write_bytes(b"precious")
    for name, owner in (("theirs", 65534), ("ours", os.geteuid())):
        (shared / name).symlink_to(mine)
        os.lchown(shared / name, owner, -1)
    with answering(b"new", headers=CSV) as server:
        error = failure(Place.raw(server), way, shared / "theirs")
        assert isinstance(error, DownloadFailed)
        assert str(shared / "theirs") in str(error)
        assert (mine.read_bytes(), server.requests) == (b"precious", [])
        save(Place.raw(server), way, shared / "ours")
    assert mine.read_bytes() == b"new"
    shared.chmod(0o755)
    with answering(b"newer", headers=CSV) as server:
        save(Place.raw(server), way, shared / "theirs")
    assert mine.read_bytes() == b"newer"


def test_what_cannot_be_written_asks_for_nothing(way: Way, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with answering(b"x", headers=CSV) as server:
        for path in (tmp_path, tmp_path / "nowhere" / "a", tmp_path / "pipe", tmp_path / "pipe" / "a"):
            assert isinstance(failure(Place.raw(server), way, path), DownloadFailed)
        assert not server.requests
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.contract.downloads_cases import LONG, CSV, failure
from tests.transport.support import Place, answering

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for way in ("blocking", "asyncio", "aiohttp"):
    with answering(LONG, headers=CSV) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
        error = failure(Place.raw(server), way, Path(sys.argv[1], "a"))
    assert type(error).__name__ == "DownloadFailed" and "nothing of it was kept" in str(error), repr(error)
    assert error.__cause__.errno == 27, error.__cause__
    assert not list(Path(sys.argv[1]).iterdir())
print("ok")
"""
LOCKED = """
import os, sys
from pathlib import Path
from tests.contract.downloads_cases import CSV, failure, save
from tests.transport.support import Place, answering

with answering(b"x", headers=CSV) as server:
    # Everything is loaded before the other user, who may not read the interpreter's files.
    for way in ("blocking", "asyncio", "aiohttp"):
        save(Place.raw(server), way, Path(sys.argv[1]).with_name("first"))
        failure(Place.raw(server), way, Path(sys.argv[1]))
    server.requests.clear()
    os.setuid(65534)
    for way in ("blocking", "asyncio", "aiohttp"):
        error = failure(Place.raw(server), way, Path(sys.argv[1], "a"))
        assert type(error).__name__ == "DownloadFailed" and "Permission denied" in str(error), repr(error)
    assert not server.requests
print("ok")
"""


@pytest.mark.parametrize("program", [FULL, LOCKED], ids=["full", "locked"])
def test_a_full_disk_and_a_locked_folder(program: str, tmp_path: Path) -> None:
    if program is LOCKED:
        needs_root()
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "ok\n", done.stderr


def test_a_large_one_stays_out_of_the_memory(way: Way, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def answer(connection: Any, request: Any) -> None:
        connection.sendall(reply(b"", headers=(*CSV, ("Content-Length", str(2**28)))))
        for _ in range(256):
            connection.sendall(bytes(2**20))

    with RawServer(answer) as server:
        assert save(Place.raw(server), way, tmp_path / "a", timeout=60).size == 2**28
    (tmp_path / "a").unlink()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80 * 1024  # kilobytes


def test_what_is_no_operation_is_refused() -> None:
    operation: Any = len
    with pytest.raises(ConfigurationError):
        download(operation, [1])
