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
from .scalars import (
    MISSING,
    Unset,
    read_amount,
    read_boolean,
    read_date,
    read_number,
    read_text,
    read_time,
    refused,
)
from .types import File

Read = Callable[[Any, str], Any]


class Kind:
    """A type of the document.

    `kept`: the Python types whose values stay as they are. `read(value, name)` returns what becomes of any other value;
    it raises Mismatch with the field's name. `takes`: the types of JSON that the document means. `converts`: further
    types that `read` may accept, where they can mean one thing only. `words`: the type in an error. `is_strict`:
    whether it may be an amount, which is never left out.
    """

    __slots__ = ("converts", "is_strict", "kept", "read", "takes", "words")

    def __init__(
        self,
        words: str,
        *,
        kept: Iterable[type] = (),
        takes: Iterable[type] = (),
        converts: Iterable[type] = (),
        is_strict: bool = False,
        read: Read | None = None,
    ) -> None:
        self.is_strict = is_strict
        self.words = words
        self.kept = frozenset(kept)
        self.takes = frozenset(takes)
        self.converts = frozenset(converts)
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
TEXT = Kind("a string", kept=[str], converts=[int, float, Decimal], read=read_text)
INTEGER = Kind("an integer", kept=[int])
BOOLEAN = Kind("a boolean", kept=[bool], converts=[int], read=read_boolean)
NUMBER = Kind("a number", kept=[float], takes=[int, Decimal], read=read_number)
AMOUNT = Kind("an amount", kept=[Decimal], takes=[int, float, str], is_strict=True, read=read_amount)
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


def identifier(kind: Kind) -> Kind:
    """Return the kind of a key such as `id`: as the document has it, nothing converted, nothing left out."""

    def read(value: Any, name: str) -> Any:
        if type(value) in kind.takes:
            try:
                return kind.read(value, name)
            except Mismatch:
                pass
        raise refused(kind.words, value, name, is_strict=value is not MISSING)

    return Kind(kind.words, kept=kind.kept, takes=kind.takes, read=read)


def choice(load: Callable[[], type[Enum]]) -> Kind:
    """Return the kind of an enumeration, whose class is loaded by the first value."""

    def read(value: Any, name: str) -> Any:
        try:
            return load()(value)
        except (TypeError, ValueError):
            raise refused("one of the values that the document lists", value, name) from None

    return Kind("one of a list", takes=[str, int], read=read)


def open_choice(load: Callable[[], type[Enum]], other: Kind) -> Kind:
    """Return the kind of an enumeration that may grow: a value that it does not list stays as `other` reads it."""
    listed = choice(load)

    def read(value: Any, name: str) -> Any:
        try:
            return listed.read(value, name)
        except Mismatch:
            return value if type(value) in other.kept else other.read(value, name)

    return Kind(other.words, takes=[str, int], converts=other.converts, read=read)


def record(load: Callable[[], type[Readable]]) -> Kind:
    """Return the kind of a record, whose class is loaded by the first value. PHP writes an empty object as `[]`."""

    def read(value: Any, name: str) -> Any:
        try:
            return load().from_dict({} if value == [] else value)
        except Mismatch as error:
            # A record that must have keys is not made of an empty list.
            raise (refused("an object", value, name) if value == [] else error.within(name)) from None

    return Kind("an object", takes=[dict], converts=[list], read=read)


def records(load: Callable[[], type[Readable]]) -> Kind:
    """Return the kind of a list of records, whose class is loaded by the first list. Pages are made of these."""

    def read(values: Any, name: str) -> Any:
        elements = elements_of(values, name)
        from_dict = load().from_dict
        try:
            return [from_dict(value) for value in elements]
        except Mismatch:
            return _read_elements(record(load), elements, name)

    return Kind("a list", takes=[list], converts=[dict], read=read)


def list_of(kind: Kind) -> Kind:
    """Return the kind of a list whose elements are all of one kind."""

    kept, read_other = kind.kept, kind.read

    def read(values: Any, name: str) -> Any:
        elements = elements_of(values, name)
        try:
            return [value if type(value) in kept else read_other(value, "") for value in elements]
        except Mismatch:
            return _read_elements(kind, elements, name)

    return Kind("a list", takes=[list], converts=[dict], read=read)


def is_keyed_list(value: object) -> bool:
    """Return whether an object is a list that PHP wrote with its keys: `{"0": …, "2": …}`."""
    return type(value) is dict and bool(value) and all(key.isascii() and key.isdigit() for key in value)


def elements_of(values: Any, name: str) -> list[Any]:
    """Return the elements of a list, also of one that PHP wrote with its keys. Raises Mismatch."""
    if isinstance(values, list):
        return values
    if is_keyed_list(values):
        return list(values.values())
    raise refused("a list", values, name)


def _read_elements(kind: Kind, values: list[Any], name: str) -> list[Any]:
    """Read each element under its name, to name the first that cannot be read: the names of others are never made."""
    return [
        value if type(value) in kind.kept else kind.read(value, f"{name}[{index}]")
        for index, value in enumerate(values)
    ]


def either(*kinds: Kind) -> Kind:
    """Return the kind of a union: the first that means a value's type reads it, else the first that converts it."""
    words = " or ".join(kind.words for kind in kinds if kind.words)
    every: frozenset[type] = frozenset().union(*(kind.kept for kind in kinds))
    taken: frozenset[type] = frozenset().union(*(kind.takes for kind in kinds))
    converted: frozenset[type] = frozenset().union(*(kind.converts for kind in kinds)) - every
    is_strict = any(kind.is_strict for kind in kinds)
    readers = [kind for kind in kinds if kind.takes or kind.converts]
    if len(readers) == 1 and not every & (readers[0].takes | readers[0].converts):
        return Kind(words, kept=every, takes=taken, converts=converted, is_strict=is_strict, read=readers[0].read)

    def read(value: Any, name: str) -> Any:
        found = type(value)
        meant = [kind for kind in kinds if found in kind.takes]
        problem = refused(words, value, name, is_strict=is_strict and value is not MISSING)
        for kind in meant:
            try:
                return kind.read(value, name)
            except Mismatch as error:
                problem = error
        if found in every:
            return value
        for kind in kinds:
            if kind not in meant and found in kind.converts:
                try:
                    return kind.read(value, name)
                except Mismatch as error:
                    problem = error if not meant else problem
        raise problem

    return Kind(words, kept=every - taken, takes=taken, converts=converted, is_strict=is_strict, read=read)
