# Copied from templates/runtime by `make regenerate`; edit it there.
"""How the success of an operation is read, by its status and its media type."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Literal, NamedTuple, Protocol, Self, TypeVar

from .errors import Mismatch
from .kinds import Kind, is_keyed_list, record, records


class Model(Protocol):
    """A class that is read from a JSON object."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self: ...


T = TypeVar("T")
M = TypeVar("M", bound=Model)
Source = Literal["json", "text", "bytes", "nothing"]

JSON = "application/json"
# Python's encodings of domain names and of its own literals. Some take hours for a megabyte.
_NO_CHARSETS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape")
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^"';\s]+)""", re.IGNORECASE)


class Choice(NamedTuple):
    """One of several successes: the statuses from `first` to `last`, and how these are read."""

    first: int
    last: int
    result: Result[Any]

    @property
    def media_type(self) -> str:
        return self.result.media_type

    @property
    def source(self) -> Source:
        return self.result.source


class Result(NamedTuple, Generic[T]):
    """How a success of an operation is read.

    `source` is the form in which `read` takes the body; `read` raises Mismatch for another shape. `media_type` is the
    document's, empty where it describes no content. `choices` are the successes of an operation that has several.
    """

    model: type[Model] | None
    read: Callable[[Any], T]
    source: Source = "json"
    media_type: str = JSON
    choices: tuple[Choice, ...] = ()

    @classmethod
    def by_status(cls, *choices: Choice) -> Result[T]:
        """Return how an operation is read whose successes differ: by status, then by media type."""
        first = choices[0].result
        return cls(None, first.read, first.source, first.media_type, choices)

    @classmethod
    def of_kind(cls, kind: Kind) -> Result[T]:
        """Return how JSON is read that is no record and no list of records, bare or in an envelope."""

        def read(content: Any) -> Any:
            try:
                return _taken(kind, content, "")
            except Mismatch:
                if not isinstance(content, dict) or "data" not in content:
                    raise
            return _taken(kind, content["data"], "data")

        return cls(None, read)

    def of_answer(self, status: int, content_type: str) -> Result[Any]:
        """Return how an answer of this status and `Content-Type` is read: one of the choices, where there are any."""
        if not self.choices:
            return self
        fitting = [choice for choice in self.choices if choice.first <= status <= choice.last]
        return best_by_media_type(fitting or self.choices, content_type).result

    @property
    def documented(self) -> list[Result[Any]]:
        """The successes of the operation, one at least."""
        return [choice.result for choice in self.choices] or [self]

    @property
    def accept(self) -> str:
        """The value of `Accept`: the media types of the document, then JSON, in which errors come."""
        return accept_of(result.media_type for result in self.documented)


def accept_of(media_types: Iterable[str]) -> str:
    """Return the value of `Accept` for media types of the document, with JSON at the end for errors."""
    found = list(dict.fromkeys(filter(None, media_types)))
    if not found:
        return JSON
    if not any(source_of(media_type) == "json" for media_type in found):
        found.append(f"{JSON};q=0.9")
    return ", ".join(found)


def bare(content_type: str) -> str:
    """Return a content type in lower case without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def source_of(media_type: str) -> Source:
    """Return the form in which a body of this media type is read: JSON, text, or bytes for the rest."""
    name = bare(media_type)
    if name == JSON or name.endswith("+json"):
        return "json"
    return "text" if name.startswith("text/") else "bytes"


class Described(Protocol):
    """Something that the document says of a body of one media type."""

    @property
    def media_type(self) -> str: ...
    @property
    def source(self) -> Source: ...


D = TypeVar("D", bound=Described)


def best_by_media_type(candidates: Iterable[D], content_type: str) -> D:
    """Return the candidate of this very media type, else one that is read in the same form, else the first."""
    found = list(candidates)
    name = bare(content_type)
    same = [one for one in found if bare(one.media_type) == name]
    alike = [one for one in found if name and one.source == source_of(name)]
    return [*same, *alike, *found][0]


def decode_text(content: bytes, content_type: str) -> str:
    """Return a body as text, by its `charset`, else as UTF-8, without a byte order mark. Raises Mismatch."""
    found = _CHARSET.search(content_type)
    charset = found[1].lower() if found else "utf-8"
    if charset.replace("_", "-") in ("utf-8", "utf8"):
        charset = "utf-8-sig"
    try:
        if codecs.lookup(charset).name in _NO_CHARSETS:
            raise LookupError(charset)
        return content.decode(charset)
    except LookupError:
        problem, got = "text in an encoding that is known here", f"charset {charset[:40]}"
    except ValueError:
        problem = f"text in {charset.removesuffix('-sig')}"
        got = "other bytes"
    raise Mismatch(f"not {problem}", got=got)


def one(model: type[M], *required: str, optional: tuple[str, ...] = ()) -> Result[M]:
    """Return how an object is read, bare or in an envelope.

    A bare one may have a key `data` too. It is known by the keys that it must have, or, if it need not have any, by one
    of those that it may have. Where the document gives it a `data` of its own, an object with no other of its keys is
    the envelope if the one within it has all keys that it must have.
    """
    known = {*required, *optional}

    def fits(content: dict[str, Any]) -> bool:
        return content.keys() >= {*required} and (bool(required) or not content.keys().isdisjoint(optional))

    def is_bare(content: dict[str, Any], inner: Any) -> bool:
        if "data" not in known:
            return fits(content)
        if not isinstance(inner, dict):
            return True
        has_others = not (content.keys() - {"data"}).isdisjoint(known)
        return fits(content) and (has_others or not fits(inner))

    def read(content: Any) -> M:
        if not isinstance(content, dict) or "data" not in content or is_bare(content, content["data"]):
            return model.from_dict(content)
        wrapped: M = record(lambda: model).read(content["data"], "data")
        return wrapped

    return Result(model, read)


def page_of(model: type[M]) -> Result[M]:
    """Return how a page is read: an object whose own `data` holds the records, or these as a bare list."""

    def read(content: Any) -> M:
        if isinstance(content, list) or is_keyed_list(content):
            return model.from_dict({"data": content})
        inner = content.get("data") if isinstance(content, dict) else None
        if isinstance(inner, dict) and "data" in inner:
            wrapped: M = record(lambda: model).read(inner, "data")
            return wrapped
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


def _taken(kind: Kind, value: Any, name: str) -> Any:
    return value if type(value) in kind.kept else kind.read(value, name)


def as_media_type(media_type: str, result: Result[T]) -> Result[T]:
    """Return how JSON under another name is read, such as `application/vnd.api+json`."""
    return result._replace(media_type=media_type)


def _as_it_is(content: Any) -> Any:
    return content


def _read_nothing(content: Any) -> None:
    return None


def text(media_type: str) -> Result[str]:
    """Return how text is read."""
    return Result(None, _as_it_is, "text", media_type)


def binary(media_type: str) -> Result[bytes]:
    """Return how bytes are read: as they are."""
    return Result(None, _as_it_is, "bytes", media_type)


NOTHING: Result[None] = Result(None, _read_nothing, "nothing", "")
RAW: Result[Any] = Result(None, _as_it_is)

__all__ = (
    "JSON",
    "NOTHING",
    "RAW",
    "Choice",
    "Model",
    "Result",
    "Source",
    "accept_of",
    "as_media_type",
    "bare",
    "best_by_media_type",
    "binary",
    "decode_text",
    "many",
    "one",
    "page_of",
    "source_of",
    "text",
)
