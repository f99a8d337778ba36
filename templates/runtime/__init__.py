# Copied from templates/runtime by `make regenerate`; edit it there.
"""The client of the Krebit Finance API that is generated from its document: models, endpoints, operations."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

__all__ = ("AuthenticatedClient", "Client")

if not TYPE_CHECKING:
    # Loaded when first asked for: they bring httpx with them, which takes longer than all the rest.
    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import client

        globals().update({known: getattr(client, known) for known in __all__})
        return globals()[name]

    def __dir__():
        return sorted({*globals(), *__all__})
