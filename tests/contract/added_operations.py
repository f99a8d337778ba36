"""A document with operations that it did not have, and the parts that they are made of."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Scratch


def answer(schema: dict[str, Any] | None) -> dict[str, Any]:
    described: dict[str, Any] = {"description": "The answer."}
    if schema is not None:
        described["content"] = {"application/json": {"schema": schema}}
    return described


def operation(name: str, tag: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": f"Do {name}",
        "security": [{"oauth2": []}],
        "responses": responses,
        **more,
    }


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


@pytest.fixture
def grown(scratch: Scratch) -> Scratch:
    """The document with a paged list, a bare array, an answer without content, and odder ones."""
    schemas, paths = scratch.document["components"]["schemas"], scratch.document["paths"]
    schemas["ActPage"] = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {"type": "array", "items": reference("Act")},
            "meta": {"anyOf": [reference("PageMeta"), {"type": "null"}]},
        },
    }
    schemas["Template"] = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
    }
    parameters = scratch.document["components"]["parameters"]
    client, limit, page = ({"$ref": f"#/components/parameters/{name}"} for name in ("ClientId", "Limit", "Page"))
    assert {"ClientId", "Limit", "Page"} <= set(parameters)
    paths["/api/1.0/clients/{id}/acts"] = {
        "get": operation("list_acts", "acts", {"200": answer(reference("ActPage"))}, parameters=[client, limit, page])
    }
    templates = {"type": "array", "items": reference("Template")}
    paths["/api/1.0/templates"] = {"get": operation("list_templates", "templates", {"200": answer(templates)})}
    webhook = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    paths["/api/1.0/webhooks/{id}"] = {
        "delete": operation("delete_webhook", "webhooks", {"204": answer(None)}, parameters=[webhook])
    }
    two_kinds = {"anyOf": [reference("Template"), reference("Act")]}
    paths["/api/1.0/search"] = {
        "get": operation(
            "search",
            "search",
            {"200": answer(two_kinds)},
            parameters=[
                query("since", {"type": "string", "format": "date-time"}),
                query("kind", {"type": "string", "enum": ["client", "act"], "default": "act"}),
                query("day", {"type": "string", "format": "date", "default": "2024-01-02"}),
            ],
        )
    }
    paths["/api/1.0/health"] = {"get": operation("get_health", "health", {"200": answer({"type": "string"})})}
    paths["/api/1.0/jobs"] = {
        "post": operation("start_job", "jobs", {"200": answer(reference("Act")), "202": answer(reference("Template"))})
    }
    paths["/api/1.0/jobs/queue"] = {"post": operation("queue_job", "jobs", {"202": answer(None)})}
    schemas["Upload"] = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}, "note": {"type": "string"}},
    }
    bodies = {
        "application/json": {"schema": reference("Template")},
        "multipart/form-data": {"schema": reference("Upload")},
    }
    header = {"name": "X-Reason", "in": "header", "schema": {"type": "string"}}
    paths["/api/1.0/uploads"] = {
        "post": operation(
            "upload", "uploads", {"204": answer(None)}, parameters=[header], requestBody={"content": bodies}
        )
    }
    fields = {
        "limit": {"type": "number", "format": "decimal"},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "until": {"type": ["string", "null"], "format": "date"},
    }
    schemas["LimitRequest"] = {"type": "object", "required": ["limit"], "properties": fields}
    schemas["Reminder"] = {"type": "object", "properties": {"text": {"type": "string"}, "by": {"type": "integer"}}}
    changed = {"content": {"application/json": {"schema": reference("LimitRequest")}}, "required": True}
    paths["/api/1.0/clients/{id}/limit"] = {
        "put": operation("set_limit", "clients", {"204": answer(None)}, parameters=[client], requestBody=changed)
    }
    reminder = {"content": {"application/json": {"schema": reference("Reminder")}}}
    paths["/api/1.0/reminders"] = {"post": operation("remind", "jobs", {"204": answer(None)}, requestBody=reminder)}
    # A clash of `text` with a parameter: the body stays a body.
    paths["/api/1.0/reminders/again"] = {
        "post": operation(
            "remind_again",
            "jobs",
            {"204": answer(None)},
            parameters=[query("text", {"type": "string"})],
            requestBody=reminder,
        )
    }
    scratch.generated()
    return scratch
