"""Subscriptions, deliveries on this machine, and saved ones."""

import http.server
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from krebit.webhooks import sign
from krebit_sandbox import Sandbox
from tests.cli.support import COMMAND, environment, run
from tests.full_disk import full_disk

SECRET = "a-secret-of-a-subscription"
BODY = b'{"id": "d1", "event": "act.created", "data": {"uuid": "u"}}'


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "hook.secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_the_secret_goes_into_a_new_file_and_nowhere_else(site: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "new.secret"
    done = run("--debug", "webhook", "create", "act.created", "https://a.example/", "--secret-file", path)
    assert done.code == 0, done.err
    secret = path.read_text().strip()
    assert len(secret) > 20
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret not in done.out + done.err
    assert json.loads(done.out)["secret_file"] == str(path)
    again = run("webhook", "create", "act.created", "https://a.example/", "--secret-file", path)
    assert again.code == 2
    assert path.read_text().strip() == secret
    assert len([request for request in site.requests if request.path == "/api/1.0/webhooks"]) == 1


def test_without_a_subscription_there_is_no_file(site: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "new.secret"
    assert run("webhook", "create", "act.created", "nonsense", "--secret-file", path).code == 1
    assert not path.exists()


def test_no_room_for_the_secret_is_found_before_it_is_made(site: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "new.secret"
    assert run("me").code == 0  # the login is stored
    with full_disk(1000):
        done = run("webhook", "create", "act.created", "https://a.example/", "--secret-file", path)
    problem = f"krebit: --secret-file {path}: cannot be written (File too large); name another place\n"
    assert (done.code, done.err) == (1, problem)
    assert not path.exists()
    assert not [request for request in site.requests if request.path == "/api/1.0/webhooks"]


def test_a_saved_delivery(secret_file: Path, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_bytes(BODY)
    good = sign(BODY, SECRET)
    done = run("webhook", "verify", tmp_path / "body.json", "--signature", good, "--secret-file", secret_file)
    assert done.code == 0, done.err
    assert json.loads(done.out)["event"] == "act.created"
    given = run("webhook", "verify", "-", "--signature", good, "--secret-file", secret_file, given=BODY.decode())
    assert given.code == 0
    bad = run("webhook", "verify", tmp_path / "body.json", "--signature", "0" * 64, "--secret-file", secret_file)
    assert (bad.code, bad.out) == (1, "")
    assert "does not match this body and any known secret; check the secret" in bad.err
    secret_file.chmod(0o644)
    unsafe = run("webhook", "verify", tmp_path / "body.json", "--signature", good, "--secret-file", secret_file)
    assert unsafe.code == 2
    assert "chmod 600" in unsafe.err
    assert SECRET not in done.err + bad.err + unsafe.err


class _Application(http.server.BaseHTTPRequestHandler):
    received: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def application() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """An application on this machine, and the deliveries that it got."""
    _Application.received = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Application)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", _Application.received
    server.shutdown()
    server.server_close()


def reset(url: str) -> None:
    """Open a connection, and break it without a request."""
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 80)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_listening(secret_file: Path, application: tuple[str, list[tuple[dict[str, str], bytes]]]) -> None:
    url, received = application
    command = [*COMMAND, "webhook", "listen", "--port", "0", "--secret-file", str(secret_file), "--forward"]
    command.append(url.replace("//", "//me:a-password@"))
    # A proxy is another machine: nothing that stays on this one may pass it.
    env = environment({"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"})
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        assert first.startswith("listening at http://127.0.0.1:")
        here = first.split()[2]
        reset(here)
        refused = httpx.post(here, content=BODY, headers={"X-Signature": "0" * 64}, timeout=60)
        assert refused.status_code == 401
        assert process.stderr.readline() == (
            "refused a request: 401 Unauthorized (the X-Signature header does not match this body and any known "
            "secret; check the secret, and whether something changed the body)\n"
        )
        headers = {b"X-Signature": sign(BODY, SECRET).encode(), b"X-Client-Id": b"application-\xe9"}
        assert httpx.post(here, content=BODY, headers=headers, timeout=60).status_code == 200
        assert json.loads(process.stdout.readline())["id"] == "d1"
        assert process.stderr.readline() == f"forwarded to {url.replace('//', '//***@')}: 204 No Content\n"
        assert httpx.post(here, content=BODY, headers=headers, timeout=60).text == "known\n"
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)
    assert process.returncode == 0
    assert rest == ("", "stopped\n")
    ((forwarded, body),) = received
    assert body == BODY
    assert forwarded["x-signature"] == sign(BODY, SECRET)
    assert forwarded["x-client-id"] == "application-\xe9"  # nobody signs it: it may be anything


@pytest.mark.parametrize(("output", "code"), [("pipe", 0), ("/dev/full", 1)])
def test_an_output_that_is_gone_ends_it(secret_file: Path, output: str, code: int) -> None:
    """As `krebit webhook listen … | head -n 1`: it answered further deliveries, and showed them to nobody."""
    if output == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open(output, os.O_WRONLY)
    command = [*COMMAND, "webhook", "listen", "--secret-file", str(secret_file), "--port", "0"]
    process = subprocess.Popen(command, env=environment(), stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert process.stderr is not None
    try:
        url = process.stderr.readline().split()[2]
        assert httpx.post(url, content=BODY, headers={"X-Signature": sign(BODY, SECRET)}).status_code == 200
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == code
    assert errors == ("" if code == 0 else "krebit: standard output: No space left on device\n")


def test_a_program_that_does_not_listen(secret_file: Path) -> None:
    command = [*COMMAND, "webhook", "listen", "--port", "0", "--secret-file", str(secret_file)]
    command += ["--forward", "http://127.0.0.1:9/hook"]
    process = subprocess.Popen(
        command, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stderr is not None
    try:
        here = process.stderr.readline().split()[2]
        headers = {"X-Signature": sign(BODY, SECRET)}
        assert httpx.post(here, content=BODY, headers=headers, timeout=60).status_code == 200
        expected = "not forwarded to http://127.0.0.1:9/hook (ConnectError); start your program, or correct --forward\n"
        assert process.stderr.readline() == expected
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_port_that_is_taken(secret_file: Path, application: tuple[str, list[Any]]) -> None:
    port = application[0].rpartition(":")[2].partition("/")[0]
    done = run("webhook", "listen", "--port", port, "--secret-file", secret_file)
    assert done.code == 1
    assert done.err.startswith(f"krebit: cannot listen at 127.0.0.1:{port} (Address already in use)")
    assert os.linesep not in done.err.rstrip()
