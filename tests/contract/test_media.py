"""Answers and bodies of every media type: a document with them is generated, typed, and called in all three ways."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import ROOT, Scratch

pytestmark = pytest.mark.slow


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


BINARY = {"type": "string", "format": "binary"}
TEXT = {"type": "string"}
SCHEMAS = {
    "Pending": {"type": "object", "required": ["status"], "properties": {"status": TEXT}},
    "Filter": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": TEXT,
            "tags": _list_of(TEXT),
            "active": {"type": "boolean"},
            "day": {"type": "string", "format": "date"},
            "amount": {"type": "number", "format": "decimal"},
        },
    },
    "Attachment": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": BINARY, "note": TEXT, "others": _list_of(BINARY), "size": {"type": "integer"}},
    },
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """The package of a document with operations of every media type."""
    scratch = Scratch(tmp_path_factory.mktemp("media"))
    scratch.add_operations(Path(__file__).with_name("media.yaml"))
    scratch.document["components"]["schemas"] |= SCHEMAS
    scratch.generated()
    return scratch


def run_cases(scratch: Scratch, cases: str) -> None:
    """Run the tests of a file of this folder with the scratch package in place of the project's own."""
    path = os.pathsep.join([str(scratch.root / "generated"), str(ROOT)])
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-c",
        "/dev/null",
    ]
    command += ["--rootdir", str(ROOT), str(ROOT / "tests" / "contract" / cases)]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_answers_are_read_as_the_document_says(grown: Scratch) -> None:
    run_cases(grown, "answers_cases.py")


def test_bodies_are_sent_whole_or_not_at_all(grown: Scratch) -> None:
    run_cases(grown, "uploads_cases.py")


def test_forms_are_sent_as_the_document_says(grown: Scratch) -> None:
    run_cases(grown, "forms_cases.py")


def test_downloads_are_whole_or_not_at_all(grown: Scratch) -> None:
    run_cases(grown, "downloads_cases.py")


PROGRAM = """
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import assert_type

from krebit import AsyncKrebit, DownloadedFile, Krebit, RawResponse, download
from krebit_api.models import Act, Attachment, Pending
from krebit_api.types import File


def pieces() -> Iterator[bytes]:
    yield b""


def use(api: Krebit) -> None:
    assert_type(api.get_text(), str)
    assert_type(api.export_clients(), str)
    assert_type(api.get_report(), bytes | Pending)
    assert_type(api.get_bytes(), bytes)
    assert_type(api.get_any(), bytes)
    assert_type(api.get_two(), Pending | str)
    assert_type(api.get_vendor(), Pending)
    assert_type(api.get_nothing(), None)
    assert_type(api.start(), Act | Pending | str | None)
    assert_type(api.get_numbers(), list[int])
    assert_type(api.with_raw_response(api.get_text), RawResponse[str])
    assert_type(download(api.export_clients).to(Path("a"), progress=print), DownloadedFile)
    api.send_bytes(body=b"")
    api.send_bytes(body=Path("a"))
    api.send_bytes(body=BytesIO())
    api.send_bytes(body=pieces())
    api.send_text(body="text")
    api.send_either(body=Pending(status="x"))
    api.send_either(body=[b"x"])
    api.attach(body=Attachment(file=File(Path("a.pdf")), others=[File(pieces(), "b.bin")]))
    api.request("POST", "/files", files={"one": Path("a"), "two": ("b", b"x", "text/plain")}, data={"note": "x"})
    with open("a", "rb") as file:
        api.send_bytes(body=file)


async def use_async(api: AsyncKrebit) -> None:
    assert_type(await api.get_report(), bytes | Pending)
    assert_type(await api.with_raw_response(api.get_bytes), RawResponse[bytes])
    assert_type(await download(api.get_bytes).to("a"), DownloadedFile)
"""


def test_they_are_typed_for_mypy_and_pyright(grown: Scratch) -> None:
    for done in grown.check_types(PROGRAM):
        assert done.returncode == 0, done.stdout
