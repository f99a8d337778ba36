# Copied from templates/runtime by `make regenerate`; edit it there.
"""Functions that all endpoints share: the request from its parts, and the answer by its status."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

import httpx

from .client import Client
from .errors import Mismatch, UnexpectedStatus
from .kinds import Kind
from .parameters import cookies_of, headers_of, path_of, query_of
from .records import write
from .results import Source, best_by_media_type, decode_text
from .scalars import UNSET
from .types import File, Response


class Answer(NamedTuple):
    """The document's description of the answers with a range of statuses: source, kind and media type of the body."""

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
    """Return the keywords of `httpx.Client.request`. `within` fills the path's places; `body` comes from `body_as`.

    `accept` is the value of `Accept` for answers that are not plain JSON.

    Raises ValueError, with the parameter's name, for a value that cannot be sent.
    """
    kwargs: dict[str, Any] = {"method": method, "url": path_of(path, within or {})}
    if query is not None:
        written, params = query_of(query)
        if written:
            kwargs["url"] += f"?{written}"
        if params is not None:
            kwargs["params"] = params
    if cookies is not None:
        kwargs["cookies"] = cookies_of(cookies)
    if body is not None:
        kwargs |= body
    if accept:
        kwargs["headers"] = {"Accept": accept, **kwargs.get("headers", {})}
    if headers is not None:
        kwargs["headers"] = {**headers_of(headers), **kwargs.get("headers", {})}
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
