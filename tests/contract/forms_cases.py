"""Run by test_media.py, with a package that has the operations of media.yaml."""

from datetime import date
from decimal import Decimal
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

import krebit_api.models
from krebit import UploadFailed
from krebit_api.types import File
from tests.contract.uploads import KINDS, LONG, Upload, UploadServer, bodies, generator, ways_for
from tests.transport.support import Way

models: Any = krebit_api.models


def parts_of(upload: Upload) -> list[tuple[str, str | None, str, bytes]]:
    """Return the parts of a form: name, file name, media type, content."""
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


@pytest.mark.parametrize(("way", "kind"), ways_for(KINDS))
def test_a_form_with_files(way: Way, kind: str, tmp_path: Path) -> None:
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


def test_the_fields_beside_files_are_written_as_httpx_writes_them(way: Way) -> None:
    fields = {"tags": ["a", "b"], "urgent": True, "reason": None, "raw": b"\xff", "none": [], "amount": Decimal("1.50")}
    with UploadServer("204 No Content") as server:
        server.place().call(way, lambda api: api.request("POST", "/files", data=fields, files={"one": b"b"}))
        (upload,) = server.uploads
    parts = [(name, content) for name, _, _, content in parts_of(upload)]
    assert parts == [
        ("tags", b"a"),
        ("tags", b"b"),
        ("urgent", b"true"),
        ("reason", b""),
        ("raw", b"\xff"),
        ("amount", b"1.50"),
        ("one", b"b"),
    ]
