# Copied from templates/runtime by `make regenerate`; edit it there.
"""What all endpoints share: the request from its parts, and the answer by its status."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import httpx

from .client import Client
from .errors import Mismatch, UnexpectedStatus
from .kinds import Kind
from .records import Record, write
from .results import Source, best_by_media_type, decode_text
from .scalars import UNSET
from .types import File, Response


class Answer(NamedTuple):
    """What the document says of a range of statuses: as what the body is taken, its kind, its media type."""

    first: int
    last: int
    source: Source
    kind: Kind
    media_type: str


def request_of(
    method: str,
    path: str,
    *,
    within: Mapping[str, object] | None = None,
    query: Mapping[str, object] | None = None,
    headers: Mapping[str, object] | None = None,
    cookies: Mapping[str, object] | None = None,
    body: Mapping[str, Any] | None = None,
    accept: str = "",
) -> dict[str, Any]:
    """Return the keywords of `httpx.Client.request`. `within` fills the places of the path, `body` is of `body_as`.

    `accept` is the value of `Accept` for answers that are not plain JSON.

    Raises ValueError, with the parameter's name, for a value that cannot be sent.
    """
    kwargs: dict[str, Any] = {"method": method, "url": path}
    if within:
        kwargs["url"] = path.format(**{name: quote(_in_path(value, name), safe="") for name, value in within.items()})
    if query is not None:
        kwargs["params"] = _in_query(query)
    if cookies is not None:
        kwargs["cookies"] = _as_texts(cookies)
    if body is not None:
        kwargs |= body
    if accept:
        kwargs["headers"] = {"Accept": accept, **kwargs.get("headers", {})}
    if headers is not None:
        kwargs["headers"] = {**_as_texts(headers), **kwargs.get("headers", {})}
    return kwargs


def body_as(keyword: Literal["json", "data", "files", "content"], content_type: str, body: Any) -> dict[str, Any]:
    """Return the keywords of httpx that send a body, none where there is none. Raises ValueError."""
    if body is UNSET:
        return {}
    if keyword == "files":
        # httpx writes the type, since it holds the boundary.
        return {"files": body.to_multipart()}
    if keyword == "content":
        return _as_it_is(content_type, body)
    sent = write(body, "body", amounts_as_text=keyword == "data")
    if keyword == "data":
        _refuse_objects(sent)
    return {keyword: sent, "headers": {"Content-Type": content_type}}


def _as_it_is(content_type: str, body: Any) -> dict[str, Any]:
    if isinstance(body, File):
        content_type = body.mime_type or content_type
        body = body.payload
    if isinstance(body, str):
        body = body.encode()
        if content_type.startswith("text/") and "charset" not in content_type.lower():
            content_type += "; charset=utf-8"
    return {"content": body, "headers": {"Content-Type": content_type}}


def _refuse_objects(form: Mapping[str, Any]) -> None:
    """Raise ValueError for a field that a form cannot hold: it would be sent as Python writes it."""
    for name, value in form.items():
        values = value if isinstance(value, list) else [value]
        if any(isinstance(one, dict | list) for one in values):
            raise ValueError(f"{name}: an object, or a list in a list, cannot stand in a form")


def _text(value: object, name: str) -> str:
    written = write(value, name, amounts_as_text=True)
    if isinstance(written, str):
        return written
    if isinstance(written, list):
        return ",".join(_text(part, name) for part in written)
    # true, false and numbers, as JSON has them.
    return json.dumps(written)


def _in_path(value: object, name: str) -> str:
    text = "" if value is None or value is UNSET else _text(value, name)
    if not text:
        # The path would be that of another operation.
        raise ValueError(f"{name}: is missing")
    return text


def _as_texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value, name) for name, value in values.items() if value is not UNSET and value is not None}


def _in_query(values: Mapping[str, object]) -> dict[str, Any]:
    """Return the query's parameters without those that are missing; a record stands for its own keys."""
    written: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Record):
            written |= value.to_dict()
        elif value is not UNSET and value is not None:
            written[name] = write(value, name, amounts_as_text=True)
    return written


def read_json(content: bytes) -> Any:
    """Return a body's JSON, fractions as `Decimal`. Raises Mismatch, also for NaN and for what nests too deeply."""
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise Mismatch("not JSON") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def answer_of(response: httpx.Response, client: Client, answers: Iterable[Answer]) -> Response[Any]:
    """Return an answer with what was read from it in `parsed`. Raises Mismatch or UnexpectedStatus."""
    status = response.status_code
    described = [answer for answer in answers if answer.first <= status <= answer.last]
    if not described and client.raise_on_unexpected_status:
        raise UnexpectedStatus(status, response.content)
    # Statuses of their own stand before ranges.
    described = [answer for answer in described if answer[:2] == described[0][:2]]
    parsed = _parsed(response, described) if described else None
    return Response(_known_status(status), response.content, response.headers, parsed)


def _known_status(status: int) -> HTTPStatus | int:
    try:
        return HTTPStatus(status)
    except ValueError:
        return status


def _parsed(response: httpx.Response, answers: list[Answer]) -> Any:
    content_type = response.headers.get("Content-Type", "")
    answer = best_by_media_type(answers, content_type)
    if answer.source == "nothing":
        return None
    if answer.source == "text":
        return decode_text(response.content, content_type)
    if answer.source == "bytes":
        return response.content
    value = read_json(response.content)
    return value if type(value) in answer.kind.kept else answer.kind.read(value, "")
