"""A grown document: every feature is generated, sent and read on all three clients, and typed."""

from __future__ import annotations

import pytest

from . import grown_document
from .conftest import Scratch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    scratch = Scratch(tmp_path_factory.mktemp("grown"))
    grown_document.grow(scratch.document)
    scratch.generated()
    return scratch


@pytest.mark.parametrize("client", ["blocking", "asynchronous", "aiohttp"])
def test_every_call_is_sent_and_read_as_the_document_says(client: str, grown: Scratch) -> None:
    done = grown.run_calls(client, list(grown_document.calls()))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_call_is_typed(grown: Scratch) -> None:
    for done in grown.check_types(grown_document.program()):
        assert done.returncode == 0, done.stdout


def test_there_is_an_operation_for_each_feature() -> None:
    assert len(grown_document.operations()) >= 40
