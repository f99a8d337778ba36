"""The database server and the SQLite inbox, for the tests here that need them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from krebit.webhooks import SqliteInbox
from tests.postgres import postgres

__all__ = ["postgres"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The place of an inbox, in a folder of its own."""
    folder = tmp_path / "folder"
    folder.mkdir(0o755)
    return folder / "inbox.db"


@pytest.fixture
def inbox(path: Path) -> Iterator[SqliteInbox]:
    """An inbox in a file."""
    inbox = SqliteInbox(path, busy=10.0)
    yield inbox
    inbox.close()
