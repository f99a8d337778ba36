"""The sandbox delivers to a receiver for real: subscribed by the API, signed, tried again, sent again by hand."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from krebit.webhooks import ActCreated, AsgiReceiver, Receiver, SqliteInbox, WebhookEvent, WsgiReceiver
from krebit_sandbox import Sandbox, Switches
from tests.webhooks.servers import serving_asgi, serving_wsgi
from tests.webhooks.workers import stop

CLIENT = 12345


class Target:
    """A receiver's place before there is a secret: the subscription wants the address first."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.app: Any = None

    @contextmanager
    def serving(self) -> Iterator[str]:
        async def asgi(scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)

        with serving_asgi(asgi) if self.kind == "asgi" else serving_wsgi(lambda *call: self.app(*call)) as port:
            yield f"http://127.0.0.1:{port}/webhooks/krebit"

    def receive(self, receiver: Receiver) -> None:
        self.app = AsgiReceiver(receiver) if self.kind == "asgi" else WsgiReceiver(receiver)


def subscribe(sandbox: Sandbox, target: str) -> str:
    answer = httpx.post(
        f"{sandbox.url}/api/1.0/webhooks",
        json={"event": "act.created", "target": target},
        headers={"Authorization": f"Bearer {sandbox.issue_tokens().access_token}", "Accept": "application/json"},
        timeout=60,
    )
    assert answer.status_code == 201
    secret: str = answer.json()["data"]["secret"]
    return secret


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_act_in_the_sandbox_reaches_the_handler_once(
    kind: str, tmp_path: Path, krebit_sandbox_factory: Callable[..., Sandbox]
) -> None:
    # The second try is made after 10 ms instead of 10 s.
    switches = Switches(webhook_retry_scale=0.001, webhook_timeout=60.0)
    sandbox = krebit_sandbox_factory(tls=False, switches=switches)
    events: list[WebhookEvent] = []
    handled = threading.Event()

    def handle(event: WebhookEvent) -> None:
        events.append(event)
        handled.set()

    inbox = SqliteInbox(tmp_path / "disk" / "inbox.db", busy=20.0)
    target = Target(kind)
    with target.serving() as address:
        receiver = Receiver(subscribe(sandbox, address), handle, inbox=inbox)
        target.receive(receiver)
        act = sandbox.create_act(CLIENT)
        failed = sandbox.wait_for_deliveries(60.0)[0]
        assert {attempt.status for attempt in failed.attempts} == {503}  # the inbox's disk is not there
        (tmp_path / "disk").mkdir()
        sandbox.redeliver(failed.id)
        sandbox.redeliver(failed.id)
        assert sandbox.wait_for_deliveries(60.0)[0].state == "delivered"
        assert handled.wait(30)
    stop(receiver)
    inbox.close()
    (event,) = events
    assert isinstance(event, ActCreated)
    assert event.id == failed.id
    assert event.data.uuid == act["uuid"]
    assert event.data.client_id == CLIENT
    assert event.body == failed.body
    assert isinstance(event.payload["data"]["amount"], Decimal | str | int)


@pytest.mark.parametrize("times", ["z", "offset", "micro", "space", "null"])
@pytest.mark.parametrize("money", ["number", "text", "null"])
def test_every_form_of_time_and_money_makes_a_typed_event(
    times: Any, money: Any, krebit_sandbox_factory: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = krebit_sandbox_factory(
        tls=False, switches=Switches(times=times, money=money, unknown_keys=True, webhook_timeout=60.0)
    )
    events: list[WebhookEvent] = []
    inbox = SqliteInbox(tmp_path / "inbox.db", busy=20.0)
    target = Target("asgi")
    with target.serving() as address:
        receiver = Receiver(subscribe(sandbox, address), events.append, inbox=inbox, handle_here=False)
        target.receive(receiver)
        sandbox.create_act(CLIENT)
        assert sandbox.wait_for_deliveries(60.0)[0].state == "delivered"
    receiver.drain()
    inbox.close()
    assert [type(event) for event in events] == [ActCreated]


def test_a_delivery_sent_twice_more_is_on_its_way_until_both_are_answered(
    krebit_sandbox_factory: Callable[..., Sandbox],
) -> None:
    sandbox = krebit_sandbox_factory(tls=False, switches=Switches(webhook_timeout=60.0))
    arrived, may_answer = [threading.Event() for _ in range(3)], threading.Event()
    number = iter(range(3))

    def target(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        current = next(number)
        arrived[current].set()
        if current == 2:
            may_answer.wait(30)
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    with serving_wsgi(target) as port:
        subscribe(sandbox, f"http://127.0.0.1:{port}/")
        sandbox.create_act(CLIENT)
        (delivery,) = sandbox.wait_for_deliveries(60.0)
        try:
            for _ in range(2):
                sandbox.redeliver(delivery.id)
            assert all(each.wait(30) for each in arrived)
            with pytest.raises(TimeoutError):
                sandbox.wait_for_deliveries(timeout=1.0)
        finally:
            may_answer.set()
        assert [attempt.status for attempt in sandbox.wait_for_deliveries(60.0)[0].attempts] == [200] * 3
