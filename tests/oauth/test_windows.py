"""The code of Windows, run here: without what Windows lacks, and where it refuses what it refuses.

In processes of their own, in which Python says that it runs on Windows. None of this is a real Windows.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import absent
from tests.oauth.support import ROOT

WINDOWS = """
import asyncio, os, sqlite3, sys
from pathlib import Path
import anyio, attrs, dateutil.parser, filelock, httpcore, httpx, platformdirs
from platformdirs.windows import Windows

MISSING = {"O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "fchmod", "geteuid", "register_at_fork"}

class Os:
    "What our modules import as `os` on Windows. Their dependencies are those of Linux, and keep all of it."
    O_BINARY = 0
    def __getattr__(self, name):
        if name in MISSING:
            raise AttributeError(name)
        return getattr(os, name)

sys.platform = "win32"
sys.modules["os"] = Os()
from krebit import FileTokenStore, Krebit, StoreError, StoreUnsafe
from krebit.stores import Login, LoginKey
from krebit.webhooks import SqliteInbox
sys.modules["os"] = os
key, folder = LoginKey("a.example", "application"), Path(sys.argv[1])

def save(store, generation):
    with store.lease(key, patience=1) as lease:
        lease.prepare()
        lease.save(Login(generation=generation))
"""

CASES = {
    "saves, loads and replaces, whatever the modes are": """
store = FileTokenStore(folder / "logins")
save(store, 1)
store.folder.chmod(0o777)
store.path(key).chmod(0o666)
save(store, 2)
assert store.load(key) == Login(generation=2)
assert not list(store.folder.glob(".*"))
""",
    "a file is closed before it is renamed": """
store = FileTokenStore(folder / "logins")
real, opened = os.replace, set()
def replace(source, target):
    mine = os.stat(source)
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            assert not os.path.samestat(os.fstat(fd), mine), "it is open still"
        except OSError:
            pass
    real(source, target)
os.replace = replace
save(store, 1)
assert store.load(key) == Login(generation=1)
""",
    "replacing waits for a reader": """
store = FileTokenStore(folder / "logins")
save(store, 1)
real, refused = os.replace, []
def replace(source, target):
    if len(refused) < 5:
        refused.append(1)
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")
    real(source, target)
os.replace = replace
save(store, 2)
assert len(refused) == 5 and store.load(key) == Login(generation=2)
""",
    "a reader who never goes is an error, and the login is as it was": """
store = FileTokenStore(folder / "logins")
save(store, 1)
def replace(source, target):
    raise PermissionError(13, "in use")
os.replace = replace
try:
    save(store, 2)
except StoreError as error:
    assert "cannot write" in str(error), error
else:
    raise AssertionError
assert store.load(key) == Login(generation=1)
assert not list(store.folder.glob(".*.tmp"))
""",
    "a reader waits while the file is replaced": """
store = FileTokenStore(folder / "logins")
save(store, 1)
real, refused = os.open, []
def refusing(path, flags, *rest, **more):
    if str(path).endswith(".json") and len(refused) < 5:
        refused.append(1)
        raise PermissionError(13, "in use")
    return real(path, flags, *rest, **more)
os.open = refusing
assert store.load(key) == Login(generation=1) and len(refused) == 5
""",
    "a link is refused": """
store = FileTokenStore(folder / "logins")
save(store, 1)
store.path(key).rename(folder / "victim")
store.path(key).symlink_to(folder / "victim")
try:
    store.load(key)
except StoreUnsafe as error:
    assert "remove it" in str(error) and "rm " not in str(error), error
else:
    raise AssertionError
""",
    "logins lie in the local application data": """
os.environ["WIN_PD_OVERRIDE_LOCAL_APPDATA"] = os.environ["LOCALAPPDATA"] = str(folder / "Local")
import platformdirs.windows
platformdirs.windows.get_win_folder = lambda name: str(folder / {"CSIDL_LOCAL_APPDATA": "Local"}[name])
platformdirs.PlatformDirs = Windows
assert FileTokenStore().folder == folder / "Local" / "krebit" / "logins", FileTokenStore().folder
""",
    "an inbox stores, whatever the modes are": """
(folder / "inbox").mkdir()
(folder / "inbox").chmod(0o777)
for _ in range(2):
    inbox = SqliteInbox(folder / "inbox" / "inbox.db")
    inbox.store("a", "digest", b"body")
    assert inbox.store("a", "digest", b"body") == "same"
    inbox.close()
""",
}


@pytest.mark.parametrize("case", CASES)
def test_on_what_python_takes_for_windows(case: str, tmp_path: Path) -> None:
    if sys.platform != "linux":
        absent("needs Linux, whose /proc shows the open files")
    program = [sys.executable, "-c", WINDOWS + CASES[case], str(tmp_path)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
