"""A receiver as a Django view: what to put into the project's `urls.py`. The target is https://your.host/webhooks/krebit.

The handler may use models. ATOMIC_REQUESTS does not concern it: it runs in a thread, after the answer.
"""

import logging
import os

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from krebit.webhooks import ActCreated, Receiver, SqliteInbox, WebhookEvent

log = logging.getLogger("shop")


def handle(event: WebhookEvent) -> None:
    close_old_connections()  # as Django does before each request
    if isinstance(event, ActCreated):
        log.info("act %s of client %s", event.data.uuid, event.data.client_id)


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))


@csrf_exempt  # type: ignore[untyped-decorator]
@require_POST  # type: ignore[untyped-decorator]
def krebit(request: HttpRequest) -> HttpResponse:
    headers = {"X-Signature": request.META.get("HTTP_X_SIGNATURE", "")}
    answer = receiver.receive(request.body, headers)
    return HttpResponse(answer.body, status=answer.status, content_type="text/plain")


urlpatterns = [re_path("^webhooks/krebit/?$", krebit)]
