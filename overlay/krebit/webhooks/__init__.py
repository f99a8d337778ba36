"""Webhook deliveries, the receiver's side: verified, handled once, and never an unexpected exception.

`verify` checks one delivery. A `Receiver` also remembers what it has seen, answers at once and hands the event to a
handler afterwards; `AsgiReceiver` and `WsgiReceiver` put it into a web application.
"""

from importlib import import_module

TYPE_CHECKING = False  # importing typing for it would cost more than this module
if TYPE_CHECKING:
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
_MODULES = ("events", "asgi", "inbox", "inbox", "receiver", "sqlite", "events", "wsgi", "signature", "events")
_HOMES = dict(zip(__all__, _MODULES, strict=True))

if not TYPE_CHECKING:  # so that a misspelt name is seen by type checkers

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value
