"""From a reply to a value or an error: JSON without loss, envelopes, models, and what exactly was wrong.

Statuses are looked at before any body is parsed, and what the generated parsers raise never reaches a user.
"""

import json
import re
from decimal import Decimal
from typing import Any, TypeVar, cast

from krebit._retry import told
from krebit._wire import Reply
from krebit.errors import KrebitError, UnexpectedResponse, api_error_class
from krebit_api.api import NOTHING, RAW, Operation, Result
from krebit_api.types import Mismatch

T = TypeVar("T")
_REQUEST_ID = ("x-request-id", "x-correlation-id", "request-id")


# NaN and Infinity are not JSON, and no `int` either: ValueError.
_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=int)


def decode(operation: str, reply: Reply) -> Any:
    """The body as JSON, fractions as `Decimal`. Raises UnexpectedResponse; NaN and what nests too deeply included."""
    try:
        return _decoder.decode(reply.body.decode("utf-8-sig"))
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
    raise UnexpectedResponse(operation=operation, expected="JSON", got=got, status=reply.status, body=reply.body)


def error_of(operation: Operation, reply: Reply) -> KrebitError:
    """The typed error for any status but a success."""
    if reply.status < 400:
        to = reply.headers.get("location", "nowhere").partition("?")[0]
        return UnexpectedResponse(
            operation=operation.id,
            expected="an answer",
            got=f"a redirect ({reply.status}) to {to}, not followed",
            status=reply.status,
            body=reply.body,
        )
    message, errors = _error_body(reply.body)
    return api_error_class(reply.status, has_field_errors=bool(errors))(
        reply.status,
        message,
        errors=errors,
        request_id=request_id(reply),
        retry_after=told(reply),
        method=operation.method,
        path=operation.path,
        operation=operation.id,
        # A session's cookie is a secret of its own, and nobody needs it.
        headers={name: value for name, value in reply.headers.items() if name != "set-cookie"},
        body=reply.body,
    )


def request_id(reply: Reply) -> str | None:
    """What the server calls this request, where it says so and in a way that a log can hold."""
    found = next((reply.headers[name] for name in _REQUEST_ID if name in reply.headers), "")
    return found if 0 < len(found) <= 100 and found.isascii() and found.isprintable() else None


def _error_body(body: bytes) -> tuple[str, dict[str, list[str]]]:
    """The message and the field errors: nothing else of an error's body is shown, a debug trace least of all."""
    try:
        content = json.loads(body)
        said = [content.get(key) for key in ("message", "error_description", "error")]
        fields = errors if isinstance(errors := content.get("errors"), dict) else {}
        told = {
            str(field): [*map(str, texts if isinstance(texts, list) else [texts])] for field, texts in fields.items()
        }
    except (ValueError, RecursionError):
        found = re.search(rb"<title[^>]*>([^<]{1,200})", body[:4096], re.IGNORECASE)  # a proxy's page
        return found[1].decode("utf-8", "replace").strip() if found else "", {}
    except AttributeError:  # no object
        return "", {}
    return next((text for text in said if isinstance(text, str)), ""), told


def parse(operation: Operation, reply: Reply, result: Result[T]) -> tuple[T, Any]:
    """The value that `result` describes and the JSON it was made from. Raises UnexpectedResponse naming the field."""
    if result is NOTHING or (result is RAW and not reply.body):
        return cast("T", None), None
    content = decode(operation.id, reply)
    try:
        return result.read(content), content
    except Mismatch as error:
        field, problem, got = error.path, error.problem, error.got
    except RecursionError:
        field, problem, got = "", "not JSON that nests less deeply", "more"
    del content  # a traceback that shows local variables must not show it
    raise UnexpectedResponse(
        operation=operation.id,
        field=field or None,
        expected="a value" if problem == "missing" else problem.removeprefix("not "),
        got=got,
        status=reply.status,
        body=reply.body,
    )
