"""The Python client of Krebit Finance: typed calls, a login that is never lost, pages, and errors that say what
happened.

Everything public is here; each name is loaded when it is first used, so that `import krebit` costs next to nothing.
"""

import sys

from krebit._version import __version__

# A name that type checkers know, without importing typing at run time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from krebit._core import ClientOptions
    from krebit._course import ListDriftWarning, PageOf
    from krebit.client import AsyncKrebit, Krebit, RawResponse
    from krebit.errors import (
        ApiError,
        BadRequest,
        ClientClosed,
        ConfigurationError,
        ConnectionFailed,
        DeadlineExceeded,
        Forbidden,
        KrebitError,
        ListDrift,
        LoginFailed,
        LoginRequired,
        NotFound,
        PageBeyondEnd,
        PageError,
        RateLimited,
        ServerError,
        StoreBusy,
        StoreError,
        StoreUnsafe,
        TransportError,
        Unauthorized,
        UnexpectedResponse,
        ValidationFailed,
        WebhookError,
    )
    from krebit.oauth.login import LoginAttempt
    from krebit.pages import AsyncWalk, Walk, paginate
    from krebit.stores import TokenStore
    from krebit.stores.file import FileTokenStore
    from krebit.stores.memory import MemoryTokenStore
    from krebit_api.types import money, parse_time

_HOMES = {
    "krebit._core": ("ClientOptions",),
    "krebit._course": ("ListDriftWarning", "PageOf"),
    "krebit.client": ("AsyncKrebit", "Krebit", "RawResponse"),
    "krebit.errors": (
        "ApiError",
        "BadRequest",
        "ClientClosed",
        "ConfigurationError",
        "ConnectionFailed",
        "DeadlineExceeded",
        "Forbidden",
        "KrebitError",
        "ListDrift",
        "LoginFailed",
        "LoginRequired",
        "NotFound",
        "PageBeyondEnd",
        "PageError",
        "RateLimited",
        "ServerError",
        "StoreBusy",
        "StoreError",
        "StoreUnsafe",
        "TransportError",
        "Unauthorized",
        "UnexpectedResponse",
        "ValidationFailed",
        "WebhookError",
    ),
    "krebit.oauth.login": ("LoginAttempt",),
    "krebit.pages": ("AsyncWalk", "Walk", "paginate"),
    "krebit.stores": ("TokenStore",),
    "krebit.stores.file": ("FileTokenStore",),
    "krebit.stores.memory": ("MemoryTokenStore",),
    "krebit_api.types": ("money", "parse_time"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ApiError",
    "AsyncKrebit",
    "AsyncWalk",
    "BadRequest",
    "ClientClosed",
    "ClientOptions",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "FileTokenStore",
    "Forbidden",
    "Krebit",
    "KrebitError",
    "ListDrift",
    "ListDriftWarning",
    "LoginAttempt",
    "LoginFailed",
    "LoginRequired",
    "MemoryTokenStore",
    "NotFound",
    "PageBeyondEnd",
    "PageError",
    "PageOf",
    "RateLimited",
    "RawResponse",
    "ServerError",
    "StoreBusy",
    "StoreError",
    "StoreUnsafe",
    "TokenStore",
    "TransportError",
    "Unauthorized",
    "UnexpectedResponse",
    "ValidationFailed",
    "Walk",
    "WebhookError",
    "__version__",
    "money",
    "paginate",
    "parse_time",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    __import__(_HOME[name])
    globals()[name] = value = getattr(sys.modules[_HOME[name]], name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
