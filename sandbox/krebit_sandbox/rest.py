"""`/api/1.0`: the calls of the quickstart."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from krebit_sandbox.answers import invalid, json_answer, message, wants_json
from krebit_sandbox.grants import Application
from krebit_sandbox.listing import clients_page
from krebit_sandbox.request_fields import body_fields
from krebit_sandbox.shapes import enveloped
from krebit_sandbox.tenant import Tenant

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
DEFAULT_LIMIT: Final = 15

Handler = Callable[[Request, Application], Awaitable[Response]]


class Rest:
    """The endpoints, over one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        base = "/api/1.0"
        return [
            Route(f"{base}/me", self._signed_in(self._me), methods=["GET"]),
            Route(f"{base}/clients", self._signed_in(self._clients), methods=["GET"]),
            Route(f"{base}/clients/{{client_id}}", self._signed_in(self._client), methods=["GET"]),
            Route(f"{base}/clients/{{client_id}}/acts/latest", self._signed_in(self._latest_act), methods=["GET"]),
            Route(f"{base}/acts/{{uuid}}/data", self._signed_in(self._act_data), methods=["GET"]),
            Route(f"{base}/webhooks", self._signed_in(self._create_webhook), methods=["POST"]),
        ]

    def _signed_in(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            application = self._tenant.grants.bearer(token.strip()) if scheme.lower() == "bearer" else None
            if application is not None:
                return await handler(request, application)
            if self._tenant.switches.redirect_unauthenticated and not wants_json(request.headers):
                return RedirectResponse("/login", 302)
            return message("Unauthenticated.", 401)

        return endpoint

    async def _me(self, request: Request, application: Application) -> Response:
        switches = self._tenant.switches
        user = self._tenant.companies.user(numbered=switches.user_ids == "number")
        return json_answer(enveloped(user, switches))

    async def _clients(self, request: Request, application: Application) -> Response:
        asked, switches = dict(request.query_params), self._tenant.switches
        limit_text = asked.get("limit", str(min(DEFAULT_LIMIT, switches.max_limit)))
        page_text = asked.pop("page", "1")
        if error := _limit_error(limit_text, switches.max_limit):
            return invalid({"limit": [error]}, switches.validation_status)
        # Laravel takes any page that is no positive number for the first.
        page = max(1, int(page_text)) if _INTEGER.fullmatch(page_text) else 1
        limit = int(limit_text)
        base = f"{request.url.scheme}://{request.url.netloc}"
        return json_answer(clients_page(self._tenant.companies, switches, base, page, limit, asked))

    async def _client(self, request: Request, application: Application) -> Response:
        client_id = self._client_id(request)
        if client_id is None:
            return _no_such("Client", request.path_params["client_id"])
        return json_answer(enveloped(self._tenant.companies.client(client_id), self._tenant.switches))

    async def _latest_act(self, request: Request, application: Application) -> Response:
        client_id = self._client_id(request)
        if client_id is None:
            return _no_such("Client", request.path_params["client_id"])
        act = self._tenant.latest_act(client_id)
        if act is None:
            return message("No query results for model [App\\Models\\Act].", 404)
        return json_answer(enveloped(act, self._tenant.switches))

    async def _act_data(self, request: Request, application: Application) -> Response:
        text = request.path_params["uuid"]
        act = self._tenant.find_act(UUID(text)) if _UUID.fullmatch(text) else None
        if act is None:
            return _no_such("Act", text)
        points = self._tenant.companies.act_data(act)
        return json_answer(enveloped(points, self._tenant.switches))

    async def _create_webhook(self, request: Request, application: Application) -> Response:
        fields = await body_fields(request)
        event, target = fields.get("event"), fields.get("target")
        errors = {
            name: [error]
            for name, error in (("event", _event_error(event)), ("target", _target_error(target)))
            if error
        }
        if errors:
            return invalid(errors, self._tenant.switches.validation_status)
        subscription = self._tenant.subscribe(str(event), str(target), application)
        record = {
            "id": subscription.id,
            "event": subscription.event,
            "target": subscription.target,
            "secret": subscription.secret,
            "created_at": subscription.created_at,
        }
        return json_answer(enveloped(record, self._tenant.switches), 201)

    def _client_id(self, request: Request) -> int | None:
        text = request.path_params["client_id"]
        if not re.fullmatch(r"[0-9]{1,18}", text) or not self._tenant.has_client(int(text)):
            return None
        return int(text)


def _limit_error(text: str, largest: int) -> str | None:
    if not _INTEGER.fullmatch(text):
        return "The limit field must be an integer."
    if int(text) < 1:
        return "The limit field must be at least 1."
    if int(text) > largest:
        return f"The limit field must not be greater than {largest}."
    return None


def _event_error(event: object) -> str | None:
    if event is None or event == "":
        return "The event field is required."
    if not isinstance(event, str):
        return "The event field must be a string."
    return "The event field must not be greater than 255 characters." if len(event) > 255 else None


def _target_error(target: object) -> str | None:
    if target is None or target == "":
        return "The target field is required."
    if not isinstance(target, str):
        return "The target field must be a string."
    try:
        parts = urlsplit(target)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not target.isprintable() or " " in target:
        return "The target field must be a valid URL."
    return None


def _no_such(model: str, key: str) -> Response:
    return message(f"No query results for model [App\\Models\\{model}] {key}", 404)
