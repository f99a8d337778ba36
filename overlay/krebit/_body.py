"""From a reply to a value or an error: JSON without loss, envelopes, models, and what exactly was wrong.

Statuses are looked at before any body is parsed, and what the generated parsers raise never reaches a user.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar, cast

from krebit._mask import mask
from krebit._retry import told
from krebit._wire import Reply
from krebit.errors import UnexpectedResponse, api_error_class

if TYPE_CHECKING:
    from krebit_api.api import Operation, Result

T = TypeVar("T")
_REQUEST_ID = ("x-request-id", "x-correlation-id", "request-id")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def decode(operation: str, reply: Reply) -> Any:
    """The body as JSON, fractions as `Decimal`. Raises UnexpectedResponse; NaN and what nests too deeply included."""
    try:
        text = reply.body.decode("utf-8-sig")
        return _decoder.decode(text)
    except UnicodeDecodeError:
        got = "bytes that are not UTF-8"
    except RecursionError:
        got = "JSON that nests too deeply"
    except (ValueError, ArithmeticError) as error:
        # Its text is ours or the decoder's ("Expecting value"), with a position, never the body.
        kind = reply.headers.get("content-type", "no content type").partition(";")[0]
        got = (
            f"{len(reply.body)} bytes of {kind}: {str(error).partition('(')[0].strip()}"
            if reply.body
            else "an empty body"
        )
    raise unexpected(operation, reply, expected="JSON", got=got)


def unexpected(
    operation: str, reply: Reply, *, expected: str, got: str, field: str | None = None
) -> UnexpectedResponse:
    """The error for a success that is not what it should be."""
    return UnexpectedResponse(
        operation=operation, field=field, expected=expected, got=got, status=reply.status, body=reply.body
    )


def check_status(operation: "Operation", reply: Reply) -> None:
    """Raise the typed error of any status but a success."""
    if 200 <= reply.status < 300:
        return
    if reply.status < 400:
        to = mask(reply.headers.get("location", "nowhere").partition("?")[0])
        raise unexpected(
            operation.id, reply, expected="an answer", got=f"a redirect ({reply.status}) to {to}, not followed"
        )
    message, errors = _error_body(reply.body)
    # A session's cookie is a secret of its own, and nobody needs it.
    headers = {name.lower(): value for name, value in reply.headers.items() if name.lower() != "set-cookie"}
    raise api_error_class(reply.status, has_field_errors=bool(errors))(
        reply.status,
        message,
        errors=errors,
        request_id=request_id(reply),
        retry_after=told(reply),
        method=operation.method,
        path=operation.path,
        operation=operation.id,
        headers=headers,
        body=reply.body,
    ) from None


def request_id(reply: Reply) -> str | None:
    """What the server calls this request, where it says so and in a way that a log can hold."""
    found = next((reply.headers[name] for name in _REQUEST_ID if name in reply.headers), "")
    return found if 0 < len(found) <= 100 and found.isascii() and found.isprintable() else None


def _error_body(body: bytes) -> tuple[str, dict[str, list[str]]]:
    """The message and the field errors: nothing else of an error's body is shown, a debug trace least of all."""
    try:
        return _told(json.loads(body))
    except (ValueError, RecursionError):
        return _title(body), {}


def _told(content: Any) -> tuple[str, dict[str, list[str]]]:
    if not isinstance(content, dict):
        return "", {}
    message = next(
        (value for key in ("message", "error_description", "error") if isinstance(value := content.get(key), str)), ""
    )
    errors = content.get("errors")
    if not isinstance(errors, dict):
        return message, {}
    return message, {
        str(field): [str(text) for text in (texts if isinstance(texts, list) else [texts])]
        for field, texts in errors.items()
    }


def _title(body: bytes) -> str:
    """What a proxy's HTML page says of itself."""
    found = re.search(rb"<title[^>]*>([^<]{1,200})", body[:4096], re.IGNORECASE)
    return found.group(1).decode("utf-8", "replace").strip() if found else ""


def parse(operation: "Operation", reply: Reply, result: "Result[T]") -> tuple[T, Any]:
    """The value that `result` describes and the JSON it was made from. Raises UnexpectedResponse naming the field."""
    if result.kind == "none" or (result.kind == "raw" and not reply.body):
        return cast("T", None), None
    content = decode(operation.id, reply)
    if result.kind == "raw" or result.model is None:
        return cast("T", content), content
    try:
        if result.kind == "many":
            return cast("T", _many(result.model, content)), content
        return cast("T", _one(result.model, content)), content
    except Mismatch as error:
        found = error
    except RecursionError:
        found = Mismatch("", "JSON", "JSON that nests too deeply")
    raise unexpected(operation.id, reply, expected=found.expected, got=found.got, field=found.field or None)


class Mismatch(Exception):
    """Where a body departs from the document."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(field, expected, got)
        self.field = field
        self.expected = expected
        self.got = got


def _many(model: Any, content: Any) -> list[Any]:
    prefix = ""
    if isinstance(content, dict) and "data" in content:
        content, prefix = content["data"], "data"
    if not isinstance(content, list):
        raise Mismatch(prefix, "a list", kind_of(content))
    return [_record(model, item, f"{prefix}[{number}]") for number, item in enumerate(content)]


def _one(model: Any, content: Any) -> Any:
    from krebit._fields import declares, required

    if declares(model, "data"):  # a page, or a record with a field of that name: nothing to unwrap
        return _record(model, {"data": content} if isinstance(content, list) else content, "")
    if isinstance(content, dict) and isinstance(content.get("data"), dict) and not required(model) <= content.keys():
        return _record(model, content["data"], "data")
    if isinstance(content, dict) and content.keys() == {"data"}:
        raise Mismatch("data", "an object", kind_of(content["data"]))
    return _record(model, content, "")


def _record(model: Any, item: Any, at: str) -> Any:
    if not isinstance(item, Mapping):
        raise Mismatch(at, "an object", kind_of(item))
    try:
        return model.from_dict(item)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        from krebit._fields import read_leniently

    # Outside the handler: the exception's frames hold the record.
    return read_leniently(model, item, at)


def kind_of(value: Any) -> str:
    """What JSON calls the type of `value`."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "a number",
        Decimal: "a number",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)
