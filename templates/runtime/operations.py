# Copied from templates/runtime by `make regenerate`; edit it there.
"""An operation of the document, and its body made from keywords."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from .scalars import UNSET, Unset

B = TypeVar("B")


class Operation(NamedTuple):
    """An operation of the document, named in errors and logs."""

    id: str
    method: str
    path: str


def body_of(model: type[B], body: B | Unset, required: tuple[str, ...], /, **fields: Any) -> B:
    """Return the body of a call, which gives it as `body` or by its fields.

    Raises TypeError for both or neither, and for a body that is not a `model`.
    """
    given = {name: value for name, value in fields.items() if value is not UNSET}
    if not isinstance(body, Unset):
        if given:
            raise TypeError(f"both body and {', '.join(given)} are given: leave one out")
        if not isinstance(body, model):
            raise TypeError(f"body: must be a {model.__name__}, not {type(body).__name__}")
        return body
    if missing := [name for name in required if name not in given]:
        raise TypeError(f"missing {', '.join(missing)}: give them as keywords, or a body")
    return model(**given)


def optional_body_of(model: type[B], body: B | Unset, required: tuple[str, ...], /, **fields: Any) -> B | Unset:
    """Return the body of a call that may have none. Raises TypeError as `body_of` does."""
    if body is UNSET and all(value is UNSET for value in fields.values()):
        return UNSET
    return body_of(model, body, required, **fields)


__all__ = ("Operation", "body_of", "optional_body_of")
