"""Refuses to build the package for a Python that is too old, and says which one is needed.

An older pip reads `requires-python` last, and tries every release of every dependency first:
https://github.com/pypa/pip/issues/13146
"""

import sys
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class PythonFloor(MetadataHookInterface):
    """Stops the build with a message; the metadata stay as they are."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Raise SystemExit where the running Python is older than the lowest supported one."""
        if sys.version_info < (3, 11):  # noqa: UP036 - an older Python does get here
            running = ".".join(str(number) for number in sys.version_info[:3])
            raise SystemExit(f"krebit needs Python 3.11 or later; {sys.executable} is Python {running}")
