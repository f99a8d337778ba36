"""Put `openapi.yaml` into the wheel, beside the package that is made from it.

A clone that is installed in place gets no copy, which would be an old one soon: there the document itself is read.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundleDocument(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the document to a wheel, but not to an installation in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the file and its place in the wheel."""
        if version != "editable":
            build_data["force_include"]["openapi.yaml"] = "krebit_api/openapi.yaml"
