"""The log of deliveries. It names exceptions by type and place; their texts may quote a payload."""

import logging
import traceback
from pathlib import Path

from krebit.errors import KrebitError

log = logging.getLogger("krebit.webhooks")


def describe(error: BaseException) -> str:
    """Return the type of an exception and its traceback. The text is left out, unless the exception is ours."""
    name = type(error).__name__
    if isinstance(error, KrebitError):
        name = f"{name}: {error}"
    return "\n".join([name, *traceback.format_tb(error.__traceback__)])


def summarise(error: BaseException) -> str:
    """Return the type of an exception and where it was raised, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"
