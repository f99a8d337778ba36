"""A receiver in Starlette. Run it with `uvicorn starlette_app:app`; the target is https://your.host/webhooks/krebit."""

import logging
import os

from starlette.applications import Starlette
from starlette.routing import Route

from krebit.webhooks import ActCreated, AsgiReceiver, Receiver, SqliteInbox, WebhookEvent

log = logging.getLogger("shop")


async def handle(event: WebhookEvent) -> None:
    if isinstance(event, ActCreated):
        log.info("act %s of client %s", event.data.uuid, event.data.client_id)


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))
# A Route, not a Mount: a Mount redirects a path without a slash at its end, and senders do not follow.
app = Starlette(routes=[Route("/webhooks/krebit", AsgiReceiver(receiver))])
