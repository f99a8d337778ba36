"""The rights of the store's files: what others could read or replace is refused, with the repair."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from krebit import FileTokenStore
from krebit.errors import StoreUnsafe
from krebit.stores.record import LoginKey
from tests.needs import needs_root
from tests.oauth.support import ROOT, Site

NOBODY = 65534


RIGHTS = """
    import os, stat, sys
    from pathlib import Path
    os.umask(0)
    from krebit import FileTokenStore
    from krebit.errors import StoreUnsafe, StoreError
    from krebit.stores.record import Login, LoginKey
    here, case = Path(sys.argv[1]), sys.argv[2]
    store, key = FileTokenStore(here / "state" / "krebit" / "logins"), LoginKey("a", "b")
    def save():
        with store.lease(key, patience=1) as lease:
            lease.prepare()
            (temporary,) = store.folder.glob(".*.tmp")
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
            lease.save(Login.empty())
    save()
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (here / "state").rglob("*")}
    modes[here / "state"] = stat.S_IMODE((here / "state").stat().st_mode)
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes
    file, lock, victim = store.path(key), store.path(key).with_suffix(".lock"), here / "victim"
    victim.write_bytes(b"precious"); victim.chmod(0o600)
    def replace(path, how):
        path.unlink()
        how(path)
    {
        "file link": lambda: replace(file, lambda p: p.symlink_to(victim)),
        "lock link": lambda: replace(lock, lambda p: p.symlink_to(victim)),
        "folder link": lambda: (store.folder.rename(here / "real"), store.folder.symlink_to(here / "real")),
        "file fifo": lambda: replace(file, os.mkfifo),
        "lock fifo": lambda: replace(lock, os.mkfifo),
        "file group": lambda: file.chmod(0o640),
        "file others": lambda: file.chmod(0o604),
        "lock others": lambda: lock.chmod(0o606),
        "folder group": lambda: store.folder.chmod(0o750),
        "folder others": lambda: store.folder.chmod(0o701),
        "none": lambda: None,
    }[case]()
    named = {"file": file, "lock": lock, "folder": store.folder}.get(case.split()[0])
    for work in (save, lambda: store.load(key)):
        if work is not save and case.startswith("lock"):
            continue
        try:
            work()
        except StoreUnsafe as error:
            assert str(named) in str(error), error
            assert "chmod " in str(error) or "rm " in str(error), error
        else:
            assert case == "none", "not refused"
    assert victim.read_bytes() == b"precious"
"""
CASES = ["none", "file link", "lock link", "folder link", "file fifo", "lock fifo", "file group", "file others"]
CASES += ["lock others", "folder group", "folder others"]


@pytest.fixture
def others_folder() -> Iterator[Path]:
    """A folder of somebody who is not root: root would see no refusal."""
    needs_root()
    folder = Path(tempfile.mkdtemp(prefix="krebit-rights-"))
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


# The interpreter may lie where only root can read it: everything is imported first.
BECOME_NOBODY = f"""
    import os, filelock, krebit.stores.file
    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
"""


def as_nobody(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-c", textwrap.dedent(BECOME_NOBODY + code), *arguments]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("case", CASES)
def test_unsafe_files_are_refused(others_folder: Path, case: str) -> None:
    """Whatever the umask, files are 0600 and folders 0700; links, FIFOs and rights of others are refused with the
    repair, and what a link points to is untouched."""
    result = as_nobody(RIGHTS, str(others_folder), case)
    assert result.returncode == 0, result.stderr


UMASK = """
    import os, stat, sys
    from pathlib import Path
    os.umask(int(sys.argv[2], 8))
    from krebit import FileTokenStore
    from krebit.redaction import Secret
    from krebit.stores.record import Login, LoginKey
    here = Path(sys.argv[1])
    store, key = FileTokenStore(here / "state" / "krebit" / "logins"), LoginKey("a", "b")
    for number in range(3):
        login = Login(access_token=Secret("a"), generation=number)
        with store.lease(key, patience=1) as lease:
            lease.prepare()
            lease.save(login)
            assert lease.load() == login
        assert store.load(key) == login
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [here / "state", *(here / "state").rglob("*")]}
        assert len(modes) == 5, modes
        assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes
"""


@pytest.mark.parametrize("umask", ["0", "022", "077", "0177", "0277", "0477", "0777"])
def test_any_umask(others_folder: Path, umask: str) -> None:
    """Files are 0600 and folders 0700, and the login that was saved can be read."""
    result = as_nobody(UMASK, str(others_folder), umask)
    assert result.returncode == 0, result.stderr


FS_GROUP = """
    import os, sys
    from pathlib import Path
    from krebit import FileTokenStore
    from krebit.errors import StoreUnsafe
    from krebit.stores.record import Login, LoginKey
    here = Path(sys.argv[1])
    folder, key = here / "volume" / "logins", LoginKey("a", "b")
    store = FileTokenStore(folder, group_access=True)

    def save(store, generation):
        with store.lease(key, patience=1) as lease:
            lease.prepare()
            lease.save(Login(generation=generation))

    def mount():
        "Do as kubelet does with fsGroup: g+rwX on all there is, and the folder's group for new files."
        for path in [folder, *folder.iterdir()]:
            path.chmod(path.stat().st_mode | (0o2770 if path.is_dir() else 0o660))

    for generation in range(3):
        save(store, generation)
        mount()
        assert store.load(key) == Login(generation=generation)
        store.path(key).with_name(f".{store.path(key).name}.tmp").write_bytes(b"left over")
        mount()
    for work in (lambda: save(FileTokenStore(folder), 9), lambda: FileTokenStore(folder).load(key)):
        try:
            work()
        except StoreUnsafe as error:
            assert "its group (gid 65534)" in str(error), error
            assert "group_access=True" in str(error) and "chmod 700" in str(error), error
        else:
            sys.exit("not refused")
    for path in (store.path(key), folder, store.path(key).with_suffix(".lock")):
        before = path.stat().st_mode
        path.chmod(before | 0o001)
        try:
            save(store, 9)
        except StoreUnsafe as error:
            assert "others have rights" in str(error) and str(path) in str(error), error
        else:
            sys.exit(f"{path} is not refused")
        path.chmod(before)
    save(store, 10)
"""


def test_a_volume_whose_group_gets_rights_with_each_mount(others_folder: Path) -> None:
    """It is accepted where that was asked for, and refused with the setting's name where it was not."""
    result = as_nobody(FS_GROUP, str(others_folder))
    assert result.returncode == 0, result.stderr


READ_ONLY = """
    import sys
    from pathlib import Path
    from krebit import FileTokenStore
    from krebit.errors import StoreError
    from krebit.stores.record import Login, LoginKey
    store, key = FileTokenStore(Path(sys.argv[1]) / "logins"), LoginKey("a", "b")
    with store.lease(key, patience=1) as lease:
        lease.save(Login.empty())
    before = store.load(key)
    store.folder.chmod(0o500)
    try:
        with store.lease(key, patience=1) as lease:
            lease.prepare()
    except StoreError as error:
        assert "Permission denied" in str(error), error
    else:
        sys.exit("no error")
    assert store.load(key) == before
    store.folder.chmod(0o000)
    for work in (lambda: store.load(key), lambda: store.lease(key, patience=1).__enter__()):
        try:
            work()
        except StoreError as error:
            assert "Permission denied" in str(error), error
        else:
            sys.exit("no error")
    store.folder.chmod(0o700)
"""


def test_a_read_only_folder_is_found_before_the_request(others_folder: Path) -> None:
    result = as_nobody(READ_ONLY, str(others_folder))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("what", ["file", "lock", "folder"])
def test_another_owner_is_refused(site: Site, what: str) -> None:
    needs_root()
    site.login()
    file = site.file()
    given = {"file": file, "lock": file.with_suffix(".lock"), "folder": file.parent}[what]
    os.chown(given, NOBODY, NOBODY)
    with site.client() as api, pytest.raises(StoreUnsafe, match="belongs to another user") as caught:
        api.get_current_user()
    assert str(given) in str(caught.value)
    os.chown(given, 0, 0)
    assert not site.sandbox.requests


def test_rights_survive_a_refresh(site: Site) -> None:
    site.login()
    with site.client() as api:
        api.get_current_user()
    assert {stat.S_IMODE(path.stat().st_mode) for path in site.file().parent.iterdir()} == {0o600}


HOMELESS = """
    import os, filelock, platformdirs.unix, pwd, krebit.stores.file
    from krebit.errors import ConfigurationError
    os.setgroups([]); os.setgid(54321); os.setuid(54321)
    del os.environ["HOME"]
    for folder in (None, "~/logins", "~nobody-of-this-name/logins"):
        try:
            krebit.stores.file.FileTokenStore(folder)
        except ConfigurationError as error:
            assert "set HOME" in str(error), error
        else:
            raise AssertionError("no error")
    krebit.stores.file.FileTokenStore("/somewhere/logins")
"""


def test_a_user_without_a_home_folder() -> None:
    needs_root()
    program = [sys.executable, "-c", textwrap.dedent(HOMELESS)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | {"HOME": "/root"}
    result = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_file_in_place_of_the_folder_is_not_to_be_removed(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text("somebody's own")
    with pytest.raises(StoreUnsafe, match="name a folder instead") as caught:
        FileTokenStore(file).load(LoginKey("a", "b"))
    assert "rm " not in str(caught.value)
