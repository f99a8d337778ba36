# Generated from openapi.yaml by `make regenerate`; do not edit.
"""Types that the models and the endpoints share, and how they read JSON."""

from collections.abc import Callable, Mapping, MutableMapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import IO, Any, BinaryIO, Generic, Literal, NamedTuple, NoReturn, TypeVar
from urllib.parse import quote


class Unset:
    """The type of UNSET, which stands for a key that is missing (null is None)."""

    __slots__ = ()

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __copy__(self) -> "Unset":
        return self

    def __deepcopy__(self, memo: object) -> "Unset":
        return self

    def __reduce__(self) -> str:
        # There is one of it, and it stays one through copy and pickle: the code asks `is UNSET`.
        return "UNSET"


UNSET: Unset = Unset()

# What httpx takes for `files`.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes), content_type)
    tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


class File(NamedTuple):
    """A file to be sent."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """The form that httpx takes."""
        return self.file_name, self.payload, self.mime_type


T = TypeVar("T")


class Response(NamedTuple, Generic[T]):
    """An answer of an endpoint. Its repr leaves out body and headers, which may hold secrets."""

    status_code: HTTPStatus
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None

    def __repr__(self) -> str:
        return f"Response(status_code={self.status_code!r}, parsed={self.parsed!r})"


class Mismatch(ValueError):
    """An answer has not the shape that the document describes. `path` says where, such as `data[3].created_at`, `got` the
    JSON type of what stands there."""

    def __init__(self, problem: str, path: str = "", got: str = "nothing") -> None:
        self.problem = problem
        self.path = path
        self.got = got
        super().__init__(f"{path}: {problem}" if path else problem)

    def __reduce__(self) -> tuple[type["Mismatch"], tuple[str, ...]]:
        return type(self), (self.problem, self.path, self.got)

    def within(self, name: str) -> "Mismatch":
        """The same, seen from the object or list around."""
        dot = "." if name and self.path and self.path[0] != "[" else ""
        return Mismatch(self.problem, f"{name}{dot}{self.path}", self.got)


def kind_of(value: object) -> str:
    """What JSON calls the type of a value."""
    kinds: dict[type, str] = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        Decimal: "a number",
        str: "a string",
        list: "a list",
    }
    return kinds.get(type(value), "an object")


def mismatch(error: KeyError | TypeError | ValueError, source: object) -> Mismatch:
    """What a failure to take an object apart means: a key is missing, or it is no object."""
    if isinstance(error, KeyError):
        return Mismatch("missing", str(error.args[0]))
    return Mismatch("not an object", got=kind_of(source))


_KINDS: dict[str, tuple[type, ...]] = {
    "None": (type(None),),
    "Unset": (Unset,),
    "bool": (bool,),
    "float": (int, float, Decimal),
    "int": (int,),
    "str": (str,),
}


def kinds(*names: str) -> frozenset[type]:
    """The types that JSON may be read as for these types of the document."""
    return frozenset(kind for name in names for kind in _KINDS[name])


def refuse(problem: str, name: str, value: object) -> NoReturn:
    """Raise Mismatch, where an expression is wanted."""
    raise Mismatch(problem, name, kind_of(value))


def read_one(read: Callable[[Any], T], value: Any, name: str) -> T:
    """Read an object inside another. Raises Mismatch with the way to it."""
    try:
        return read(value)
    except Mismatch as error:
        raise error.within(name) from None


def read_many(read: Callable[[Any], T], values: Any, name: str) -> list[T]:
    """Read a list of objects. Raises Mismatch with the way to the first that cannot be read."""
    if not isinstance(values, list):
        raise Mismatch("not a list", name, kind_of(values))
    try:
        return [read(value) for value in values]
    except Mismatch:
        return [read_one(read, value, f"{name}[{index}]") for index, value in enumerate(values)]


def path_part(value: object, name: str) -> str:
    """A value as one part of a path. Raises ValueError where there is none: the path would be another one."""
    text = "" if value is None or isinstance(value, Unset) else str(value)
    if not text:
        raise ValueError(f"{name}: is missing")
    return quote(text, safe="")


# The way that nearly all times take: no function of ours in between.
read_iso = datetime.fromisoformat


def other_times(source: Any, *names: str) -> dict[str, Any] | None:
    """The object with those of its times rewritten that are in another form, or None where that was not the problem.

    Raises Mismatch for a time that cannot be read.
    """
    if not isinstance(source, Mapping):
        return None
    rewritten = {
        name: read_time(source[name], name).isoformat() for name in names if source.get(name) is not None
    }
    return {**source, **rewritten} if any(source[name] != text for name, text in rewritten.items()) else None


def read_time(value: Any, name: str) -> datetime:
    """Read ISO 8601, or another form that can be read in one way only. Raises Mismatch."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    if not isinstance(value, str) or len(value) > 64:
        raise Mismatch("not a time", name, kind_of(value))
    from dateutil.parser import parse

    def zone(abbreviation: str | None, seconds: int | None) -> timezone | None:
        if abbreviation is not None and seconds is None:
            raise ValueError(abbreviation)
        return timezone(timedelta(seconds=seconds)) if seconds is not None else None

    try:
        # What is missing comes from `default`, so only a complete date that names day and month reads twice the same.
        once = parse(value, default=datetime(2000, 1, 1), dayfirst=False, tzinfos=zone)
        again = parse(value, default=datetime(2005, 2, 3), dayfirst=True, tzinfos=zone)
    except (ValueError, ArithmeticError):  # dateutil's own arithmetic on long runs of digits included
        raise Mismatch("not a time", name, kind_of(value)) from None
    if once != again:
        raise Mismatch("not a time that can be read in one way only", name, kind_of(value))
    return once


def parse_time(value: str | datetime | date) -> datetime:
    """A point in time from what the API sends or a person types: `2024-05-01`, `2024-05-01T10:00:00Z`, `1 May 2024
    10:00`.

    What `datetime.fromisoformat` refuses is read by dateutil, if it can be read in one way only: `02/03/2024` cannot.
    A time zone is kept when one is given; the result is naive when there is none. Raises ValueError.
    """
    if isinstance(value, datetime):
        return value
    text = value.isoformat() if isinstance(value, date) else value.strip()
    return read_time(text, repr(text[:40]))


def money(value: Decimal | float | str | Unset | None) -> Decimal | None:
    """An amount in the record's currency, in major units (kronor, not öre), or None where there is none.

    The API sends amounts as numbers or as decimal strings; both come out as the same `Decimal`. Raises ValueError for
    a text that is no finite decimal number.

    >>> money("250000.50")
    Decimal('250000.50')
    """
    if value is None or isinstance(value, Unset):
        return None
    try:
        # A float is only seen where somebody parsed the body themselves: its shortest text is what was meant.
        amount = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("money: not a decimal number") from None
    if not amount.is_finite():
        raise ValueError("money: not a finite number")
    return amount


def plain(value: Any) -> Any:
    """A field as it stands in a row: None where there is nothing, a dictionary for an object."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    return None if value is UNSET else value.to_row() if hasattr(value, "to_row") else value


def plain_number(value: Any) -> Any:
    """The same for a field that may be money: as `Decimal`, but for a text which is no number."""
    if isinstance(value, list):
        return [plain_number(part) for part in value]
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return money(value)
        except ValueError:
            return value
    return plain(value)


__all__ = [
    "UNSET",
    "File",
    "FileTypes",
    "Mismatch",
    "RequestFiles",
    "Response",
    "Unset",
    "kind_of",
    "kinds",
    "mismatch",
    "money",
    "other_times",
    "parse_time",
    "path_part",
    "plain",
    "plain_number",
    "read_iso",
    "read_many",
    "read_one",
    "read_time",
    "refuse",
]
