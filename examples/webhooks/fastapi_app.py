"""A receiver in FastAPI. Run it with `uvicorn fastapi_app:app`; the target is https://your.host/webhooks/krebit."""

import logging
import os

from fastapi import FastAPI
from starlette.routing import Route

from krebit.webhooks import ActCreated, AsgiReceiver, Receiver, SqliteInbox, WebhookEvent

log = logging.getLogger("shop")


def handle(event: WebhookEvent) -> None:
    """A plain function runs in a thread."""
    if isinstance(event, ActCreated):
        log.info("act %s of client %s", event.data.uuid, event.data.client_id)


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))
app = FastAPI()
app.router.routes.append(Route("/webhooks/krebit", AsgiReceiver(receiver)))


@app.get("/")
def home() -> str:
    return "the rest of the application"
