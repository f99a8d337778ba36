"""`/_sandbox/…`: the switches, faults and state of a running sandbox, as JSON.

Meant for tests in other languages and for people with curl. Nothing of this exists in the real API.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from krebit_sandbox.answers import message
from krebit_sandbox.deliveries import Delivery
from krebit_sandbox.faults import Fault
from krebit_sandbox.grants import Application
from krebit_sandbox.request_log import Request as Record
from krebit_sandbox.shapes import php_json
from krebit_sandbox.site import Site

Handler = Callable[[dict[str, Any]], Any]


class Control:
    """The endpoints that steer a site. Each takes the fields of a JSON object and answers with JSON."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tenant = site.tenant

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "environment", lambda _: self._site.environment()),
            ("GET", "switches", lambda _: self._tenant.switches.as_dict()),
            ("PATCH", "switches", self._switch),
            ("GET", "faults", lambda _: [_fault_record(fault) for fault in self._tenant.faults.pending()]),
            ("POST", "faults", self._add_fault),
            ("DELETE", "faults", lambda _: self._tenant.faults.clear()),
            ("POST", "release", lambda _: self._site.open_requests.release()),
            ("POST", "reset", self._reset),
            ("POST", "expire", lambda _: self._tenant.grants.expire_access_tokens()),
            ("POST", "revoke", lambda fields: self._tenant.grants.revoke_refresh_token(fields["refresh_token"])),
            ("POST", "token-state", lambda fields: {"state": self._tenant.grants.state(fields["refresh_token"])}),
            ("POST", "clock", self._advance),
            ("POST", "applications", self._register),
            ("POST", "codes", self._issue_code),
            ("POST", "tokens", self._issue_tokens),
            ("POST", "acts", lambda fields: self._site.create_act(fields["client_id"])),
            ("GET", "requests", lambda _: [_request_record(item) for item in self._tenant.log.records()]),
            ("GET", "deliveries", lambda _: [_delivery_record(item) for item in self._site.deliveries.log()]),
            ("POST", "redeliver", lambda fields: _delivery_record(self._site.deliveries.redeliver(fields["id"]))),
        ]
        return [Route(f"/_sandbox/{name}", _endpoint(handler), methods=[method]) for method, name, handler in handlers]

    def _switch(self, fields: dict[str, Any]) -> Any:
        self._tenant.switch(**fields)
        return self._tenant.switches.as_dict()

    def _add_fault(self, fields: dict[str, Any]) -> Any:
        fault = Fault.of(fields)
        self._tenant.faults.add(fault)
        return _fault_record(fault)

    def _reset(self, fields: dict[str, Any]) -> Any:
        self._site.reset()
        return self._site.environment()

    def _advance(self, fields: dict[str, Any]) -> Any:
        self._tenant.clock.advance(float(fields["advance"]))
        return {"now": self._tenant.clock.now()}

    def _register(self, fields: dict[str, Any]) -> Any:
        uris = fields["redirect_uris"]
        if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
            raise ValueError("redirect_uris is a list of addresses")
        application = self._tenant.grants.register(str(fields.get("name", "Another")), uris)
        return {
            "client_id": application.client_id,
            "client_secret": application.client_secret,
            "redirect_uris": list(application.redirect_uris),
        }

    def _issue_code(self, fields: dict[str, Any]) -> Any:
        application = self._application(fields)
        code = self._tenant.grants.issue_code(
            application.client_id,
            fields.get("redirect_uri", application.redirect_uris[0]),
            fields.get("code_challenge"),
            "plain" if fields.get("code_challenge_method") == "plain" else "S256",
        )
        return {"code": code}

    def _issue_tokens(self, fields: dict[str, Any]) -> Any:
        tokens = self._tenant.grants.issue_tokens(self._application(fields).client_id, self._tenant.switches)
        return {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}

    def _application(self, fields: dict[str, Any]) -> Application:
        if "client_id" not in fields:
            return self._tenant.application
        application = self._tenant.grants.application(fields["client_id"])
        if application is None:
            raise KeyError(fields["client_id"])
        return application


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            result = handler(_fields(await request.body()))
        except KeyError as error:
            return message(f"Missing or unknown: {error.args[0]}", 422)
        except (TypeError, ValueError, OverflowError) as error:
            return message(str(error), 422)
        content = php_json({} if result is None else result)
        return Response(content, 201 if request.method == "POST" else 200, media_type="application/json")

    return endpoint


def _fields(body: bytes) -> dict[str, Any]:
    """Return the object in a body, of any content type (curl says form by default); an empty body has no fields."""
    try:
        fields = json.loads(body or "{}")
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ValueError("The body is not a JSON object.")
    return fields


def _fault_record(fault: Fault) -> dict[str, Any]:
    content = fault.content
    return {**dataclasses.asdict(fault), "body": None if content is None else content.decode("utf-8", "replace")}


def _request_record(record: Record) -> dict[str, Any]:
    names = ("number", "method", "path", "query", "status", "request_id")
    return {
        **{name: getattr(record, name) for name in names},
        "headers": dict(record.headers),
        "body": record.body.decode("utf-8", "replace"),
    }


def _delivery_record(delivery: Delivery) -> dict[str, Any]:
    return {**dataclasses.asdict(delivery), "body": delivery.body.decode("ascii")}
