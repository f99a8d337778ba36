"""Each step: broken settings, no network, a proxy, certificates, the clock, the store, the token."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from krebit import FileTokenStore, Krebit, MemoryTokenStore
from krebit.doctor import examine
from krebit_sandbox import Sandbox
from tests.doctor.support import examined, step
from tests.needs import needs_root
from tests.ports import closed_port
from tests.transport.proxies import Proxy

NOBODY = 65534


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name may be looked up, and no socket connected."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def signed_in(sandbox: Sandbox, store: FileTokenStore) -> None:
    with Krebit.from_env(sandbox.environment, store=store) as api:
        api.get_current_user()


def test_settings_that_are_missing_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    report = examine({}, store=FileTokenStore(tmp_path / "logins"))
    settings = step(report, "settings")
    assert settings.mark == "fail"
    assert "KREBIT_DOMAIN: is not set" in settings.text
    assert settings.repair == "call: krebit login --save (or set them in the environment)"
    assert [one.mark for one in report.steps] == ["fail"] + ["skip"] * 7
    assert {one.verdict for one in report.operations} == {"not seen"}
    assert report.has_failed


def test_a_domain_alone_is_enough_to_look_at_the_way(sandbox: Sandbox) -> None:
    names = ("KREBIT_DOMAIN", "SSL_CERT_FILE")
    report = examine({name: sandbox.environment[name] for name in names}, store=MemoryTokenStore())
    assert [step(report, name).mark for name in ("DNS", "proxy", "TLS", "clock")] == ["pass"] * 4
    assert step(report, "settings").mark == "fail"
    # The answer to a request without a token is compared all the same.
    assert report.errors["unauthenticated"].verdict == "as described"


def test_each_value_has_its_source(sandbox: Sandbox) -> None:
    report = examined(sandbox, profile="anna", environ={"KREBIT_TIMEOUT": "20"})
    sources = {setting.name: setting.source for setting in report.settings}
    assert sources["domain"] == "KREBIT_DOMAIN in the environment"
    assert sources["profile"] == "argument"
    assert sources["refresh_token"] == "not set"  # it belongs to the profile of the environment
    assert sources["KREBIT_TIMEOUT"] == "KREBIT_TIMEOUT in the environment"
    shown = {setting.name: setting.shown for setting in report.settings}
    assert shown["client_secret"] == "set, not shown"


def test_values_of_the_settings_file_name_it(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in sandbox.environment:
        monkeypatch.delenv(name, raising=False)
    environment = sandbox.environment
    (tmp_path / "secret").write_text(environment["KREBIT_CLIENT_SECRET"])
    (tmp_path / "secret").chmod(0o600)
    file = tmp_path / "config.toml"
    file.write_text(
        f'domain = "{sandbox.domain}"\nclient_id = "{environment["KREBIT_CLIENT_ID"]}"\nclient_secret_file = "secret"\n'
    )
    file.chmod(0o600)
    monkeypatch.setenv("KREBIT_CONFIG", str(file))
    monkeypatch.setenv("SSL_CERT_FILE", environment["SSL_CERT_FILE"])
    store = FileTokenStore(tmp_path / "logins")
    report = examine(store=store)
    sources = {setting.name: setting.source for setting in report.settings}
    assert sources["domain"] == f"{file}: domain"
    assert sources["client_secret"] == f"{file}: client_secret_file"
    assert step(report, "token").text == "nobody is signed in"
    file.write_text("domain = 7\n")
    assert str(file) in step(examine(store=store), "settings").text


def test_offline_opens_no_connection(sandbox: Sandbox, tmp_path: Path, no_connections: None) -> None:
    del no_connections
    report = examined(sandbox, offline=True, store=FileTokenStore(tmp_path / "logins"))
    assert [step(report, name).mark for name in ("DNS", "proxy", "TLS", "clock", "API")] == ["skip"] * 5
    assert step(report, "store").mark == "pass"
    assert not (tmp_path / "logins").exists()  # nothing was made


def test_a_host_that_does_not_exist(tmp_path: Path) -> None:
    environ = {"KREBIT_DOMAIN": "nosuch.invalid", "KREBIT_CLIENT_ID": "a", "KREBIT_CLIENT_SECRET": "b"}
    report = examine(environ, store=FileTokenStore(tmp_path / "logins"))
    name = step(report, "DNS")
    assert name.mark == "fail"
    assert "nosuch.invalid is not found" in name.text
    assert name.repair is not None
    assert step(report, "API").text == "not called: the tenant is not reached"


def test_a_port_where_nobody_listens(tmp_path: Path) -> None:
    with closed_port() as port:
        environ = {"KREBIT_DOMAIN": f"localhost:{port}", "KREBIT_CLIENT_ID": "a", "KREBIT_CLIENT_SECRET": "b"}
        report = examine(environ, store=FileTokenStore(tmp_path / "logins"))
    assert step(report, "DNS").mark == "pass"
    assert step(report, "proxy").mark == "pass"
    assert step(report, "TLS").mark == "fail"
    assert "no connection" in step(report, "TLS").text


def test_a_certificate_of_an_unknown_authority(sandbox: Sandbox) -> None:
    environ = {name: value for name, value in sandbox.environment.items() if name.startswith("KREBIT_")}
    report = examine(environ, store=MemoryTokenStore())
    tls = step(report, "TLS")
    assert (tls.mark, "is not trusted" in tls.text) == ("fail", True)
    assert tls.repair is not None
    assert "SSL_CERT_FILE" in tls.repair


def test_a_proxy_is_named_without_its_password(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://anna:canary-7@127.0.0.1:{proxy.port}")
        report = examined(sandbox)
        assert step(report, "proxy").text == f"127.0.0.1:{proxy.port}, from HTTPS_PROXY or the system's settings"
        assert step(report, "DNS").mark == "skip"
        assert proxy.targets
    assert "canary-7" not in str(report.to_dict())
    assert not report.has_failed


def test_a_proxy_that_lets_nothing_through(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(refuse=b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        report = examined(sandbox)
    assert step(report, "proxy").mark == "fail"
    assert "credentials" in step(report, "proxy").text
    assert step(report, "TLS").mark == "skip"


def test_a_clock_that_is_wrong(sandbox: Sandbox) -> None:
    """In a process of its own: the sandbox's server would follow the clock of this one."""
    program = """
import os, time, time_machine
from krebit import MemoryTokenStore
from krebit.doctor import examine
with time_machine.travel(time.time() + 400, tick=True):
    report = examine(dict(os.environ), store=MemoryTokenStore())
(clock,) = [step for step in report.steps if step.name == "clock"]
print(clock.mark, clock.text, clock.repair, sep="; ")
"""
    command = [sys.executable, "-c", program]
    environ = {**os.environ, **sandbox.environment}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert re.match("warn; this machine's clock is (399|40[0-9]) s ahead of the server's; set it right", done.stdout), (
        done.stderr
    )


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


def test_variables_that_are_no_numbers(sandbox: Sandbox) -> None:
    settings = step(examined(sandbox, offline=True, environ={"KREBIT_TIMEOUT": "soon"}), "settings")
    assert (settings.mark, settings.text.startswith("KREBIT_TIMEOUT")) == ("fail", True)


def test_a_command_for_the_secret_runs_once(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = sandbox.environment
    script = tmp_path / "secret.sh"
    secret = environment["KREBIT_CLIENT_SECRET"]
    script.write_text(f"#!/bin/sh\necho x >> {tmp_path}/runs\necho {secret}\n")
    script.chmod(0o700)
    file = tmp_path / "config.toml"
    file.write_text(f'client_secret_command = "{script}"\n')
    file.chmod(0o600)
    for name, value in {**environment, "KREBIT_CONFIG": str(file), "KREBIT_CLIENT_SECRET": ""}.items():
        monkeypatch.setenv(name, value)
    report = examine(store=MemoryTokenStore())
    assert not report.has_failed
    assert (tmp_path / "runs").read_text() == "x\n"
    (shown,) = [setting for setting in report.settings if setting.name == "client_secret"]
    assert shown == ("client_secret", "set, not shown", f"{file}: client_secret_command")
    assert secret not in str(report.to_dict())


def test_a_connection_that_breaks_on_the_way(sandbox: Sandbox) -> None:
    sandbox.fault(kind="reset", path="/api/1.0/clients/12345", times=None)
    report = examined(sandbox)
    assert step(report, "API").mark == "fail"
    verdicts = {one.operation: one.verdict for one in report.operations}
    assert (verdicts["list_clients"], verdicts["get_client"]) == ("as described", "not seen")
    assert {one.reason for one in report.operations if one.verdict == "not seen"} == {
        "the doctor stopped before this call"
    }


def test_a_server_that_is_down(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", status=503, body="", path="/api/1.0/clients", times=None)
    report = examined(sandbox)
    api = step(report, "API")
    assert api.mark == "warn"
    assert "503" in api.text
    verdicts = {one.operation: one.verdict for one in report.operations}
    assert verdicts == {
        "get_current_user": "as described",
        "list_clients": "not seen",
        "get_client": "not seen",
        "get_latest_act": "not seen",
        "get_act_data": "not seen",
    }


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
