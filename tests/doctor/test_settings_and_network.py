"""The steps of the settings and of the way to the server: names, a proxy, certificates, the clock, the API."""

import os
import re
import socket
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from krebit import FileTokenStore, MemoryTokenStore
from krebit.doctor import examine
from krebit_sandbox import Sandbox
from tests.doctor.support import examined, step
from tests.ports import closed_port
from tests.transport.proxies import Proxy
from tests.transport.support import answering


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name may be looked up, and no socket connected."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


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


@pytest.mark.slow
def test_an_answer_without_a_token_is_never_larger_than_the_limit() -> None:
    """Half a megabyte that becomes 512 MB, of a server that nobody knows yet."""
    import resource

    packer, spaces = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * 2**24
    bomb = b"".join(packer.compress(spaces) for _ in range(32)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with answering(bomb, "401 Unauthorized", headers=(("Content-Encoding", "gzip"),)) as server:
        report = examine({"KREBIT_DOMAIN": server.domain}, plain_http=True, store=MemoryTokenStore())
    assert "too large" in step(report, "TLS").text
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 320 * 2**20
