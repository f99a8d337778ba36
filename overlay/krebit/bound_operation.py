"""Find the client of an operation, which is one of its methods, and call the operation on a view of that client."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from krebit.base_client import BaseClient
from krebit.errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=BaseClient)


def client_of(operation: Any, kind: type[C]) -> C:
    """Return the client of an operation. Raises ConfigurationError for anything but a method of such a client."""
    owner = getattr(operation, "__self__", None)
    if not isinstance(owner, kind):
        raise ConfigurationError("operation: must be a method of a client, such as api.list_clients, without a call")
    return owner


def on_view(operation: Callable[P, T], view: BaseClient) -> Callable[P, T]:
    """Return the same operation on a view of its client."""
    bound: Callable[P, T] = operation.__func__.__get__(view)  # type: ignore[attr-defined]
    return bound
