"""A receiver in Flask. Run it with `gunicorn flask_app:app`, or `flask --app flask_app run` to try it; the target is https://your.host/webhooks/krebit."""

import logging
import os

from flask import Flask

from krebit.webhooks import ActCreated, Receiver, SqliteInbox, WebhookEvent, WsgiReceiver

log = logging.getLogger("shop")


def handle(event: WebhookEvent) -> None:
    if isinstance(event, ActCreated):
        log.info("act %s of client %s", event.data.uuid, event.data.client_id)


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))
app = Flask(__name__)
app.wsgi_app = WsgiReceiver(receiver, app.wsgi_app, path="/webhooks/krebit")  # type: ignore[method-assign]


@app.get("/")
def home() -> str:
    return "the rest of the application"
