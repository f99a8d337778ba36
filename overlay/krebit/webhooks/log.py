"""The log of deliveries. It names exceptions by type and place; their texts may quote a payload."""

import logging
import traceback

from krebit.errors import KrebitError

log = logging.getLogger("krebit.webhooks")


def describe(error: BaseException) -> str:
    """Return the type of an exception and its traceback. The text is left out, unless the exception is ours."""
    name = type(error).__name__
    if isinstance(error, KrebitError):
        name = f"{name}: {error}"
    return "\n".join([name, *traceback.format_tb(error.__traceback__)])
