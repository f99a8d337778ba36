"""Read an answer: a success becomes a value, anything else the typed error that says what was wrong."""

import json
import re
from decimal import Decimal
from typing import Any, TypeVar, cast

import httpx

from krebit.errors import KrebitError, UnexpectedResponse, api_error_class
from krebit.http.retry import parse_retry_after
from krebit.http.send import Reply
from krebit.redaction import mask_header
from krebit_api.api import RAW, Operation, Result
from krebit_api.leniency import FieldWarnings
from krebit_api.results import JSON, Choice, Source, bare, binary, decode_text, source_of, text
from krebit_api.types import Mismatch

T = TypeVar("T")
# Media types of the document that an HTML page answers to.
_PAGES = {"text/html", "application/xhtml+xml", "text/*", "*/*"}
# The path of a login page, on whatever host: it is never followed.
_LOGIN = re.compile(r"(https?://[^/?#]*)?/login([?#].*)?")
# A longer body of an error is not read as JSON: that would take seconds, and hold an event loop.
_LONGEST_ERROR = 2**20
_REQUEST_ID = ("x-request-id", "x-correlation-id", "request-id")

# NaN and Infinity are not JSON: `int` refuses them with a ValueError.
_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=int)


def parse_success(
    operation: Operation, reply: Reply, result: Result[T], warnings: FieldWarnings | None = None
) -> tuple[T, Any]:
    """Return the value that `result` describes, and what it was made from: JSON, a text, bytes, or None for nothing.

    `warnings` gets the optional fields that cannot be read. Raises UnexpectedResponse that names the field.
    """
    content_type = reply.headers.get("content-type", "")
    found = result.of_answer(reply.status, content_type)
    if found.source == "nothing" or (found is RAW and not reply.body):
        return cast("T", None), None
    if found.source != "json":
        refuse_foreign_page(operation.id, reply, result)
    try:
        with (warnings or FieldWarnings("krebit")).used():
            content = _content(operation.id, reply, found.source, content_type)
            return found.read(content), content
    except Mismatch as error:
        field, problem, got = error.path, error.problem, error.got
    except RecursionError:
        field, problem, got = "", "not JSON that nests less deeply", "more"
    content = None  # a traceback that shows local variables must not show it
    raise UnexpectedResponse(
        operation=operation.id,
        field=field or None,
        expected="a value" if problem == "missing" else problem.removeprefix("not "),
        got=got,
        status=reply.status,
        body=reply.body,
    )


def result_of_accept(accept: str | None) -> Result[Any]:
    """Return how the answer to a request of the user's own is read: as JSON, or by its type where `Accept` names more.

    JSON is read as JSON, text as text, anything else as bytes.
    """
    wanted = [bare(part) for part in (accept or JSON).split(",")]
    if wanted == [JSON]:
        return RAW
    if any(name.endswith("/*") for name in wanted):
        wanted += ["text/*", "*/*"]
    results = {name: _reader(name) for name in [*wanted, JSON]}
    return Result[Any].by_status(*(Choice(200, 299, result) for result in results.values()))


def _reader(media_type: str) -> Result[Any]:
    source = source_of(media_type)
    if source == "json":
        return RAW
    return text(media_type) if source == "text" else binary(media_type)


def _content(operation: str, reply: Reply, source: Source, content_type: str) -> Any:
    """Return a body as JSON, text or bytes. Raises UnexpectedResponse or Mismatch."""
    if source == "json":
        return decode_json(operation, reply)
    return decode_text(reply.body, content_type) if source == "text" else reply.body


def is_foreign_page(headers: httpx.Headers, result: Result[Any]) -> bool:
    """Return whether an answer is an HTML page that the document does not describe, such as a proxy's with status 200.

    A page that is sent as an attachment is a file that was asked for.
    """
    documented = {bare(one.media_type) for one in result.documented}
    is_page = bare(headers.get("content-type", "")) in ("text/html", "application/xhtml+xml")
    return is_page and not documented & _PAGES and "content-disposition" not in headers


def refuse_foreign_page(operation: str, reply: Reply, result: Result[Any]) -> None:
    """Raise UnexpectedResponse for an HTML page that the document does not describe."""
    if is_foreign_page(reply.headers, result):
        documented = {bare(one.media_type) for one in result.documented}
        raise UnexpectedResponse(
            operation=operation,
            expected=" or ".join(sorted(filter(None, documented))),
            got="an HTML page",
            status=reply.status,
            body=reply.body,
        )


def decode_json(operation: str, reply: Reply) -> Any:
    """Return the body's JSON, fractions as `Decimal`.

    Raises UnexpectedResponse for anything else, NaN and JSON that nests too deeply included.
    """
    try:
        return _decoder.decode(reply.body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        got = "bytes that are not UTF-8"
    except RecursionError:
        got = "JSON that nests too deeply"
    except (ValueError, ArithmeticError) as error:
        got = _not_json(reply, error)
    raise UnexpectedResponse(operation=operation, expected="JSON", got=got, status=reply.status, body=reply.body)


def _not_json(reply: Reply, error: Exception) -> str:
    if not reply.body:
        return "an empty body"
    kind = reply.headers.get("content-type", "no content type").partition(";")[0]
    # The decoder's text ("Expecting value"), without the position. It never quotes the body.
    problem = str(error).partition("(")[0].strip()
    return f"{len(reply.body)} bytes of {kind}: {problem}"


def refuses_token(request: httpx.Request, reply: Reply) -> bool:
    """Return whether the server refused the access token: by a 401, or by its login page.

    Without JSON as the first `Accept` a Laravel application redirects to `/login` instead (`Authenticate::redirectTo`).
    """
    if reply.status == 302 and bare(request.headers.get("accept", "").partition(",")[0]) != JSON:
        return bool(_LOGIN.fullmatch(reply.headers.get("location", "")))
    return reply.status == 401


def error_of(operation: Operation, reply: Reply) -> KrebitError:
    """Return the typed error for any status but a success."""
    if reply.status < 400:
        target = reply.headers.get("location", "nowhere").partition("?")[0]
        return UnexpectedResponse(
            operation=operation.id,
            expected="an answer",
            got=f"a redirect ({reply.status}) to {target}, not followed",
            status=reply.status,
            body=reply.body,
        )
    message, errors = _message_and_errors(reply.body)
    return api_error_class(reply.status, has_field_errors=bool(errors))(
        reply.status,
        message,
        errors=errors,
        request_id=request_id(reply),
        retry_after=parse_retry_after(reply),
        method=operation.method,
        path=operation.path,
        operation=operation.id,
        # A session's cookie is a secret of its own, and no user needs it.
        headers={name: value for name, value in reply.headers.items() if name != "set-cookie"},
        body=reply.body,
    )


def request_id(reply: Reply) -> str | None:
    """Return the server's id of the request, or None without one that a log can hold."""
    found = next((reply.headers[name] for name in _REQUEST_ID if name in reply.headers), "")
    usable = 0 < len(found) <= 100 and found.isascii() and found.isprintable()
    return mask_header("request-id", found) if usable else None


def _message_and_errors(body: bytes) -> tuple[str, dict[str, list[str]]]:
    """Return the message and the field errors. Nothing else of an error's body is shown, a debug trace least of all."""
    if len(body) > _LONGEST_ERROR:
        return _html_title(body), {}
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return _html_title(body), {}
    if not isinstance(content, dict):
        return "", {}
    texts = [content.get(key) for key in ("message", "error_description", "error")]
    message = next((text for text in texts if isinstance(text, str)), "")
    errors = content.get("errors")
    if not isinstance(errors, dict):
        return message, {}
    return message, {str(field): _texts(reasons) for field, reasons in errors.items()}


def _texts(reasons: Any) -> list[str]:
    return [str(reason) for reason in reasons] if isinstance(reasons, list) else [str(reasons)]


def _html_title(body: bytes) -> str:
    """Return the title of a page: a proxy's or a maintenance page says there what is wrong."""
    found = re.search(rb"<title[^>]*>([^<]{1,200})", body[:4096], re.IGNORECASE)
    return found[1].decode("utf-8", "replace").strip() if found else ""
