# Copied from templates/runtime by `make regenerate`; edit it there.
"""The types of the document, each as a `Kind`: which values of a parsed JSON body it keeps, and how it reads others.

A record asks `type(value) in kind.kept` itself, since most values are kept, and a call for each would take as long as
all the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol

from .errors import Mismatch
from .scalars import MISSING, Unset, read_amount, read_date, read_number, read_time, refused
from .types import File

Read = Callable[[Any, str], Any]


class Kind:
    """A type of the document.

    `kept`: the Python types whose values stay as they are. `read(value, name)` returns what becomes of any other value;
    it raises Mismatch with the field's name. `takes`: the types of JSON that `read` may accept. `words`: the type in an
    error.
    """

    __slots__ = ("kept", "read", "takes", "words")

    def __init__(
        self, words: str, *, kept: Iterable[type] = (), takes: Iterable[type] = (), read: Read | None = None
    ) -> None:
        self.words = words
        self.kept = frozenset(kept)
        self.takes = frozenset(takes)
        self.read: Read = read or self._refuse

    def _refuse(self, value: Any, name: str) -> Any:
        raise refused(self.words, value, name)


class Readable(Protocol):
    """A class that is read from a JSON object."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Any: ...


def _read_anything(value: Any, name: str) -> Any:
    if value is MISSING:
        raise refused("missing", value, name)
    return value


def _read_uuid(value: Any, name: str) -> Any:
    from uuid import UUID

    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (AttributeError, TypeError, ValueError):
        raise refused("a UUID", value, name) from None


ANYTHING = Kind("anything", read=_read_anything)
ABSENT = Kind("", kept=[Unset])
NULL = Kind("null", kept=[type(None)])
TEXT = Kind("a string", kept=[str])
INTEGER = Kind("an integer", kept=[int])
BOOLEAN = Kind("a boolean", kept=[bool])
NUMBER = Kind("a number", kept=[float], takes=[int, Decimal], read=read_number)
AMOUNT = Kind("an amount", kept=[Decimal], takes=[int, float, str], read=read_amount)
FILE = Kind("a file", kept=[File])
TIME = Kind("a time", kept=[datetime], takes=[str], read=read_time)
DATE = Kind("a date", kept=[date], takes=[str], read=read_date)
UUID = Kind("a UUID", takes=[str], read=_read_uuid)


def constant(expected: str | float) -> Kind:
    """Return the kind of one value and no other."""

    def read(value: Any, name: str) -> Any:
        if type(value) is type(expected) and value == expected:
            return value
        raise refused(repr(expected), value, name)

    return Kind(repr(expected), takes=[type(expected)], read=read)


def choice(load: Callable[[], type[Enum]]) -> Kind:
    """Return the kind of an enumeration, whose class is loaded by the first value."""

    def read(value: Any, name: str) -> Any:
        try:
            return load()(value)
        except ValueError:
            raise refused("one of the values that the document lists", value, name) from None

    return Kind("one of a list", takes=[str, int], read=read)


def record(load: Callable[[], type[Readable]]) -> Kind:
    """Return the kind of a record, whose class is loaded by the first value."""

    def read(value: Any, name: str) -> Any:
        try:
            return load().from_dict(value)
        except Mismatch as error:
            raise error.within(name) from None

    return Kind("an object", takes=[dict], read=read)


def records(load: Callable[[], type[Readable]]) -> Kind:
    """Return the kind of a list of records, whose class is loaded by the first list. Pages are made of these."""

    def read(values: Any, name: str) -> Any:
        if not isinstance(values, list):
            raise refused("a list", values, name)
        from_dict = load().from_dict
        try:
            return [from_dict(value) for value in values]
        except Mismatch:
            _name_element(record(load), values, name)
            raise

    return Kind("a list", takes=[list], read=read)


def list_of(kind: Kind) -> Kind:
    """Return the kind of a list whose elements are all of one kind."""

    kept, read_other = kind.kept, kind.read

    def read(values: Any, name: str) -> Any:
        if not isinstance(values, list):
            raise refused("a list", values, name)
        try:
            return [value if type(value) in kept else read_other(value, "") for value in values]
        except Mismatch:
            _name_element(kind, values, name)
            raise

    return Kind("a list", takes=[list], read=read)


def _name_element(kind: Kind, values: list[Any], name: str) -> None:
    """Raise Mismatch with the name of the first element that cannot be read: the names of others are never made."""
    for index, value in enumerate(values):
        if type(value) not in kind.kept:
            kind.read(value, f"{name}[{index}]")


def either(*kinds: Kind) -> Kind:
    """Return the kind of a union: the first kind that can read a value does."""
    words = " or ".join(kind.words for kind in kinds if kind.words)
    every: frozenset[type] = frozenset().union(*(kind.kept for kind in kinds))
    readers = [kind for kind in kinds if kind.takes]
    taken: frozenset[type] = frozenset().union(*(kind.takes for kind in readers))
    if len(readers) == 1 and not every & taken:
        return Kind(words, kept=every, takes=taken, read=readers[0].read)

    def read(value: Any, name: str) -> Any:
        problem = refused(words, value, name)
        for kind in readers:
            if type(value) in kind.takes:
                try:
                    return kind.read(value, name)
                except Mismatch as error:
                    problem = error
        if type(value) in every:
            return value
        raise problem

    return Kind(words, kept=every - taken, takes=taken, read=read)
