"""Every case, byte by byte, once for each way in; what depends on a server or a framework is tested elsewhere."""

import io
import re
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from krebit.webhooks import AsgiReceiver, MemoryInbox, Receiver, WsgiReceiver
from tests.webhooks.cases import CASES, SECRETS, Case
from tests.webhooks.exchange import Exchange, run


def plainly(receiver: Receiver, case: Case) -> int:
    return receiver.receive(case.body, case.headers, len(case.body)).status


def by_asgi(receiver: Receiver, case: Case) -> int:
    async def test() -> None:
        await exchange.start(AsgiReceiver(receiver))

    exchange = Exchange(case.body, case.headers)
    run(test)
    assert [message["type"] for message in exchange.sent] == ["http.response.start", "http.response.body"]
    assert re.fullmatch(rb"[^\n]{1,150}\n", exchange.sent[1]["body"])
    status: int = exchange.sent[0]["status"]
    return status


def by_wsgi(receiver: Receiver, case: Case) -> int:
    values: dict[str, list[str]] = {}
    for name, value in case.headers:  # as a server does it
        values.setdefault(name.decode().upper().replace("-", "_"), []).append(value.decode("latin-1"))
    environ: dict[str, Any] = {"CONTENT_LENGTH": str(len(case.body)), "wsgi.input": io.BytesIO(case.body)}
    setup_testing_defaults(environ)
    environ |= {f"HTTP_{name}": ",".join(several) for name, several in values.items()}
    statuses: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        statuses.append(status)

    answer = WsgiReceiver(receiver)(environ, start_response)
    assert re.fullmatch(rb"[^\n]{1,150}\n", b"".join(answer))
    return int(statuses[0].split()[0])


@pytest.mark.parametrize("way", [plainly, by_asgi, by_wsgi])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case(case: Case, way: Callable[[Receiver, Case], int]) -> None:
    handled: list[bytes] = []
    receiver = Receiver(SECRETS, lambda event: handled.append(event.body), inbox=MemoryInbox(), handle_here=False)
    assert way(receiver, case) == case.status
    receiver.drain()
    assert handled == ([case.body] if case.status == 200 else [])
