"""The fields of a request's body, JSON or form encoded."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def body_fields(request: Request) -> dict[str, Any]:
    """Return the fields of a JSON object or a form; none for any other body."""
    content_type = request.headers.get("content-type", "")
    if "json" in content_type:
        try:
            value = json.loads(await request.body())
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}
    try:
        async with request.form() as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    except HTTPException:
        return {}
