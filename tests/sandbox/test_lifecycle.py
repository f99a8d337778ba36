"""Starting, stopping, and what stays of a sandbox afterwards: nothing."""

import asyncio
import doctest
import errno
import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

import krebit_sandbox
from krebit_sandbox import Sandbox, Switches
from krebit_sandbox.server import listen
from tests.needs import absent, needs_ipv6
from tests.sandbox.support import http_client

ME = "/api/1.0/me"


def test_stop_leaves_nothing_and_start_works_again() -> None:
    sandbox, threads = Sandbox(), threading.enumerate()
    assert not sandbox.running
    for _ in range(2):
        with sandbox:
            assert sandbox.ca_file is not None
            folder = Path(sandbox.ca_file).parent
            port = int(sandbox.domain.rpartition(":")[2])
            with http_client(sandbox) as api:
                assert api.get(ME).status_code == 200
        assert not sandbox.running
        assert not folder.exists()
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert {*threading.enumerate()} <= {*threads}
    sandbox.stop()


def test_started_twice_or_asked_while_stopped() -> None:
    sandbox = Sandbox(tls=False)
    with pytest.raises(RuntimeError, match="not running"):
        sandbox.create_act(12345)
    sandbox.switch(envelope="bare")
    sandbox.reset()
    assert sandbox.switches == Switches()
    with sandbox, pytest.raises(RuntimeError, match="already running"):
        sandbox.start()


CYCLES = """
import os
from contextlib import suppress
from httpx import TransportError
from krebit_sandbox import Sandbox
from tests.sandbox.support import http_client
for _ in range(4):
    with Sandbox() as sandbox, http_client(sandbox) as api:
        sandbox.fault(kind="reset")
        with suppress(TransportError):
            api.get("/login")
        assert api.get("/login").status_code == 200
    print(len(os.listdir("/proc/self/fd")))
"""


@pytest.mark.slow
def test_descriptors_stay_flat() -> None:
    """In a process of its own: in this one, other tests may still close theirs."""
    if not Path("/proc/self/fd").exists():
        absent("needs /proc")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", CYCLES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    counts = done.stdout.split()
    assert len(counts) == 4, done.stderr
    assert len({*counts}) == 1


def test_a_port_that_somebody_has_at_the_second_protocol_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` would mean the sandbox and somebody else."""
    needs_ipv6()
    real, asked = socket.create_server, []

    def create_server(address: tuple[str, int], **options: Any) -> socket.socket:
        asked.append(address[0])
        if asked.count("::1") == 1 and address[0] == "::1":
            raise OSError(errno.EADDRINUSE, "taken by now")
        return real(address, **options)

    monkeypatch.setattr(socket, "create_server", create_server)
    listeners = listen(0)
    monkeypatch.undo()
    assert len({listener.getsockname()[1] for listener in listeners}) == 1
    assert [listener.family for listener in listeners] == [socket.AF_INET, socket.AF_INET6]
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_covers_every_name_of_loopback(sandbox: Sandbox, host: str) -> None:
    if host == "::1":
        needs_ipv6()
    port = int(sandbox.domain.rpartition(":")[2])
    raw = socket.create_connection((host, port), 10)
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    with raw, context.wrap_socket(raw, server_hostname=host) as connection:
        assert connection.version() == "TLSv1.3"


def test_other_authorities_do_not_vouch_for_it(sandbox: Sandbox) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(sandbox.url, trust_env=False, timeout=60)


def test_two_at_once_share_nothing(sandbox: Sandbox) -> None:
    with Sandbox() as other, http_client(other) as api:
        assert other.domain != sandbox.domain
        bearer = {"Authorization": f"Bearer {sandbox.issue_tokens().access_token}"}
        assert api.get(ME, headers=bearer).status_code == 401
        assert api.get(ME).status_code == 200
    assert sandbox.requests == []


def test_a_child_that_exits_leaves_the_authority_in_place(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys\n"
        "from krebit_sandbox import Sandbox\n"
        "with Sandbox() as sandbox:\n"
        "    file = sandbox.ca_file\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        sys.exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "    print(os.path.exists(file))\n"
    )
    result = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
    assert result.stdout == "True\n", result.stderr


@pytest.mark.slow
def test_many_connections_at_once(sandbox: Sandbox) -> None:
    bearer = {"Authorization": f"Bearer {sandbox.issue_tokens().access_token}", "Accept": "application/json"}

    async def all_at_once() -> list[int]:
        limits = httpx.Limits(max_connections=100)
        verify = ssl.create_default_context(cafile=sandbox.ca_file)
        async with httpx.AsyncClient(
            base_url=sandbox.url, verify=verify, headers=bearer, limits=limits, timeout=60, trust_env=False
        ) as client:
            answers = await asyncio.gather(*(client.get(ME) for _ in range(500)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(all_at_once()) == [200] * 500
    assert len(sandbox.requests) == 500
    assert sorted(record.number for record in sandbox.requests) == list(range(1, 501))


def test_the_example_of_the_package_runs() -> None:
    assert doctest.testmod(krebit_sandbox) == (0, 2)


def test_names_that_do_not_exist() -> None:
    assert all(getattr(krebit_sandbox, name) for name in krebit_sandbox.__all__)
    with pytest.raises(AttributeError, match="Sandbax"):
        _ = krebit_sandbox.Sandbax
