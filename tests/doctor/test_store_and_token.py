"""The steps of the store and of the token: who is signed in, what is renewed, and whose files they are."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from krebit import FileTokenStore, Krebit
from krebit.doctor import examine
from krebit_sandbox import Sandbox
from tests.doctor.support import examined, step
from tests.needs import needs_root

NOBODY = 65534


def signed_in(sandbox: Sandbox, store: FileTokenStore) -> None:
    with Krebit.from_env(sandbox.environment, store=store) as api:
        api.get_current_user()


def test_nobody_is_signed_in(sandbox: Sandbox, tmp_path: Path) -> None:
    environ = {name: value for name, value in sandbox.environment.items() if not name.endswith(("_TOKEN", "_CODE"))}
    report = examine(environ, store=FileTokenStore(tmp_path / "logins"))
    assert step(report, "token").repair == "sign in with: krebit login"
    assert report.needs_sign_in
    assert step(report, "TLS").mark == "pass"
    assert not (tmp_path / "logins").exists()
    assert [request.method for request in sandbox.requests] == ["GET"]


def test_the_store_of_the_environment(sandbox: Sandbox, tmp_path: Path) -> None:
    signed_in(sandbox, FileTokenStore(tmp_path / "logins"))
    there = {**sandbox.environment, "KREBIT_TOKEN_STORE": str(tmp_path / "logins")}
    assert step(examine(there), "token").text.startswith("ends in")
    elsewhere = {**sandbox.environment, "KREBIT_TOKEN_STORE": "redis://:canary-7@localhost:1/0"}
    report = examine(elsewhere, offline=True)
    assert step(report, "store").text == "not checked: --offline, and it is reached over a connection"
    report = examine(elsewhere)
    assert step(report, "store").mark == "fail"
    wrong = examine({**sandbox.environment, "KREBIT_TOKEN_STORE": "logins"}, offline=True)
    assert (step(wrong, "store").mark, "KREBIT_TOKEN_STORE" in step(wrong, "store").text) == ("fail", True)
    assert "canary-7" not in str(report.to_dict())


def test_a_good_login_is_left_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "logins")
    signed_in(sandbox, store)
    before = {path: path.read_bytes() for path in (tmp_path / "logins").iterdir()}
    report = examined(sandbox, store=store)
    assert {path: path.read_bytes() for path in (tmp_path / "logins").iterdir()} == before
    assert step(report, "token").text == "ends in 60 min; the next command after that renews it"
    assert {request.method for request in sandbox.requests if request.path != "/api/oauth/token"} == {"GET"}


def test_an_expired_token_is_renewed_and_the_report_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "logins")
    signed_in(sandbox, store)
    sandbox.expire_access_tokens()
    report = examined(sandbox, store=store)
    assert (
        step(report, "token").text
        == "had ended and was renewed, as by any command; ends in 60 min; the next command after that renews it"
    )
    assert not report.has_failed
    with Krebit.from_env(sandbox.environment, store=store) as api:
        assert api.get_current_user().name


def test_a_used_token_of_the_environment_is_no_login(sandbox: Sandbox, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "logins")
    with Krebit.from_env(sandbox.environment, store=store) as api:
        api.get_current_user()
        api.logout()
    report = examined(sandbox, store=store, offline=True)
    assert (step(report, "token").mark, step(report, "token").text) == ("fail", "nobody is signed in")


def test_a_new_token_of_the_environment_in_place_of_a_good_login(sandbox: Sandbox, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "logins")
    signed_in(sandbox, store)
    token = sandbox.issue_tokens().refresh_token
    report = examined(sandbox, store=store, environ={"KREBIT_REFRESH_TOKEN": token})
    assert step(report, "token").text.startswith("was taken from the environment, as by any command; ends in 60 min")


def test_a_login_that_the_server_has_ended(sandbox: Sandbox, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "logins")
    signed_in(sandbox, store)
    sandbox.revoke_refresh_token(sandbox.environment["KREBIT_REFRESH_TOKEN"])
    sandbox.expire_access_tokens()
    for _ in range(2):  # the second time the store knows it already
        report = examined(sandbox, store=store, environ={"KREBIT_AUTH_CODE": ""})
        assert (step(report, "token").mark, report.needs_sign_in) == ("fail", True)


def test_a_server_that_says_nothing_of_lifetimes_or_keeps_refresh_tokens(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.switch(expires_in=None, rotation=False)
    store = FileTokenStore(tmp_path / "logins")
    taken = step(examined(sandbox, store=store), "token").text
    assert taken == "was taken from the environment, as by any command; stored; the server did not say when it ends"
    sandbox.expire_access_tokens()
    renewed = step(examined(sandbox, store=store), "token").text
    assert renewed.startswith("had ended and was renewed")
    assert renewed.endswith("the server kept the refresh token")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that another user may enter."""
    needs_root()
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


HOMELESS = """
    import os
    from krebit.doctor import examine
    from krebit.doctor.document import document_text
    document = document_text()
    examine({}, offline=True, document=document)
    os.environ.clear()
    os.setgid(54321); os.setuid(54321)
    for step in examine(offline=True, document=document).steps:
        print(step.name, step.mark, step.text, step.repair, sep="|")
"""


def test_a_user_without_a_home() -> None:
    needs_root()
    command = [sys.executable, "-c", textwrap.dedent(HOMELESS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "store|fail|FileTokenStore: there is no home folder|set HOME, or name a folder" in done.stdout


PROGRAM = """
    import os, sys
    from krebit import FileTokenStore
    from krebit.doctor import examine
    from krebit.doctor.document import document_text
    environ = {"KREBIT_DOMAIN": "localhost:1", "KREBIT_CLIENT_ID": "a", "KREBIT_CLIENT_SECRET": "b"}
    document = document_text()
    # Everything is imported now: the other user may not enter the folder of the interpreter.
    examine(environ, offline=True, store=FileTokenStore(sys.argv[1]), document=document)
    os.setgid(65534); os.setuid(65534)
    report = examine(environ, offline=True, store=FileTokenStore(sys.argv[1]), document=document)
    (store,) = [step for step in report.steps if step.name == "store"]
    print(store.mark, store.text, store.repair, sep="|")
"""


@pytest.mark.parametrize(
    ("mode", "owner", "mark", "said"),
    [
        (0o700, NOBODY, "pass", "only for its owner"),
        (0o750, NOBODY, "fail", "chmod 700"),
        (0o500, NOBODY, "fail", "cannot be written"),
        (0o700, 0, "fail", "belongs to another user"),
    ],
)
def test_the_rights_of_the_store(shared: Path, mode: int, owner: int, mark: str, said: str) -> None:
    logins = shared / "logins"
    logins.mkdir()
    os.chown(logins, owner, owner)
    logins.chmod(mode)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(logins)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{mark}|")
    assert said in done.stdout
