"""Answers in the form that Laravel gives them."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from krebit_sandbox.shapes import php_json


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return JSON as PHP writes it."""
    return Response(php_json(value), status, headers, media_type="application/json")


def message(text: str, status: int) -> Response:
    """Return `{"message": …}`."""
    return json_answer({"message": text}, status)


def invalid(errors: dict[str, list[str]], status: int) -> Response:
    """Return the errors by field; the message is the first of them and the number of the others."""
    texts = [text for field in errors.values() for text in field]
    more = len(texts) - 1
    suffix = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
    return json_answer({"message": texts[0] + suffix, "errors": errors}, status)


def wants_json(headers: Headers) -> bool:
    """Return whether JSON is the first choice of `Accept`, as Laravel's `wantsJson` sees it."""
    choices = []
    for part in headers.get("accept", "").split(","):
        kind, *parameters = (item.strip() for item in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        choices.append((quality, kind.lower()))
    first = max(choices, key=lambda choice: choice[0])[1]
    return "/json" in first or "+json" in first


async def not_routed(request: Request, error: Exception) -> Response:
    """Answer 404 or 405 where no route fits."""
    path = request.url.path.lstrip("/")
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        text = f"The {request.method} method is not supported for route {path}. Supported methods: {allowed}."
        return json_answer({"message": text}, 405, {"Allow": allowed})
    return message(f"The route {path} could not be found.", 404)


async def server_error(request: Request, error: Exception) -> Response:
    """Answer 500 without the reason."""
    return message("Server Error", 500)
