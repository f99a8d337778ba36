"""Machines where nothing can be written, or where there is no home at all."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from krebit_sandbox import Sandbox
from tests.cli.support import Done, environment, run
from tests.needs import needs_root

NOBODY = 54321
PLACES = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "KREBIT_CONFIG")
# The first call loads what the other user may not be able to read.
AS_NOBODY = f"""
import os, sys
from krebit.cli import main
main(["me"])
sys.stderr.write("---\\n")
for name in {PLACES!r}:
    os.environ.pop(name, None)
if sys.argv[1]:
    os.environ["HOME"] = sys.argv[1]
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(main(["me"]))
"""


def as_nobody(home: str, **more: str) -> Done:
    """Run `krebit me` as a user that the system does not know, without a home or with this one."""
    needs_root()
    command = [sys.executable, "-c", AS_NOBODY, home]
    done = subprocess.run(command, env=environment(more), capture_output=True, text=True, timeout=60, check=False)
    return Done(done.returncode, done.stdout, done.stderr.rpartition("---\n")[2])


def test_no_home(site: Sandbox) -> None:
    done = as_nobody("")
    assert done.code == 2, done.err
    assert "there is no home folder; set HOME" in done.err
    assert done.err.count("\n") == 1


def test_a_home_that_cannot_be_written(site: Sandbox) -> None:
    """The message names the place, and no token is spent."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # another user cannot enter pytest's folders
        home, authority = Path(folder) / "home", Path(folder) / "ca.pem"
        home.mkdir(mode=0o555)
        shutil.copy(site.environment["SSL_CERT_FILE"], authority)
        authority.chmod(0o644)
        done = as_nobody(str(home), SSL_CERT_FILE=str(authority))
    assert done.code == 1, done.err
    assert done.err.startswith(f"krebit: {home}")
    assert "Permission denied" in done.err
    assert done.err.count("\n") == 1
    assert len([request for request in site.requests if request.path == "/api/oauth/token"]) == 1


def test_settings_that_cannot_be_kept(site: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = run("status", env={"KREBIT_CONFIG": str(tmp_path / "file" / "config.toml")})
    assert done.code == 0
