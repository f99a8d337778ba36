"""The Python client of Krebit Finance: typed calls, a login that renews itself, pages, and clear errors.

Everything public is here. Each name is loaded when it is first used, so that `import krebit` costs next to nothing.
"""

from importlib import import_module

from krebit._version import __version__

# A name that type checkers know, without importing typing at run time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from krebit.bulk import Outcome, each
    from krebit.client import AsyncKrebit, Krebit
    from krebit.downloads import DownloadedFile, download
    from krebit.errors import (
        ApiError,
        BadRequest,
        ClientClosed,
        ConfigurationError,
        ConnectionFailed,
        DeadlineExceeded,
        DownloadFailed,
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
        UploadFailed,
        ValidationFailed,
        WebhookError,
    )
    from krebit.oauth.sign_in import LoginAttempt
    from krebit.pagination import AsyncWalk, ListDriftWarning, Page, Walk, paginate
    from krebit.raw_response import RawResponse
    from krebit.resources import ClientOptions
    from krebit.stores import TokenStore
    from krebit.stores.file import FileTokenStore
    from krebit.stores.memory import MemoryTokenStore

    # Not in __all__: `from krebit import *` must not need their extras.
    from krebit.stores.postgres import PostgresTokenStore as PostgresTokenStore
    from krebit.stores.redis import RedisTokenStore as RedisTokenStore
    from krebit_api.types import money, parse_time

# The module that each name comes from.
_HOMES = {
    "krebit.bulk": ("Outcome", "each"),
    "krebit.client": ("AsyncKrebit", "Krebit"),
    "krebit.raw_response": ("RawResponse",),
    "krebit.resources": ("ClientOptions",),
    "krebit.downloads": ("DownloadedFile", "download"),
    "krebit.errors": (
        "ApiError",
        "BadRequest",
        "ClientClosed",
        "ConfigurationError",
        "ConnectionFailed",
        "DeadlineExceeded",
        "DownloadFailed",
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
        "UploadFailed",
        "ValidationFailed",
        "WebhookError",
    ),
    "krebit.oauth.sign_in": ("LoginAttempt",),
    "krebit.pagination": ("AsyncWalk", "ListDriftWarning", "Page", "Walk", "paginate"),
    "krebit.stores": ("TokenStore",),
    "krebit.stores.file": ("FileTokenStore",),
    "krebit.stores.memory": ("MemoryTokenStore",),
    "krebit.stores.postgres": ("PostgresTokenStore",),
    "krebit.stores.redis": ("RedisTokenStore",),
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
    "DownloadFailed",
    "DownloadedFile",
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
    "Outcome",
    "Page",
    "PageBeyondEnd",
    "PageError",
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
    "UploadFailed",
    "ValidationFailed",
    "Walk",
    "WebhookError",
    "__version__",
    "download",
    "each",
    "money",
    "paginate",
    "parse_time",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(_HOME[name])
    except AttributeError as error:
        # Left alone, Python would say that `krebit` has no such name, and hide the fault of a dependency.
        raise ImportError(f"{_HOME[name]} cannot be imported: {error}") from error
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_HOME})
