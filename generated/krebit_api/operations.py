# Copied from templates/runtime by `make regenerate`; edit it there.
"""What an operation is, how its success is read, and how its body is made of keywords."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from .kinds import is_keyed_list, record, records
from .scalars import UNSET, Unset


class Model(Protocol):
    """A class that is read from a JSON object."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self: ...


T = TypeVar("T")
B = TypeVar("B")
M = TypeVar("M", bound=Model)


class Operation(NamedTuple):
    """Which operation of the document is called, for errors and logs."""

    id: str
    method: str
    path: str


class Result(NamedTuple, Generic[T]):
    """How a success of an operation is read: `read` takes its JSON, and raises Mismatch where that is another."""

    model: type[Model] | None
    read: Callable[[Any], T]


def one(model: type[M], *required: str, optional: tuple[str, ...] = ()) -> Result[M]:
    """Return how an object is read, bare or in an envelope.

    A bare one may have a key `data` too. It is known by the keys that it must have, or, if it need not have any, by one
    of those that it may have.
    """

    def read(content: Any) -> M:
        if not isinstance(content, dict) or "data" not in content:
            return model.from_dict(content)
        if content.keys() >= {*required} and (required or not content.keys().isdisjoint(optional)):
            return model.from_dict(content)
        wrapped: M = record(lambda: model).read(content["data"], "data")
        return wrapped

    return Result(model, read)


def page_of(model: type[M]) -> Result[M]:
    """Return how a page is read: an object whose own `data` holds the records, or these as a bare list."""

    def read(content: Any) -> M:
        if isinstance(content, list) or is_keyed_list(content):
            return model.from_dict({"data": content})
        return model.from_dict(content)

    return Result(model, read)


def many(model: type[M]) -> Result[list[M]]:
    """Return how a list of objects is read, bare or in an envelope."""

    def read(content: Any) -> list[M]:
        name = ""
        if isinstance(content, dict) and "data" in content:
            name, content = "data", content["data"]
        rows: list[M] = records(lambda: model).read(content, name)
        return rows

    return Result(model, read)


def _read_nothing(content: Any) -> None:
    return None


def _read_raw(content: Any) -> Any:
    return content


NOTHING: Result[None] = Result(None, _read_nothing)
RAW: Result[Any] = Result(None, _read_raw)


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


__all__ = (
    "NOTHING",
    "RAW",
    "Model",
    "Operation",
    "Result",
    "body_of",
    "many",
    "one",
    "optional_body_of",
    "page_of",
)
