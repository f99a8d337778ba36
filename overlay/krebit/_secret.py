"""A value that must not be shown."""

import hmac
from typing import NoReturn


class Secret:
    """Holds a secret string; repr, str and format show `***`, and it refuses to be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: "str | Secret | None") -> None:
        self._value = value.reveal() if isinstance(value, Secret) else value or ""

    def reveal(self) -> str:
        """The value itself: hand it on, do not keep it in a local variable for longer than needed."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; build the client anew in the other process")
