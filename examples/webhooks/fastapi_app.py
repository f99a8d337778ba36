"""A receiver in FastAPI. Run it with `uvicorn fastapi_app:app`; the target is https://your.host/webhooks/krebit."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from krebit.webhooks import ActCreated, AsgiReceiver, Receiver, SqliteInbox, WebhookEvent

log = logging.getLogger("shop")


def handle(event: WebhookEvent) -> None:
    """A plain function runs in the worker's thread."""
    if isinstance(event, ActCreated):
        log.info("act %s of client %s", event.data.uuid, event.data.client_id)


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with receiver.running():
        yield


shop = FastAPI(lifespan=lifespan)


@shop.get("/")
def home() -> str:
    return "the rest of the application"


app = AsgiReceiver(receiver, shop, path="/webhooks/krebit")
