"""Webhook deliveries, the receiver's side: verified, stored, answered, and handled by a worker.

`verify` checks one delivery. A `Receiver` stores deliveries in an inbox, and a worker gives each to your handler;
`AsgiReceiver` and `WsgiReceiver` put it into a web application.
"""

from typing import TYPE_CHECKING, Any

from krebit.webhooks.asgi import AsgiReceiver
from krebit.webhooks.events import ActCreated, WebhookEvent, verify
from krebit.webhooks.inbox import FailedDelivery, Inbox, LeasedDelivery, NotifyingInbox, StoreOutcome
from krebit.webhooks.memory import MemoryInbox
from krebit.webhooks.receiver import Answer, Receiver
from krebit.webhooks.signature import sign
from krebit.webhooks.sqlite import SqliteInbox
from krebit.webhooks.wsgi import WsgiReceiver

if TYPE_CHECKING:
    # Not in __all__: `from krebit.webhooks import *` must not need the extra.
    from krebit.webhooks.postgres import PostgresInbox as PostgresInbox

__all__ = [
    "ActCreated",
    "Answer",
    "AsgiReceiver",
    "FailedDelivery",
    "Inbox",
    "LeasedDelivery",
    "MemoryInbox",
    "NotifyingInbox",
    "Receiver",
    "SqliteInbox",
    "StoreOutcome",
    "WebhookEvent",
    "WsgiReceiver",
    "sign",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name != "PostgresInbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from krebit.webhooks.postgres import PostgresInbox
    except ImportError as error:
        raise ImportError(
            "PostgresInbox needs psycopg 3; call: pip install 'krebit[postgres]', and 'psycopg[binary]' where libpq is "
            f"missing ({error})"
        ) from None
    return PostgresInbox


def __dir__() -> list[str]:
    return sorted({*__all__, "PostgresInbox"})
