"""Run by test_media.py, with a package that has the operations of media.yaml."""

import asyncio
import io
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import krebit_api.models
from krebit import ConfigurationError, DeadlineExceeded, RateLimited, ServerError, Unauthorized, UploadFailed
from krebit_api.types import File
from tests.contract.uploads import (
    AGAIN,
    KINDS,
    KNOWN_LENGTH,
    LONG,
    ONCE,
    UploadServer,
    async_generator,
    bodies,
    generator,
    ways_for,
)
from tests.ports import closed_port
from tests.transport.support import Place, RawServer, Way, answering, reply

models: Any = krebit_api.models


@pytest.mark.parametrize(("way", "kind"), ways_for(KINDS))
def test_every_kind_of_body_arrives_whole(way: Way, kind: str, tmp_path: Path) -> None:
    body = bodies(tmp_path)[kind]()
    with UploadServer("204 No Content") as server:
        server.place().call(way, lambda api: api.send_bytes(body=body))
        (upload,) = server.uploads
    assert upload.is_whole
    assert upload.body == LONG
    assert upload.headers["content-type"] == "application/octet-stream"
    assert ("content-length" in upload.headers) == (kind in KNOWN_LENGTH)


@pytest.mark.parametrize("status", ["401 Unauthorized", "429 Too Many Requests"])
@pytest.mark.parametrize("kind", AGAIN)
def test_what_can_be_read_again_is_sent_again(way: Way, kind: str, status: str, tmp_path: Path) -> None:
    body = bodies(tmp_path)[kind]()
    with UploadServer(status, "204 No Content") as server:
        server.place().call(way, lambda api: api.send_bytes(body=body))
        assert [(upload.body == LONG, upload.is_whole) for upload in server.uploads] == [(True, True)] * 2


@pytest.mark.parametrize(("status", "cause"), [("401 No", Unauthorized), ("429 Slow", RateLimited)])
@pytest.mark.parametrize(("way", "kind"), ways_for(ONCE))
def test_what_can_be_read_once_is_sent_once(way: Way, kind: str, status: str, cause: type, tmp_path: Path) -> None:
    body = bodies(tmp_path)[kind]()
    with UploadServer(status, "204 No Content") as server:
        error = server.place().error(way, lambda api: api.send_bytes(body=body))
        assert isinstance(error, UploadFailed)
        assert "one-shot stream" in str(error)
        assert isinstance(error.__cause__, cause)
        assert len(server.uploads) == 1


def test_after_a_401_a_new_stream_meets_a_new_token(way: Way) -> None:
    def call(api: Any) -> Any:
        return api.send_bytes(body=generator())

    with UploadServer("401 No", "204 No Content") as server:
        place = server.place()
        assert isinstance(place.error(way, call), UploadFailed)
        assert place.call(way, call) is None
        assert [upload.headers["authorization"][:10] for upload in server.uploads] == ["Bearer the", "Bearer new"]


@pytest.mark.parametrize("kind", ["file", "generator"])
def test_a_reset_sends_nothing_again(way: Way, kind: str, tmp_path: Path) -> None:
    body = bodies(tmp_path)[kind]()
    with UploadServer("reset") as server:
        error = server.place().error(way, lambda api: api.send_bytes(body=body))
        assert type(error).__name__ == "ConnectionFailed"
        assert ("one-shot stream" in str(error)) == (kind == "generator")
        assert len(server.uploads) == 1


def test_an_error_that_is_not_tried_again_is_the_error(way: Way) -> None:
    with UploadServer("500 Oh") as server:
        error = server.place().error(way, lambda api: api.send_bytes(body=generator()))
        assert isinstance(error, ServerError)


def test_a_connection_that_cannot_be_made_spends_no_stream(way: Way) -> None:
    with closed_port() as port:
        place = Place.at(f"localhost:{port}", plain_http=True)
        error = place.error(way, lambda api: api.send_bytes(body=generator()), retries=1)
    assert type(error).__name__ == "ConnectionFailed"
    assert "one-shot" not in str(error)


def broken(error: BaseException, at: int = 3) -> Iterator[bytes]:
    for _ in range(at):
        yield b"x" * 1000
    raise error


class Shrinking(io.BytesIO):
    """A file that somebody cuts while it is sent."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1000)) if self.tell() < 5000 else b""


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: broken(ValueError("no more")), ValueError),
        (lambda: broken(OSError(5, "disk")), OSError),
        (lambda: broken(StopAsyncIteration()), (RuntimeError, StopAsyncIteration)),
        (lambda: broken(TimeoutError()), TimeoutError),
        (lambda: [b"x" * 1000, "text"], TypeError),
        (lambda: Shrinking(LONG), OSError),
    ],
    ids=["error", "disk", "stop", "time", "text", "shrinking"],
)
@pytest.mark.parametrize("form", [False, True])
def test_a_body_that_breaks_off_is_never_whole(way: Way, make: Any, cause: type, form: bool) -> None:
    with UploadServer("204 No Content") as server:

        def call(api: Any) -> Any:
            if form:
                return api.attach(body=models.Attachment(file=File(make())))
            return api.send_bytes(body=make())

        error = server.place().error(way, call)
        assert isinstance(error, UploadFailed), repr(error)
        assert isinstance(error.__cause__, cause)
        (upload,) = server.wait(1)
        assert not upload.is_whole


def test_a_broken_body_leaves_the_client_usable(way: Way) -> None:
    with UploadServer("204 No Content") as server:

        def fail(api: Any) -> Any:
            return api.send_bytes(body=broken(ValueError()))

        place = server.place()
        api: Any
        if way == "blocking":
            with place.client() as api:
                for _ in range(3):
                    with pytest.raises(UploadFailed):
                        fail(api)
                    api.send_bytes(body=b"x")
            return

        async def main() -> None:
            api: Any
            async with place.async_client(way) as api:
                for _ in range(3):
                    with pytest.raises(UploadFailed):
                        await fail(api)
                    await api.send_bytes(body=b"x")

        asyncio.run(main())


def test_the_deadline_holds_while_a_body_is_sent(way: Way) -> None:
    def slow() -> Iterator[bytes]:
        yield b"x"
        while True:
            time.sleep(0.05)
            yield b""

    async def slow_async() -> AsyncIterator[bytes]:
        yield b"x"
        while True:
            await asyncio.sleep(0.05)
            yield b""

    with UploadServer("204 No Content") as server:
        started = time.monotonic()
        body = slow() if way == "blocking" else slow_async()
        error = server.place().error(way, lambda api: api.send_bytes(body=body), timeout=0.5)
        assert isinstance(error, DeadlineExceeded), repr(error)
        assert time.monotonic() - started < 5
        assert not server.wait(1)[0].is_whole


def test_the_deadline_holds_where_the_server_reads_nothing(way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        place = Place.at(f"localhost:{deaf.getsockname()[1]}", plain_http=True)
        error = place.error(way, lambda api: api.send_bytes(body=[LONG] * 64), timeout=0.5)
    assert isinstance(error, DeadlineExceeded)


def test_the_deadline_does_not_wait_for_a_pipe() -> None:
    """On an event loop; a blocking client waits for its own reads."""
    for way in ("asyncio", "aiohttp"):
        reading, writing = os.pipe()
        with UploadServer("204 No Content") as server, os.fdopen(reading, "rb") as pipe:
            started = time.monotonic()
            threading.Timer(3, os.close, [writing]).start()
            error = server.place().error(way, lambda api: api.send_bytes(body=pipe), timeout=0.5)
            assert isinstance(error, DeadlineExceeded)
            assert time.monotonic() - started < 10


def test_an_early_refusal_is_the_answer(way: Way) -> None:
    def answer(connection: socket.socket, request: Any) -> None:
        connection.sendall(reply({"message": "Too large"}, "413 Payload Too Large"))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with RawServer(answer) as server:
        error = Place.raw(server).error(way, lambda api: api.send_bytes(body=[LONG] * 4), timeout=10)
    assert getattr(error, "status", None) == 413, repr(error)


def test_texts_have_a_charset(way: Way) -> None:
    with UploadServer("204 No Content") as server:
        server.place().call(way, lambda api: api.send_text(body="Åsa"))
        server.place().call(way, lambda api: api.import_clients(body="a;b"))
        server.place().call(way, lambda api: api.import_clients(body=File(b"a;b", mime_type="text/csv; header=absent")))
        first, second, third = server.uploads
    assert (first.headers["content-type"], first.body) == ("text/plain; charset=utf-8", "Åsa".encode())
    assert (second.headers["content-type"], second.body) == ("text/csv; charset=utf-8", b"a;b")
    assert third.headers["content-type"] == "text/csv; header=absent"


def test_a_body_chooses_among_several_types(way: Way) -> None:
    with UploadServer("204 No Content") as server:
        place = server.place()
        place.call(way, lambda api: api.send_either(body=models.Pending(status="x")))
        place.call(way, lambda api: api.send_either(body=[b"x"]))
        place.call(way, lambda api: api.send_either())
        kinds = [(upload.headers.get("content-type"), upload.body) for upload in server.uploads]
    assert kinds == [("application/json", b'{"status": "x"}'), ("application/octet-stream", b"x"), (None, b"")]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda api: api.send_bytes(body=io.StringIO("x")), "binary mode"),
        (lambda api: api.send_bytes(body=5), "not int"),
        (lambda api: api.send_bytes(body={"a": 1}), "dict"),
        (lambda api: api.send_bytes(body=Path("/nowhere/at-all")), "No such file"),
        (lambda api: api.send_either(body=5), "int"),
        (lambda api: api.attach(body=models.Attachment(file=File(b"", "a", "a/b\r\nX: y"))), "no media type"),
        (lambda api: api.request("POST", "/x", files={"a": 5}), "not int"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(way: Way, call: Any, words: str) -> None:
    with answering(b"") as server:
        error = Place.raw(server).error(way, call)
        assert isinstance(error, ConfigurationError), repr(error)
        assert words in str(error)
        assert not server.requests


def test_an_ended_generator_and_a_stream_of_another_colour_are_refused(way: Way) -> None:
    ended = generator()
    list(ended)
    with answering(b"") as server:
        error = Place.raw(server).error(way, lambda api: api.send_bytes(body=ended))
        assert isinstance(error, ConfigurationError)
        assert "ended already" in str(error)
        if way == "blocking":
            error = Place.raw(server).error(way, lambda api: api.send_bytes(body=async_generator()))
            assert "AsyncKrebit" in str(error)
        assert not server.requests
