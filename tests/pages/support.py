"""What the tests of walks share: clients of a sandbox or of a server of their own, one way to walk in both worlds."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from krebit import AsyncKrebit, Krebit, MemoryTokenStore, Page, paginate
from krebit_api.models import ClientRecord
from krebit_sandbox import Sandbox
from tests.pages.server import ListServer

World = Literal["sync", "async"]
Seen = Callable[[Page[ClientRecord]], None]

# Far longer than a test may take: whoever waited for a stalled answer to end by itself would fail.
PATIENT = {"timeout": 600.0, "retries": 0}


def credentials(server: "Sandbox | ListServer") -> dict[str, Any]:
    """What a client needs to sign in there, and to forget it again."""
    found: dict[str, Any] = {"store": MemoryTokenStore(), "plain_http": True, "timeout": 60.0}
    if isinstance(server, ListServer):
        return found | {
            "domain": server.domain,
            "client_id": "app",
            "client_secret": "app-secret",
            "refresh_token": "seed-token",
        }
    return found | {
        "domain": server.domain,
        "client_id": server.application.client_id,
        "client_secret": server.application.client_secret,
        "refresh_token": server.issue_tokens().refresh_token,
    }


def blocking(server: "Sandbox | ListServer", **changes: Any) -> Krebit:
    """A blocking client, signed in."""
    return Krebit(**(credentials(server) | changes))


def asynchronous(server: "Sandbox | ListServer", **changes: Any) -> AsyncKrebit:
    """An asynchronous client, signed in."""
    return AsyncKrebit(**(credentials(server) | changes))


def walked(
    server: "Sandbox | ListServer",
    world: World,
    *,
    limit: int = 10,
    page: int = 1,
    seen: Seen | None = None,
    client: dict[str, Any] | None = None,
    **options: Any,
) -> list[ClientRecord]:
    """All records of the list of clients; with `seen`, walked page by page."""
    if world == "async":
        return asyncio.run(_walked(server, limit, page, seen, client or {}, options))
    with blocking(server, **(client or {})) as api:
        walk = paginate(api.list_clients, limit=limit, page=page).options(**options)
        if seen is None:
            return list(walk)
        records = []
        for one in walk.pages():
            seen(one)
            records += one.records
        return records


async def _walked(
    server: "Sandbox | ListServer",
    limit: int,
    page: int,
    seen: Seen | None,
    client: dict[str, Any],
    options: dict[str, Any],
) -> list[ClientRecord]:
    async with asynchronous(server, **client) as api:
        walk = paginate(api.list_clients, limit=limit, page=page).options(**options)
        if seen is None:
            return [record async for record in walk]
        records = []
        async for one in walk.pages():
            seen(one)
            records += one.records
        return records


def ids(records: list[ClientRecord]) -> list[int]:
    """The records' numbers."""
    return [record.id for record in records]


def pages_asked(sandbox: Sandbox) -> list[int]:
    """The pages that were asked for and sent, in order of arrival. What a test before has left on its way is refused:
    its token is not known any more."""
    lists = [request for request in sandbox.requests if request.path.endswith("/clients") and request.status == 200]
    return [int(request.query["page"]) for request in lists]


def call_threads() -> list[threading.Thread]:
    """Return the threads in which calls of walks and of `each` are made."""
    return [thread for thread in threading.enumerate() if thread.name == "krebit-call"]


def end_call_threads() -> None:
    """Wait for their end, which comes once the server has hung up."""
    for thread in call_threads():
        thread.join(60)
    assert call_threads() == []


def sockets() -> int:
    """How many sockets this process has open."""
    found = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - descriptors come and go while they are listed
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")  # noqa: PTH115
        except FileNotFoundError:
            continue
    return found


def sockets_fall_to(number: int) -> bool:
    """Whether there are no more than so many, once the server, whose ends stand in this process too, has come to close
    its own. What a client has left open stays open."""
    end = time.monotonic() + 60
    while sockets() > number and time.monotonic() < end:
        time.sleep(0.02)
    return sockets() <= number
