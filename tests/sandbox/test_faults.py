"""Faults as a client sees them, over TCP and over TLS: raw sockets, because HTTP clients tell them differently."""

import os
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from time import monotonic
from typing import Any

import httpx
import pytest

from krebit_sandbox import Fault, Sandbox
from tests.sandbox.support import http_client, refresh
from tests.waiting import wait_for

ME = "/api/1.0/me"


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tls"])
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(tls=request.param) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def as_new(server: Sandbox, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Each test starts with a sandbox as new, and no fault may look like a failure of the sandbox's own."""
    server.reset()
    yield
    server.reset()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("krebit_sandbox")] == []


def connect(sandbox: Sandbox, path: str = ME) -> socket.socket:
    """A socket on which a signed in GET has been sent."""
    host, _, port = sandbox.domain.partition(":")
    raw = socket.create_connection((host, int(port)), 60.0)
    if sandbox.ca_file:
        raw = ssl.create_default_context(cafile=sandbox.ca_file).wrap_socket(raw, server_hostname=host)
    token = sandbox.issue_tokens().access_token
    raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return raw


def read_to_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def head_and_body(data: bytes) -> tuple[bytes, bytes, int]:
    """Head, what came of the body, and how much was promised."""
    head, _, body = data.partition(b"\r\n\r\n")
    promised = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    return head, body, promised


def has_half_its_body(data: bytes) -> bool:
    if b"\r\n\r\n" not in data:
        return False
    _, body, promised = head_and_body(data)
    return len(body) >= promised // 2


@pytest.mark.parametrize("after_effect", [False, True])
def test_reset(server: Sandbox, after_effect: bool) -> None:
    server.fault(kind="reset", after_effect=after_effect)
    with closing(connect(server)) as connection, socket.socket(fileno=os.dup(connection.fileno())) as below:
        # Below TLS, whose library passes a reset on as a mere end. Its session tickets may come first.
        below.settimeout(60)
        with pytest.raises(ConnectionResetError):
            read_to_end(below)
    assert server.requests[0].status is None


def test_close(server: Sandbox) -> None:
    server.fault(kind="close")
    with closing(connect(server)) as connection:
        assert read_to_end(connection) == b""


def test_garbage_is_no_http(server: Sandbox) -> None:
    server.fault(kind="garbage")
    server.fault(kind="garbage", body=b"+OK POP3 ready\r\n")
    with closing(connect(server)) as connection:
        assert not read_to_end(connection).startswith(b"HTTP/")
    with closing(connect(server)) as connection:
        assert read_to_end(connection) == b"+OK POP3 ready\r\n"


def test_stall_never_answers(server: Sandbox) -> None:
    server.fault(kind="stall")
    with closing(connect(server)) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_stall_body_sends_half(server: Sandbox) -> None:
    server.fault(kind="stall_body")
    with closing(connect(server)) as connection:
        received = b""
        while not has_half_its_body(received):
            part = connection.recv(65_536)
            assert part, received
            received += part
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    _, body, promised = head_and_body(received)
    assert len(body) == promised // 2


@pytest.mark.parametrize(("at_byte", "got"), [(None, 12), (0, 0), (3, 3), (99, 24)])
def test_truncate_promises_more_than_it_sends(server: Sandbox, at_byte: int | None, got: int) -> None:
    server.fault(Fault("truncate", body="x" * 24, at_byte=at_byte))
    with closing(connect(server)) as connection:
        _, body, promised = head_and_body(read_to_end(connection))
    assert (len(body), promised) == (got, 24)


@pytest.mark.parametrize(("kind", "seconds"), [("drip_headers", 0.002), ("drip_body", 0.05)])
def test_drips_arrive_byte_by_byte_and_whole(server: Sandbox, kind: Any, seconds: float) -> None:
    """A client that is held up meets several bytes at once, but hardly all of them."""
    server.fault(Fault(kind, body={"data": 1}, seconds=seconds))
    with closing(connect(server)) as connection:
        pieces = list(iter(lambda: connection.recv(65_536), b""))
    head, body, promised = head_and_body(b"".join(pieces))
    assert (body, promised) == (b'{"data": 1}', 11)
    assert f"x-request-id: {server.requests[0].request_id}".encode() in head
    assert len(pieces) >= (len(head) if kind == "drip_headers" else len(body)) // 3


def test_drip_waits_between_bytes(server: Sandbox) -> None:
    server.fault(Fault("drip_body", body="abc", seconds=0.2))
    started = monotonic()
    with closing(connect(server)) as connection:
        read_to_end(connection)
    assert monotonic() - started >= 0.5


def test_status_with_any_body(server: Sandbox) -> None:
    server.fault(kind="status", status=502, body="<html>", headers={"Content-Type": "text/html"})
    server.fault(kind="status", status=520, body={"a": 1})
    server.fault(kind="status", status=503, body=b"")
    server.fault(kind="status")
    server.fault(kind="status", status=419)
    with http_client(server) as api:
        first, second, third, fourth, fifth, sixth = [api.get(ME) for _ in range(6)]
    assert (first.status_code, first.text, first.headers["content-type"]) == (502, "<html>", "text/html")
    assert (second.status_code, second.json()) == (520, {"a": 1})
    assert (third.status_code, third.content) == (503, b"")
    assert (fourth.status_code, fourth.json()) == (500, {"message": "Server Error"})
    assert (fifth.status_code, fifth.json()) == (419, {"message": "CSRF token mismatch."})
    assert sixth.status_code == 200


def test_garbage_body_and_redirect(server: Sandbox) -> None:
    server.fault(kind="garbage_body")
    server.fault(kind="redirect", location="https://elsewhere.example/")
    server.fault(kind="redirect", status=308)
    with http_client(server) as api:
        garbage, first, second = api.get(ME), api.get(ME), api.get(ME)
    assert (garbage.status_code, garbage.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError):
        garbage.json()
    assert (first.status_code, first.headers["location"]) == (307, "https://elsewhere.example/")
    assert second.status_code == 308


def test_path_method_times_and_skip(server: Sandbox) -> None:
    server.fault(kind="status", path="/api/1.0/clients/*", method="get", times=2, skip=1)
    server.fault(kind="status", path="/nothing", times=None, status=410)
    with http_client(server) as api:
        assert api.get("/api/1.0/clients").status_code == 200
        assert api.post("/api/1.0/clients/12345").status_code == 405
        assert [api.get("/api/1.0/clients/12345").status_code for _ in range(4)] == [200, 500, 500, 200]
        assert {api.get("/nothing").status_code for _ in range(5)} == {410}
        server.clear_faults()
        assert api.get("/nothing").status_code == 404


LOSSES: list[dict[str, Any]] = [
    {"kind": "reset"},
    {"kind": "close"},
    {"kind": "stall"},
    {"kind": "status"},
    {"kind": "garbage"},
    {"kind": "garbage_body"},
    {"kind": "truncate", "body": "{}"},
]


@pytest.mark.parametrize("fields", LOSSES, ids=lambda fields: fields["kind"])
@pytest.mark.parametrize("after_effect", [False, True])
def test_an_answer_is_lost_before_or_after_its_effect(
    server: Sandbox, fields: dict[str, Any], after_effect: bool
) -> None:
    tokens = server.issue_tokens()
    server.fault(path="/api/oauth/token", after_effect=after_effect, **fields)
    patience = httpx.Timeout(60.0, read=0.5 if fields["kind"] == "stall" else 60.0)
    with http_client(server, timeout=patience) as api, suppress(httpx.TransportError):
        assert "access_token" not in refresh(api, server, tokens.refresh_token).text
    if after_effect:
        wait_for(lambda: server.token_state(tokens.refresh_token) == "revoked")
    else:
        assert server.token_state(tokens.refresh_token) == "live"


@pytest.mark.parametrize("kind", ["truncate", "stall_body"])
def test_half_of_a_real_answer_has_had_its_effect(server: Sandbox, kind: Any) -> None:
    tokens = server.issue_tokens()
    server.fault(kind=kind)
    patience = httpx.Timeout(60.0, read=0.5 if kind == "stall_body" else 60.0)
    with http_client(server, timeout=patience) as api, pytest.raises(httpx.TransportError):
        refresh(api, server, tokens.refresh_token)
    wait_for(lambda: server.token_state(tokens.refresh_token) == "revoked")


@pytest.mark.parametrize("after_effect", [False, True])
def test_hold_until_released(server: Sandbox, after_effect: bool) -> None:
    tokens = server.issue_tokens()
    server.fault(kind="hold", path="/api/oauth/token", after_effect=after_effect)
    with http_client(server) as api, ThreadPoolExecutor(1) as pool:
        held = pool.submit(refresh, api, server, tokens.refresh_token)
        server.wait_for_held()
        assert not held.done()
        assert server.token_state(tokens.refresh_token) == ("revoked" if after_effect else "live")
        server.release()
        assert held.result(60).status_code == 200
    assert server.token_state(tokens.refresh_token) == "revoked"


def test_waiting_for_what_is_not_held_times_out(server: Sandbox) -> None:
    with pytest.raises(TimeoutError):
        server.wait_for_held(timeout=0.01)


def test_reset_cuts_off_what_is_held_or_stalled(server: Sandbox) -> None:
    tokens = server.issue_tokens()
    server.fault(kind="hold", path="/api/oauth/token")
    server.fault(kind="stall", path=ME)
    with http_client(server) as api, ThreadPoolExecutor(2) as pool:
        held, stalled = pool.submit(refresh, api, server, tokens.refresh_token), pool.submit(api.get, ME)
        server.wait_for_held()
        wait_for(lambda: len(server.requests) == 2)
        server.reset()
        for lost in (held, stalled):
            with pytest.raises(httpx.TransportError):
                lost.result(60)
        assert api.get(ME).status_code == 401
    assert server.token_state(tokens.refresh_token) == "unknown"


def test_stop_ends_what_is_stalled() -> None:
    sandbox = Sandbox(tls=False).start()
    sandbox.fault(kind="stall")
    with http_client(sandbox) as api, ThreadPoolExecutor(1) as pool:
        stalled = pool.submit(api.get, ME)
        wait_for(lambda: sandbox.requests)
        sandbox.stop()
        with pytest.raises(httpx.TransportError):
            stalled.result(60)
    assert not sandbox.running


def test_latency(server: Sandbox) -> None:
    server.switch(latency=0.3)
    with http_client(server) as api:
        started = monotonic()
        api.get(ME)
        assert monotonic() - started >= 0.3


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "nonsense"}, {"status": 99}, {"times": 0}, {"skip": -1}, {"times": "1"}, {"path": None}, {"seconds": -1}],
)
def test_impossible_faults_are_refused(server: Sandbox, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="fault "):
        server.fault(**{"kind": "status", **wrong})
    with pytest.raises(ValueError, match="fault times: '1' is not int or null"):
        server.fault(kind="status", times="1")
    with pytest.raises(TypeError):
        server.fault(kind="status", pth="/")
