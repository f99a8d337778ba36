"""The store of files: whole, private, and sure of its room before a token is spent."""

import json
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import pytest

from krebit import FileTokenStore
from krebit.errors import LoginRequired, StoreError
from krebit.stores.file import network_file_system
from krebit.stores.record import Login, LoginKey
from tests.needs import absent
from tests.oauth.support import Background, Site


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kilobytes."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(where)], capture_output=True, check=False
    )
    if mounted.returncode:
        absent("needs the right to mount a file system")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on it."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return filler


def test_a_full_disk_is_found_before_the_request(site: Site, small_disk: Path) -> None:
    site.store = FileTokenStore(small_disk / "logins")
    before = site.login()
    filler = fill(small_disk)
    with site.client() as api:
        with pytest.raises(StoreError, match="No space left"):
            api.get_current_user()
        assert not site.token_requests()
        assert site.stored() == before
        filler.unlink()
        api.get_current_user()
    assert site.state() == "live"


def test_a_disk_that_fills_during_the_request(site: Site, small_disk: Path) -> None:
    """The room was taken before."""
    site.store = FileTokenStore(small_disk / "logins")
    site.login()
    site.hold()
    with site.client() as api:
        call = Background(api.get_current_user)
        site.sandbox.wait_for_held()
        fill(small_disk)
        site.sandbox.release()
        call.finish()
    assert site.state() == "live"


def test_a_limit_of_the_files_size() -> None:
    """The same by a limit of the process, where nothing can be mounted."""
    code = """
        import resource, signal, sys, tempfile
        from krebit import FileTokenStore
        from krebit.errors import StoreError
        from krebit.stores.record import Login, LoginKey
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store, key = FileTokenStore(sys.argv[1]), LoginKey("a", "b")
        with store.lease(key, patience=1) as lease:
            lease.save(Login.empty())
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        with store.lease(key, patience=1) as lease:
            try:
                lease.prepare()
            except StoreError as error:
                assert "File too large" in str(error), error
            else:
                sys.exit("no error")
        assert store.load(key) is not None
    """
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-c", textwrap.dedent(code), f"{folder}/logins"]
        assert subprocess.run(program, check=False).returncode == 0
        assert sorted(path.suffix for path in Path(f"{folder}/logins").iterdir()) == [".json", ".lock"]


def test_storing_fails_after_the_request(site: Site, log: pytest.LogCaptureFixture) -> None:
    """The pair is used in memory, the log says so, and a later store succeeds."""
    site.login()
    old = site.refresh_token()
    file = site.file()
    site.hold()
    with site.client() as api:
        call = Background(api.get_current_user)
        site.sandbox.wait_for_held()
        file.rename(file.with_suffix(".aside"))
        file.mkdir()
        site.sandbox.release()
        call.finish()
        (error,) = [record for record in log.records if record.levelname == "ERROR"]
        assert "could not be stored" in error.message
        assert "live in this process only" in error.message
        # Still in the way: the pair goes on in memory, without a request.
        site.call_anew()
        file.rmdir()
        file.with_suffix(".aside").rename(file)
        assert site.refresh_token() == old
        site.call_anew()
        assert site.refresh_token() != old
    assert site.state() == "live"
    assert len(site.token_requests()) == 1


@pytest.mark.parametrize("what", ["logout", "login"])
def test_a_pair_that_was_not_stored_does_not_undo_what_came_after(site: Site, what: str) -> None:
    site.login()
    file = site.file()
    site.hold()
    with site.client() as api:
        call = Background(api.get_current_user)
        site.sandbox.wait_for_held()
        aside = file.rename(file.with_suffix(".aside"))
        file.mkdir()
        site.sandbox.release()
        call.finish()
        file.rmdir()
        aside.rename(file)
        if what == "logout":
            with site.client() as other:
                other.logout()
            with pytest.raises(LoginRequired, match="not signed in"):
                site.call_anew()
            assert site.stored().refresh_token is None
        else:
            newer = site.login(expired=False)
            site.call_anew()
            assert site.stored() == newer


def test_a_lock_file_that_is_removed_while_it_is_held(site: Site) -> None:
    """Nobody would be kept out any more: nothing is sent."""
    site.login()
    site.sandbox.fault(kind="status", status=503, path="/api/oauth/token")
    with site.store.lease(site.key(), patience=1) as lease:
        site.file().with_suffix(".lock").unlink()
        with pytest.raises(StoreError, match="removed while it was held"):
            lease.prepare()
        with pytest.raises(StoreError, match="removed while it was held"):
            lease.save(Login.empty())


def test_a_lock_file_whose_place_is_taken_before_the_first_look(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file at the path is not the one that is locked, though it was there when the lease began."""
    site.login()
    acquire = filelock.FileLock.acquire

    def acquire_and_be_replaced(lock: filelock.FileLock, **options: Any) -> Any:
        held = acquire(lock, **options)
        Path(lock.lock_file).unlink()
        Path(lock.lock_file).touch(mode=0o600)
        return held

    with monkeypatch.context() as patch:
        patch.setattr(filelock.FileLock, "acquire", acquire_and_be_replaced)
        with (
            site.store.lease(site.key(), patience=1) as lease,
            pytest.raises(StoreError, match="removed while it was held"),
        ):
            lease.prepare()
    with site.store.lease(site.key(), patience=1) as lease:
        lease.prepare()


def test_left_over_temporary_files_are_removed(site: Site) -> None:
    site.login()
    left = site.file().with_name(f".{site.file().name}.tmp")
    left.write_bytes(b"half a login")
    with site.client() as api:
        api.get_current_user()
    assert not left.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": 99}',
        b'{"version": "x"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": 1, "access_token": 5}',
        json.dumps({**json.loads(Login.empty().to_json()), "expires_at": 10**400}).encode(),
        json.dumps({**json.loads(Login.empty().to_json()), "salt": "~"}).encode(),
    ],
)
def test_a_file_that_is_no_login(site: Site, content: bytes) -> None:
    """It says which file it is and never what stands in it; it is not overwritten."""
    site.login()
    file = site.file()
    file.write_bytes(content)
    with site.client() as api, pytest.raises(StoreError) as caught:
        api.get_current_user()
    assert str(file) in str(caught.value)
    assert file.read_bytes() == content
    assert not site.sandbox.requests


def test_a_file_with_a_field_that_is_unknown_here(site: Site) -> None:
    """Another release of the same format may have written it."""
    login = site.login(expired=False)
    content = json.loads(site.file().read_bytes())
    site.file().write_text(json.dumps({**content, "turns": 3}))
    with site.client() as api:
        api.get_current_user()
    assert site.stored() == login


def test_the_name_shows_whose_login_it_is(site: Site, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path)
    keys = [
        LoginKey("yourco.krebit.se", "app", profile) for profile in ("default", "Default", "../x", "a/b", "å" * 100)
    ]
    paths = [store.path(key) for key in keys]
    assert len(set(paths)) == len(keys)
    assert all(path.parent == tmp_path and len(path.name) < 150 for path in paths)
    assert paths[0].name.startswith("yourco.krebit.se.default.")


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in place of the list of mounts: not every machine can mount what these tests are about."""
    file, read = tmp_path / "mounts", Path.read_text

    def read_text(path: Path, *encoding: str) -> str:
        return read(file if path == Path("/proc/self/mounts") else path, *encoding)

    monkeypatch.setattr(Path, "read_text", read_text)
    return file


def test_a_network_file_system_is_warned_of(tmp_path: Path, log: pytest.LogCaptureFixture, mounts: Path) -> None:
    mounts.write_text("x / nfs4 rw 0 0\n")
    for _ in range(2):
        with FileTokenStore(tmp_path / "logins").lease(LoginKey("a", "b"), patience=1):
            pass
    (record,) = log.records
    assert "network file system (nfs4)" in record.message


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ext4", "tmpfs", "btrfs", "overlay"]
)
def test_file_systems_are_told_apart(tmp_path: Path, mounts: Path, kind: str) -> None:
    """The deepest mount counts, and of several at one place the last; a blank in its name is written as a number."""
    network = kind in ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs")
    lines = f"x / {'ext4' if network else 'nfs'} rw 0 0\nx {tmp_path}/a\\040b ext4 rw 0 0\n"
    lines += f"x {tmp_path}/a\\040b {kind} rw 0 0\nx {tmp_path}/a\\040bc proc rw 0 0\n"
    mounts.write_text(lines)
    assert network_file_system(tmp_path / "a b" / "logins") == (kind if network else None)


def test_a_mount_whose_name_is_no_utf8_does_not_matter(tmp_path: Path, mounts: Path) -> None:
    """What serves a warning alone must not cost a login."""
    mounts.write_bytes(b"x / nfs rw 0 0\nx /mnt/gemensamt\xe5 ext4 rw 0 0\n")
    assert network_file_system(tmp_path) == "nfs"


def test_the_file_system_of_this_machine_is_read() -> None:
    assert network_file_system(Path("/proc/self")) is None


def test_threads_of_one_process_take_turns(tmp_path: Path) -> None:
    """A file lock alone would let them in together."""
    store, key, inside, most = FileTokenStore(tmp_path / "logins"), LoginKey("a", "b"), [0], [0]

    def work() -> None:
        for _ in range(5):
            with store.lease(key, patience=30):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
