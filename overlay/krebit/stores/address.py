"""Make the token store that a setting names."""

import os
from pathlib import Path

from krebit.errors import ConfigurationError
from krebit.redaction import Secret
from krebit.stores.protocol import TokenStore

STORE_VARIABLE = "KREBIT_TOKEN_STORE"
_SCHEMES = {"postgresql": "postgres", "postgres": "postgres", "redis": "redis", "rediss": "redis", "unix": "redis"}


def store_of_process() -> TokenStore:
    """Return the store that the process's environment names, or the files of the user. Raises ConfigurationError."""
    if os.environ.get(STORE_VARIABLE):
        return store_at(Secret(os.environ[STORE_VARIABLE]), STORE_VARIABLE)
    from krebit.stores.file import FileTokenStore

    return FileTokenStore()


def store_at(address: Secret, name: str) -> TokenStore:
    """Return the store at a URL (`postgresql://`, `redis://`, `rediss://`, `unix://`) or in a folder, a whole path.

    `name` is that of the setting. Raises ConfigurationError for anything else, and where the extra is not installed.
    """
    kind = _kind_of(address)
    try:
        if kind == "postgres":
            from krebit.stores.postgres import PostgresTokenStore

            return PostgresTokenStore(address.reveal())
        if kind == "redis":
            from krebit.stores.redis import RedisTokenStore

            return RedisTokenStore(address.reveal())
    except (ImportError, ConfigurationError) as error:
        problem = str(error)
    else:
        if kind == "folder":
            from krebit.stores.file import FileTokenStore

            return FileTokenStore(address.reveal())
        # The value is not shown: it may hold a password.
        problem = (
            "is neither a URL that begins with postgresql:, redis:, rediss: or unix:, nor the whole path of a folder"
        )
    raise ConfigurationError(f"{name}: {problem}")


def _kind_of(address: Secret) -> str | None:
    """Return the kind of store, or None for an address of none. Raise nothing: the frame has the address."""
    text = address.reveal()
    scheme, separator, _ = text.partition("://")
    if separator:
        return _SCHEMES.get(scheme)
    try:
        return "folder" if Path(text).expanduser().is_absolute() else None
    except RuntimeError:  # a user without a home folder
        return None
