"""Deliveries for real: signed, tried again, given up, written down, and never sent off this machine."""

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from krebit_sandbox import Sandbox
from tests.waiting import wait_for

LATEST = "/api/1.0/clients/12345/acts/latest"


class Receiver(ThreadingHTTPServer):
    """Keeps what it gets, and answers the statuses it was given, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.may_end = threading.Event()
        """The last of its answers waits for this."""
        self.may_end.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/krebit?a=1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        assert self.path == "/hooks/krebit?a=1"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if not self.server.statuses:
            self.server.may_end.wait(60)
        try:
            self.send_response(status)
            self.send_header("Location", "/hooks/elsewhere")
            self.end_headers()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def receiver(sandbox: Sandbox) -> Iterator[Receiver]:
    sandbox.switch(webhook_timeout=60.0)
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.may_end.set()
        server.shutdown()
        thread.join()


def subscribe(api: httpx.Client, target: str, event: str = "act.created") -> dict[str, Any]:
    answer = api.post("/api/1.0/webhooks", json={"event": event, "target": target})
    assert answer.status_code == 201
    webhook: dict[str, Any] = answer.json()["data"]
    return webhook


def test_an_act_is_delivered_signed(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    webhook = subscribe(api, receiver.url)
    subscribe(api, receiver.url, event="EVENT_TYPE")
    act = sandbox.create_act(12345)
    (delivery,) = sandbox.wait_for_deliveries()
    assert (delivery.state, [attempt.status for attempt in delivery.attempts]) == ("delivered", [200])
    ((headers, body),) = receiver.got
    assert headers["x-signature"] == hmac.new(webhook["secret"].encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-client-id"] == sandbox.application.client_id
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{receiver.server_port}"
    payload = json.loads(body)
    assert list(payload) == ["id", "event", "created_at", "data"]
    assert (payload["id"], payload["event"], payload["data"]) == (delivery.id, "act.created", act)
    assert api.get(LATEST).json()["data"] == act
    assert webhook["secret"] not in repr(delivery)


def test_bytes_are_those_of_php(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    subscribe(api, receiver.url, event="note.added")
    sandbox.publish("note.added", {"text": "é/å"})
    sandbox.wait_for_deliveries()
    assert receiver.got[0][1].endswith(rb'"data":{"text":"\u00e9\/\u00e5"}}')


def test_each_event_has_an_id_of_its_own(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    subscribe(api, receiver.url)
    for _ in range(5):
        sandbox.create_act(12345)
    assert len({delivery.id for delivery in sandbox.wait_for_deliveries()}) == 5


def test_failures_are_tried_again_with_the_same_bytes(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switch(webhook_retry_scale=0.0)
    receiver.statuses = [500, 302]
    subscribe(api, receiver.url)
    sandbox.create_act(12345)
    (delivery,) = sandbox.wait_for_deliveries()
    assert [attempt.status for attempt in delivery.attempts] == [500, 302, 200]
    assert delivery.state == "delivered"
    assert len(receiver.got) == 3
    assert len({(headers["x-signature"], body) for headers, body in receiver.got}) == 1


def test_each_try_is_shown_with_its_status_and_the_time_of_the_next(
    api: httpx.Client, sandbox: Sandbox, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "krebit_sandbox")
    sandbox.switch(webhook_retry_scale=0.05)
    receiver.statuses = [503, 200]
    receiver.may_end.clear()
    subscribe(api, receiver.url)
    sandbox.create_act(12345)
    while not (shown := api.get("/_sandbox/deliveries").json()[0])["attempts"]:
        threading.Event().wait(0.005)
    assert (shown["state"], shown["attempts"][0]["status"]) == ("waiting", 503)
    assert 0 < shown["next_try"] - shown["attempts"][0]["at"] < 60
    receiver.may_end.set()
    (delivery,) = sandbox.wait_for_deliveries()
    assert ([attempt.status for attempt in delivery.attempts], delivery.next_try) == ([503, 200], None)
    lines = [record.getMessage() for record in caplog.records if record.name == "krebit_sandbox.deliveries"]
    assert lines == [
        f"act.created to {receiver.url}: 503, try 1 of 3, again in 0.5 s",
        f"act.created to {receiver.url}: 200, try 2 of 3",
    ]


def test_pauses_are_scaled(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switch(webhook_retry_scale=0.005)
    receiver.statuses = [500, 500, 500]
    subscribe(api, receiver.url)
    sandbox.create_act(12345)
    (delivery,) = sandbox.wait_for_deliveries()
    first, second, third = (attempt.at for attempt in delivery.attempts)
    assert second - first >= 0.05
    assert third - second >= 0.5
    assert delivery.state == "failed"


def test_a_slow_receiver_is_a_failure(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switch(webhook_timeout=0.2, webhook_tries=1)
    receiver.may_end.clear()
    subscribe(api, receiver.url)
    sandbox.create_act(12345)
    (delivery,) = sandbox.wait_for_deliveries()
    assert (delivery.state, delivery.attempts[0].status, delivery.attempts[0].error) == ("failed", None, "timeout")


def test_nobody_listens(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.switch(webhook_retry_scale=0.0)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        subscribe(api, f"http://127.0.0.1:{bound.getsockname()[1]}/")
        sandbox.create_act(12345)
        (delivery,) = sandbox.wait_for_deliveries()
    assert [attempt.error for attempt in delivery.attempts] == ["ConnectError"] * 3


def test_a_target_that_keeps_failing_is_disabled_until_redelivered(
    api: httpx.Client, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.switch(webhook_tries=1, webhook_disable_after=2)
    receiver.statuses = [500, 500]
    subscribe(api, receiver.url)
    for _ in range(3):
        sandbox.create_act(12345)
        sandbox.wait_for_deliveries()
    assert [delivery.state for delivery in sandbox.deliveries] == ["failed", "failed", "disabled"]
    assert len(receiver.got) == 2
    sandbox.redeliver(sandbox.deliveries[0].id)
    assert sandbox.wait_for_deliveries()[0].state == "delivered"
    assert receiver.got[2] == receiver.got[0]
    sandbox.create_act(12345)
    assert sandbox.wait_for_deliveries()[-1].state == "delivered"


def test_redelivery_sends_the_same_bytes(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    subscribe(api, receiver.url)
    sandbox.create_act(12345)
    (delivery,) = sandbox.wait_for_deliveries()
    answer = api.post("/_sandbox/redeliver", json={"id": delivery.id})
    assert answer.json()["id"] == delivery.id
    sandbox.wait_for_deliveries()
    assert receiver.got[0] == receiver.got[1]
    (shown,) = api.get("/_sandbox/deliveries").json()
    assert (shown["state"], len(shown["attempts"])) == ("delivered", 2)
    assert shown["body"].encode() == receiver.got[0][1]
    with pytest.raises(KeyError):
        sandbox.redeliver("none")


@pytest.mark.parametrize(
    "target",
    [
        "https://example.com/webhooks/krebit",
        "http://192.0.2.1/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://localhost.example.com/",
        "http://127.0.0.1.nip.example/",
        "http://user@example.com:80/127.0.0.1",
        "http://[2001:db8::1]/",
    ],
)
def test_nothing_is_sent_off_this_machine(api: httpx.Client, sandbox: Sandbox, target: str) -> None:
    subscribe(api, target)
    sandbox.create_act(12345)
    (delivery,) = sandbox.wait_for_deliveries()
    assert (delivery.state, delivery.attempts) == ("refused", [])


def test_targets_on_this_machine_by_any_name(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    for host in ("localhost", "127.0.0.1"):
        subscribe(api, f"http://{host}:{receiver.server_port}/hooks/krebit?a=1")
    sandbox.create_act(12345)
    assert [delivery.state for delivery in sandbox.wait_for_deliveries()] == ["delivered"] * 2


def test_reset_ends_deliveries(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses = [500]
    subscribe(api, receiver.url)
    sandbox.create_act(12345)
    wait_for(lambda: receiver.got)
    with pytest.raises(TimeoutError):
        sandbox.wait_for_deliveries(timeout=0.01)
    sandbox.reset()
    assert sandbox.wait_for_deliveries() == []
    sandbox.create_act(12345)
    assert sandbox.deliveries == []
    with pytest.raises(KeyError):
        sandbox.create_act(1)
