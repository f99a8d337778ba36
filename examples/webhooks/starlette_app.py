"""A receiver in Starlette. Run it with `uvicorn starlette_app:app`; the target is https://your.host/webhooks/krebit."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from krebit.webhooks import ActCreated, AsgiReceiver, Receiver, SqliteInbox, WebhookEvent

log = logging.getLogger("shop")


async def handle(event: WebhookEvent) -> None:
    """Runs on the application's own loop."""
    if isinstance(event, ActCreated):
        log.info("act %s of client %s", event.data.uuid, event.data.client_id)


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with receiver.running():
        yield


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse("the rest of the application")


shop = Starlette(routes=[Route("/", home)], lifespan=lifespan)
app = AsgiReceiver(receiver, shop, path="/webhooks/krebit")
