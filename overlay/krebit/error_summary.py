"""Name an exception and its place without its text, which may quote a token or a payload."""

import os
import traceback
from pathlib import Path


def summarise(error: BaseException) -> str:
    """Return the type of an exception and where it was raised, in one line. An OSError adds the system's reason."""
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        name = f"{name}: {os.strerror(error.errno)}"
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return name
    last = frames[-1]
    return f"{name} in {last.name} ({Path(last.filename).name}:{last.lineno})"
