# Copied from templates/runtime by `make regenerate`; edit it there.
"""Parameters as text: in path, query, headers and cookies, in the styles of OpenAPI 3.1 (those of RFC 6570)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from .records import Record, write
from .scalars import UNSET

Style = Literal["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "json"]
# The elements of a list, of one text each, or the pairs of key and text of an object.
Parts = list[tuple[str, ...]]
# Between the elements of one value, and that character as it stands in a URL.
_DELIMITERS = {"spaceDelimited": (" ", "%20"), "pipeDelimited": ("|", "%7C")}


class Styled(NamedTuple):
    """A value that is not written in the usual style of its place (`simple`, or `form` that repeats its name)."""

    value: object
    style: Style
    explode: bool = False


def path_of(path: str, values: Mapping[str, object]) -> str:
    """Return a path with its places filled. Raises ValueError for a value that is missing or cannot be written.

    Only a `Styled` value may be a list or an object.
    """
    for name, value in values.items():
        if not isinstance(value, Styled) and isinstance(value, Record | Mapping | list | tuple):
            raise ValueError(f"{name}: must be a single value, such as an id, not {type(value).__name__}")
        styled = value if isinstance(value, Styled) else Styled(value, "simple")
        text = "" if _is_missing(styled.value) else _in_path(name, styled)
        if not text:
            # The path would be that of another operation.
            raise ValueError(f"{name}: is missing")
        path = path.replace(f"{{{name}}}", text)
    return path


def query_of(values: Mapping[str, object]) -> tuple[str, dict[str, Any] | None]:
    """Return the query as text and as httpx takes it: one of the two, since httpx writes delimiters in its own way.

    Raises ValueError for a value that cannot be written.
    """
    given = {name: value for name, value in values.items() if not _is_missing(value)}
    if not any(isinstance(value, Styled) for value in given.values()):
        return "", _usual_query(given)
    parts: list[str] = []
    for name, value in given.items():
        styled = value if isinstance(value, Styled) else Styled(value, "form", explode=True)
        parts += [] if _is_missing(styled.value) else _in_query(name, styled)
    return "&".join(parts), None


def headers_of(values: Mapping[str, object]) -> dict[str, str]:
    """Return headers by name. Raises ValueError for a value that cannot be written."""
    written: dict[str, str] = {}
    for name, value in values.items():
        styled = value if isinstance(value, Styled) else Styled(value, "simple")
        if _is_missing(styled.value):
            continue
        text = _in_header(name, styled)
        if not (text.isascii() and (text.isprintable() or not text) and text == text.strip()):
            raise ValueError(f"{name}: a header takes printable ASCII, without spaces at its ends")
        written[name] = text
    return written


def cookies_of(values: Mapping[str, object]) -> dict[str, str]:
    """Return cookies by name, escaped as in a URL. Raises ValueError for a value that cannot be written."""
    written: dict[str, str] = {}
    for name, value in values.items():
        styled = value if isinstance(value, Styled) else Styled(value, "form")
        if not _is_missing(styled.value):
            content = _content(name, styled)
            texts = [content] if isinstance(content, str) else chain(*content)
            written[name] = ",".join(map(_quote, texts))
    return written


def _is_missing(value: object) -> bool:
    return value is UNSET or value is None


def _quote(text: str) -> str:
    return quote(text, safe="")


def _usual_query(values: Mapping[str, object]) -> dict[str, Any]:
    """Return what httpx writes itself: a list repeats its name, a record stands for its own keys."""
    written: dict[str, Any] = {}
    for name, value in values.items():
        content = write(value, name, amounts_as_text=True)
        if isinstance(content, dict):
            written |= {key: _text(f"{name}.{key}", part) for key, part in content.items()}
        elif isinstance(content, list):
            written[name] = [_text(name, part) for part in content]
        else:
            written[name] = content
    return written


def _content(name: str, styled: Styled) -> str | Parts:
    """Return a value as one text, or as its elements or pairs."""
    content = write(styled.value, name, amounts_as_text=True)
    if styled.style == "json":
        return json.dumps(content, separators=(",", ":"))
    if isinstance(content, dict):
        return [(key, _text(f"{name}.{key}", part)) for key, part in content.items()]
    if styled.style == "deepObject":
        raise ValueError(f"{name}: must be an object")
    if isinstance(content, list):
        return [(_text(name, part),) for part in content]
    return _text(name, content)


def _text(name: str, content: object) -> str:
    """Return the text of a single value: true, false and numbers as JSON has them."""
    if isinstance(content, str):
        return content
    if isinstance(content, bool | int | float):
        return json.dumps(content)
    kind = "null" if content is None else "a list or an object inside another"
    raise ValueError(f"{name}: {kind} cannot be written in a parameter")


def _exploded(parts: Parts) -> list[str]:
    return ["=".join(map(_quote, part)) for part in parts]


def _in_path(name: str, styled: Styled) -> str:
    content = _content(name, styled)
    if isinstance(content, str):
        whole = [_quote(content)]
    elif styled.explode:
        whole = _exploded(content)
    else:
        whole = [",".join(map(_quote, chain(*content)))]
    if not any(whole):
        return ""
    if styled.style == "label":
        return "".join(f".{part}" for part in whole)
    if styled.style == "matrix":
        # The pairs of an object have names of their own.
        has_names = styled.explode and len(content[0]) == 2
        return "".join(f";{part}" if has_names else f";{_quote(name)}={part}" for part in whole)
    return ",".join(whole)


def _in_query(name: str, styled: Styled) -> list[str]:
    content = _content(name, styled)
    key = _quote(name)
    if isinstance(content, str):
        return [f"{key}={_quote(content)}"]
    if styled.style == "deepObject":
        return [f"{key}%5B{_quote(inner)}%5D={_quote(text)}" for inner, text in content]
    if styled.explode:
        return [part if "=" in part else f"{key}={part}" for part in _exploded(content)]
    if not content:
        return []
    delimiter, written = _DELIMITERS.get(styled.style, (",", ","))
    texts = list(chain(*content))
    # A comma is escaped inside a value. The others stand escaped themselves, so a value cannot have them.
    if written != "," and any(delimiter in text for text in texts):
        raise ValueError(f"{name}: an element has the delimiter {delimiter!r}")
    return [f"{key}={written.join(map(_quote, texts))}"]


def _in_header(name: str, styled: Styled) -> str:
    content = _content(name, styled)
    if isinstance(content, str):
        return content
    if any("," in text for text in chain(*content)):
        raise ValueError(f"{name}: an element has a comma, which separates the elements of a header")
    if styled.explode:
        return ",".join("=".join(part) for part in content)
    return ",".join(chain(*content))


__all__ = ("Styled", "cookies_of", "headers_of", "path_of", "query_of")
