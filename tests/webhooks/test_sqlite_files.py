"""The files of the SQLite inbox: private, refused where others may write, and without bodies in the end."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from krebit.errors import StoreUnsafe
from krebit.webhooks import SqliteInbox
from tests.needs import needs_root
from tests.waiting import wait_for
from tests.webhooks.sqlite import keys, store

NOBODY = 65_534


def as_another_user(work: Callable[[], object]) -> str:
    """Return the name and the text of the error that `work` ends with in a child under another uid, or "done"."""
    needs_root()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            work()
            text = "done"
        except BaseException as error:  # noqa: BLE001 - the parent reads it
            text = f"{type(error).__name__}: {error}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as output:
        return output.read()


@pytest.mark.parametrize("mask", [0, 0o777])
def test_the_files_are_for_their_owner_alone_whatever_the_umask(path: Path, mask: int) -> None:
    path.parent.chmod(0o1777)

    def work() -> None:
        os.umask(mask)
        inbox = SqliteInbox(path)
        assert store(inbox, "a") == "new"

    for parent in path.parents[1:]:
        if Path(tempfile.gettempdir()) in parent.parents:
            parent.chmod(parent.stat().st_mode | 0o011)
    assert as_another_user(work) == "done"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_file_of_somebody_else_is_refused(path: Path, suffix: str) -> None:
    """Whoever can write it could have rows handled without any signature."""
    needs_root()
    path.parent.chmod(0o1777)
    theirs = path.with_name(path.name + suffix)
    theirs.touch(0o600)
    os.chown(theirs, NOBODY, NOBODY)
    with pytest.raises(StoreUnsafe, match="belongs to another user"):
        store(SqliteInbox(path), "a")
    assert theirs.read_bytes() == b""


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "open to others"])
def test_what_is_no_file_of_ours_alone_is_refused_and_left_as_it_is(path: Path, suffix: str, kind: str) -> None:
    theirs, victim = path.with_name(path.name + suffix), path.with_name("victim")
    victim.write_bytes(b"precious")
    if kind == "link":
        theirs.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(theirs, 0o600)
    elif kind == "folder":
        theirs.mkdir()
    else:
        theirs.touch()
        theirs.chmod(0o660)
    with pytest.raises(StoreUnsafe, match=r"chmod 600|rm "):
        store(SqliteInbox(path), "a")
    assert victim.read_bytes() == b"precious"
    assert theirs.is_symlink() or theirs.exists()


def test_a_folder_in_which_anybody_can_replace_it_is_refused(path: Path) -> None:
    path.parent.chmod(0o777)
    with pytest.raises(StoreUnsafe, match="chmod o-w"):
        store(SqliteInbox(path), "a")
    assert list(path.parent.iterdir()) == []
    path.parent.chmod(0o1777)  # as /tmp is: others cannot replace it there
    inbox = SqliteInbox(path)
    assert store(inbox, "a") == "new"
    inbox.close()


@pytest.mark.slow
def test_bodies_of_handled_deliveries_are_gone_from_every_file(path: Path, inbox: SqliteInbox) -> None:
    for number in range(50):
        store(inbox, f"small {number}", b"anna@example.com" * (number + 1))
        store(inbox, f"large {number}", b"anna@example.com" * 2_000)
    assert b"anna@example.com" in b"".join(file.read_bytes() for file in path.parent.iterdir())
    while (taken := inbox.take(60)) is not None:
        assert inbox.complete(taken)
    wait_until_erased(path, inbox)
    assert {file.name for file in path.parent.iterdir()} == {"inbox.db", "inbox.db-wal", "inbox.db-shm"}
    assert len(keys(path)) == 100


@pytest.mark.slow
def test_bodies_that_a_killed_process_has_erased_are_gone_as_well(path: Path, inbox: SqliteInbox) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            store(inbox, "a", b"anna@example.com")
            taken = inbox.take(60)
            assert taken is not None
            inbox.complete(taken)
            os.kill(os.getpid(), 9)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    assert b"anna@" in path.with_name("inbox.db-wal").read_bytes()
    wait_until_erased(path, inbox)


def wait_until_erased(path: Path, inbox: SqliteInbox) -> None:
    """Ask for deliveries as a worker does, until no file holds a body any more."""

    def is_erased() -> bool:
        assert inbox.take(60) is None
        return not any(b"anna@" in file.read_bytes() for file in path.parent.iterdir())

    wait_for(is_erased)


def test_pruned_conflicts_are_gone_at_once(path: Path, inbox: SqliteInbox) -> None:
    store(inbox, "a")
    inbox.store("a", "another", b"anna@example.com")
    inbox.prune(-60)
    for file in path.parent.iterdir():
        assert b"anna@" not in file.read_bytes(), file.name


def test_a_file_that_is_no_database_is_not_overwritten(path: Path, inbox: SqliteInbox) -> None:
    path.touch(0o600)
    path.write_bytes(b"precious" * 200)
    with pytest.raises(sqlite3.DatabaseError):
        store(inbox, "k")
    assert path.read_bytes() == b"precious" * 200


def _the_file(path: Path) -> None:
    path.unlink()


def _all_its_files(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()


def _to_elsewhere(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("take_away", [_the_file, _all_its_files, _to_elsewhere])
def test_a_delivery_that_comes_after_the_file_was_taken_away_is_stored_in_a_new_one(
    path: Path, inbox: SqliteInbox, take_away: Callable[[Path], None]
) -> None:
    other = SqliteInbox(path, busy=10.0)
    assert [store(each, "before") for each in (inbox, other)] == ["new", "same"]
    take_away(path)
    assert store(inbox, "after") == "new"
    assert store(other, "after") == "same"
    assert store(other, "later") == "new"
    assert keys(path) == {"after", "later"}
    other.close()
