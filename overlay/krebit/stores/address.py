"""Make the token store that a setting names."""

import os
from pathlib import Path

from krebit.errors import ConfigurationError
from krebit.redaction import Secret
from krebit.stores.protocol import TokenStore

STORE_VARIABLE = "KREBIT_TOKEN_STORE"


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
    text = address.reveal()
    scheme, separator, _ = text.partition("://")
    try:
        if separator and scheme in ("postgresql", "postgres"):
            from krebit.stores.postgres import PostgresTokenStore

            return PostgresTokenStore(text)
        if separator and scheme in ("redis", "rediss", "unix"):
            from krebit.stores.redis import RedisTokenStore

            return RedisTokenStore(text)
    except ImportError as error:
        problem = str(error)
    except ConfigurationError as error:
        problem = str(error)
    else:
        if not separator and Path(text).expanduser().is_absolute():
            from krebit.stores.file import FileTokenStore

            return FileTokenStore(text)
        # The value is not shown: it may hold a password.
        problem = (
            "is neither a URL that begins with postgresql:, redis:, rediss: or unix:, nor the whole path of a folder"
        )
    raise ConfigurationError(f"{name}: {problem}")
