"""Webhook deliveries, the receiver's side: verified, handled once, and never an unexpected exception.

`verify` checks one delivery. A `Receiver` also remembers what it has seen, answers at once and hands the event to a
handler afterwards; `AsgiReceiver` and `WsgiReceiver` put it into a web application.
"""

from krebit.webhooks.asgi import AsgiReceiver
from krebit.webhooks.events import ActCreated, WebhookEvent, verify
from krebit.webhooks.inbox import Inbox, MemoryInbox
from krebit.webhooks.receiver import Receiver
from krebit.webhooks.signature import sign
from krebit.webhooks.sqlite import SqliteInbox
from krebit.webhooks.wsgi import WsgiReceiver

__all__ = [
    "ActCreated",
    "AsgiReceiver",
    "Inbox",
    "MemoryInbox",
    "Receiver",
    "SqliteInbox",
    "WebhookEvent",
    "WsgiReceiver",
    "sign",
    "verify",
]
