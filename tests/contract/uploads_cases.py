"""Run by test_media.py, with a package that has the operations of media.yaml."""

import io
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from email import message_from_bytes
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

import pytest

import krebit_api.models
from krebit import ConfigurationError, DeadlineExceeded, RateLimited, ServerError, Unauthorized, UploadFailed
from krebit_api.types import File
from tests.transport.support import WAYS, Place, RawServer, Way, answering, reply

models: Any = krebit_api.models
LONG = bytes(range(256)) * 4096  # a megabyte


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


class Upload:
    """One request as it came: `body` is unpacked, `is_whole` says whether it ended as its head announces."""

    def __init__(self, head: bytes, body: bytes, is_whole: bool) -> None:
        lines = head.decode("latin-1").split("\r\n")[1:]
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.body = body
        self.is_whole = is_whole


class UploadServer:
    """A server that reads bodies with a length and in chunks, and gives the answers in turn, the last for ever."""

    def __init__(self, *answers: bytes | str) -> None:
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.domain = f"localhost:{self._listener.getsockname()[1]}"
        self.uploads: list[Upload] = []
        self._came = threading.Condition()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def place(self, **options: Any) -> Place:
        return Place.at(self.domain, plain_http=True, **options)

    def wait(self, count: int) -> list[Upload]:
        """Wait until so many requests have ended, whole or not."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.uploads) >= count, 20)
        return self.uploads

    def _accept(self) -> None:
        try:
            while True:
                connection = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()
        except OSError:
            pass

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline()
                if not line:
                    return
                head += line
            if b"POST /api/oauth/token" in head:
                self._read(head, stream)
                connection.sendall(reply({"access_token": "new", "refresh_token": "r", "expires_in": 3600}))
                return
            body, is_whole = self._read(head, stream)
            with self._came:
                self.uploads.append(Upload(head[:-4], body, is_whole))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                self._came.notify_all()
            if answer == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif is_whole:
                connection.sendall(answer if isinstance(answer, bytes) else reply(b"", answer))

    def _read(self, head: bytes, stream: Any) -> tuple[bytes, bool]:
        headers = Upload(head, b"", is_whole=False).headers
        try:
            if headers.get("transfer-encoding") == "chunked":
                return self._chunks(stream)
            length = int(headers.get("content-length", "0"))
            body = stream.read(length)
        except OSError:
            return b"", False
        return body, len(body) == length

    def _chunks(self, stream: Any) -> tuple[bytes, bool]:
        body = b""
        while True:
            line = stream.readline().strip()
            if not line:
                return body, False
            size = int(line, 16)
            body += stream.read(size)
            stream.readline()
            if size == 0:
                return body, True


class Pipe(io.RawIOBase):
    """A binary file that cannot seek."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._left.read(size)

    def readable(self) -> bool:
        return True


class Many:
    """An iterable that can be read again and again."""

    def __iter__(self) -> Iterator[bytes]:
        yield from [LONG[:5000], b"", LONG[5000:]]


def generator() -> Iterator[bytes]:
    yield from [LONG[:5000], b"", LONG[5000:]]


async def async_generator() -> AsyncIterator[bytes]:
    for piece in generator():
        yield piece


def bodies(tmp_path: Path) -> dict[str, Any]:
    """Each kind of body: a function that makes it."""
    path = tmp_path / 'Ångström "1".bin'
    path.write_bytes(LONG)
    return {
        "bytes": lambda: LONG,
        "path": lambda: path,
        "file": lambda: path.open("rb"),
        "memory": lambda: io.BytesIO(LONG),
        "iterable": Many,
        "list": lambda: [LONG[:10], LONG[10:]],
        "pipe": lambda: Pipe(LONG),
        "generator": generator,
        "File": lambda: File(LONG),
        "async": async_generator,
    }


KINDS = ["bytes", "path", "file", "memory", "iterable", "list", "pipe", "generator", "File", "async"]
ONCE = ["pipe", "generator", "async"]
AGAIN = [kind for kind in KINDS if kind not in ONCE]
KNOWN_LENGTH = {"bytes", "path", "file", "memory", "File"}


def skip_other_colour(way: Way, kind: str) -> None:
    if kind == "async" and way == "blocking":
        pytest.skip("an asynchronous stream, and a blocking client")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_body_arrives_whole(way: Way, kind: str, tmp_path: Path) -> None:
    skip_other_colour(way, kind)
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
@pytest.mark.parametrize("kind", ONCE)
def test_what_can_be_read_once_is_sent_once(way: Way, kind: str, status: str, cause: type, tmp_path: Path) -> None:
    skip_other_colour(way, kind)
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
    with socket.create_server(("127.0.0.1", 0)) as closed:
        domain = f"localhost:{closed.getsockname()[1]}"
    error = Place.at(domain, plain_http=True).error(way, lambda api: api.send_bytes(body=generator()), retries=1)
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
        (lambda: broken(StopAsyncIteration()), Exception),
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

        import asyncio

        asyncio.run(main())


def test_the_deadline_holds_while_a_body_is_sent(way: Way) -> None:
    def slow() -> Iterator[bytes]:
        yield b"x"
        while True:
            time.sleep(0.05)
            yield b""

    async def slow_async() -> AsyncIterator[bytes]:
        import asyncio

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


# --- forms ------------------------------------------------------------------------------------------------------------


def parts_of(upload: Upload) -> list[tuple[str, str | None, str, bytes]]:
    """The parts of a form: name, file name, media type, content."""
    message = message_from_bytes(f"Content-Type: {upload.headers['content-type']}\r\n\r\n".encode() + upload.body)
    parts: Any = message.get_payload()
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_param("filename", header="content-disposition"),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in parts
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_with_files(way: Way, kind: str, tmp_path: Path) -> None:
    skip_other_colour(way, kind)
    content = bodies(tmp_path)[kind]()
    file = content if isinstance(content, File) else File(content, mime_type="application/x-test")
    form = models.Attachment(file=file, note="Å\r\nb", size=5, others=[File(b"a", "a.txt"), File(b"b", 'b".pdf')])
    with UploadServer("204 No Content") as server:
        server.place().call(way, lambda api: api.attach(body=form))
        (upload,) = server.uploads
    assert upload.is_whole
    parts = parts_of(upload)
    assert sorted(part[0] for part in parts) == ["file", "note", "others", "others", "size"]
    found = {(part[0], part[1]): part[2:] for part in parts}
    file_names = [file_name for field, file_name in found if field == "file"]
    assert file_names[0]
    assert found["file", file_names[0]][1] == LONG
    assert found["others", "a.txt"] == ("text/plain", b"a")
    assert found["others", "b%22.pdf"] == ("application/pdf", b"b")
    assert found["note", None][1] == "Å\r\nb".encode()
    assert found["size", None][1] == b"5"


def test_a_form_with_a_stream_is_sent_once(way: Way) -> None:
    with UploadServer("401 No") as server:
        form = models.Attachment(file=File(generator()))
        error = server.place().error(way, lambda api: api.attach(body=form))
        assert isinstance(error, UploadFailed)
        assert len(server.uploads) == 1


def test_a_form_with_a_file_is_sent_again(way: Way, tmp_path: Path) -> None:
    with UploadServer("401 No", "204 No Content") as server:
        form = models.Attachment(file=File(bodies(tmp_path)["file"]()))
        server.place().call(way, lambda api: api.attach(body=form))
        assert [parts_of(upload)[0][3] == LONG for upload in server.uploads] == [True, True]


def test_a_form_of_texts(way: Way) -> None:
    form = models.Filter(name="Å&b=", tags=["a", "b"], active=True, day=date(2024, 1, 2), amount=Decimal("1.50"))
    with UploadServer("204 No Content") as server:
        server.place().call(way, lambda api: api.send_form(body=form))
        (upload,) = server.uploads
    assert upload.headers["content-type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(upload.body.decode(), strict_parsing=True)
    assert fields == {
        "name": ["Å&b="],
        "tags": ["a", "b"],
        "active": ["true"],
        "day": ["2024-01-02"],
        "amount": ["1.5"],
    }


def test_a_request_of_ones_own_takes_them_all(way: Way, tmp_path: Path) -> None:
    def send(**body: Any) -> Upload:
        with UploadServer("204 No Content") as server:
            server.place().call(way, lambda api: api.request("POST", "/files", **body))
            return server.uploads[0]

    assert parse_qs(send(data={"a": "1", "b": ["2", "3"]}).body.decode()) == {"a": ["1"], "b": ["2", "3"]}
    assert send(content=generator()).body == LONG
    assert send(content=b"a;b", headers={"Content-Type": "text/csv"}).headers["content-type"] == "text/csv"
    path = tmp_path / "a.csv"
    path.write_bytes(b"a;b")
    parts = parts_of(send(data={"note": "x"}, files={"one": path, "two": ("b.bin", b"b", "image/png")}))
    assert parts == [
        ("note", None, "text/plain", b"x"),
        ("one", "a.csv", "text/csv", b"a;b"),
        ("two", "b.bin", "image/png", b"b"),
    ]


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
