# Copied from templates/runtime by `make regenerate`; edit it there.
"""Optional values that cannot be read: the field is UNSET, the value is kept, and a warning names the field once.

docs/document.md has the whole rule.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .errors import Mismatch
from .kinds import Kind
from .scalars import UNSET

_WORDS = (
    "%s.%s: %s (%s came). The field is UNSET and the value is kept in additional_properties[%r]; compare the document "
    "with the tenant's answer. This warning comes once for each client and field."
)


class FieldWarnings:
    """Warns of each field once. A client has one of its own."""

    def __init__(self, logger: str = "krebit_api") -> None:
        self._log = logging.getLogger(logger)
        self._known: set[tuple[str, str]] = set()

    def warn(self, record: str, field: str, error: Mismatch) -> None:
        """Warn of a field, without its value, which may be sensitive."""
        if (record, field) in self._known:
            return
        self._known.add((record, field))
        problem = f"{error.path}: {error.problem}" if error.path != field else error.problem
        self._log.warning(_WORDS, record, field, problem, error.got, field)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Take the warnings of what is read within the `with` block."""
        before = _current.set(self)
        try:
            yield
        finally:
            _current.reset(before)


# For records that are read without a client: it names each field once in the process.
_of_process = FieldWarnings()
_current: ContextVar[FieldWarnings | None] = ContextVar("krebit_api_field_warnings", default=None)


def read_or_keep(record: type, kind: Kind, value: Any, name: str, kept: dict[str, Any]) -> Any:
    """Return an optional value, or UNSET for one that cannot be read: it goes into `kept` as it came.

    Raises Mismatch for an amount and for an identifier, wherever they stand in the value.
    """
    try:
        return kind.read(value, name)
    except Mismatch as error:
        if error.is_strict:
            raise
        problem = error
    kept[name] = value
    (_current.get() or _of_process).warn(record.__name__, name, problem)
    return UNSET
