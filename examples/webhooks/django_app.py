"""A receiver in Django: what to put into the project's `wsgi.py`. The target is https://your.host/webhooks/krebit.

It stands before Django, so that no middleware (CSRF, sessions, ATOMIC_REQUESTS) touches a delivery. The handler may
use models.
"""

import logging
import os
from collections.abc import Iterable
from typing import cast
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

from krebit.webhooks import ActCreated, Receiver, SqliteInbox, WebhookEvent, WsgiReceiver

log = logging.getLogger("shop")
django = get_wsgi_application()  # DJANGO_SETTINGS_MODULE says which project


def handle(event: WebhookEvent) -> None:
    if isinstance(event, ActCreated):
        log.info("act %s of client %s", event.data.uuid, event.data.client_id)


webhooks = WsgiReceiver(Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db")))


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/webhooks/krebit":
        return webhooks(environ, start_response)
    return cast("Iterable[bytes]", django(environ, start_response))
