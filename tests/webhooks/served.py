"""The applications that the tests have served by real servers, each in a process of its own.

The environment names the folder for the handler's notes (KREBIT_TESTS_FOLDER) and the inbox (KREBIT_TESTS_INBOX):
a file, or a connection string of PostgreSQL.
"""

import logging
import os
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from krebit.webhooks import AsgiReceiver, Inbox, PostgresInbox, Receiver, SqliteInbox, WebhookEvent, WsgiReceiver
from tests.webhooks.cases import SECRETS
from tests.webhooks.client import PATH

logging.basicConfig(level=logging.ERROR, format="%(message)s")
folder = Path(os.environ["KREBIT_TESTS_FOLDER"])
place = os.environ["KREBIT_TESTS_INBOX"]


def note(event: WebhookEvent) -> None:
    """One line for each call of the handler."""
    with (folder / "effects").open("a") as file:
        file.write(f"{event.id}\n")


def handle(event: WebhookEvent) -> None:
    note(event)


async def handle_async(event: WebhookEvent) -> None:
    note(event)


def make_inbox() -> Inbox:
    # Processes that write at the same time on a slow disk wait for one another.
    return PostgresInbox(place) if place.startswith("host=") else SqliteInbox(place, busy=20.0)


inbox = make_inbox()
plain = Receiver(SECRETS, handle, inbox=inbox)
asynchronous = Receiver(SECRETS, handle_async, inbox=inbox)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """The application behind the receiver, for ASGI."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def nothing_plain(environ: Any, start_response: Any) -> list[bytes]:
    """The application behind the receiver, for WSGI."""
    start_response("404 Not Found", [("Content-Length", "0")])
    return [b""]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asynchronous.running():
        yield


front = AsgiReceiver(asynchronous, Starlette(lifespan=lifespan), path=PATH)
behind = AsgiReceiver(asynchronous, nothing, path=PATH)
"""Without a lifespan: the worker runs by itself."""
alone = AsgiReceiver(asynchronous)
mounted = Starlette(routes=[Mount("/webhooks", AsgiReceiver(plain))])
wsgi = WsgiReceiver(plain, nothing_plain, path=PATH)


def generator(environ: Any, start_response: Any) -> Iterator[bytes]:
    """A middleware that is a generator: many a server never calls `close()` of what it wraps."""
    yield from wsgi(environ, start_response)


def bridge() -> Any:
    """A WSGI application within an ASGI one, by Starlette's own bridge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.middleware.wsgi import WSGIMiddleware

        return Starlette(routes=[Mount("/", WSGIMiddleware(wsgi))])


bridged = bridge()
routed = Starlette(routes=[Route(PATH, AsgiReceiver(plain), methods=["POST"])])
