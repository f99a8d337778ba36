"""Each inbox passes the tests that any inbox must pass."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from krebit.webhooks import Inbox, MemoryInbox, SqliteInbox
from krebit.webhooks.testing import InboxConformance
from tests.postgres import PostgresServer


class TestMemoryInbox(InboxConformance):
    @pytest.fixture(autouse=True)
    def place(self) -> None:
        self.inbox = MemoryInbox()

    def make_inbox(self) -> Inbox:
        return self.inbox


class TestSqliteInbox(InboxConformance):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path) -> None:
        # Processes that begin at the same time on a slow disk wait for one another.
        self.factory = partial(SqliteInbox, tmp_path / "inbox.db", busy=30.0)

    def make_inbox(self) -> Inbox:
        return self.factory()

    def process_factory(self) -> Callable[[], Inbox]:
        return self.factory


class TestPostgresInbox(InboxConformance):
    @pytest.fixture(autouse=True)
    def place(self, postgres: PostgresServer) -> None:
        from krebit.webhooks import PostgresInbox  # only where there is a server: not every Python has a psycopg

        self.factory = partial(PostgresInbox, postgres.new_database())

    def make_inbox(self) -> Inbox:
        return self.factory()

    def process_factory(self) -> Callable[[], Inbox]:
        return self.factory
