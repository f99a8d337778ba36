"""Every answer, with every switch, is one that `openapi.yaml` describes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from krebit_sandbox import Sandbox
from tests.sandbox.support import authorize_query, exchange, refresh

DOCUMENT = Path(__file__).parents[2] / "openapi.yaml"
BASE = "/api/1.0"
ACT = "123e4567-e89b-12d3-a456-426614174000"

SWITCHES: list[dict[str, Any]] = [
    {},
    {"envelope": "bare"},
    *({"metadata": value} for value in ("simple", "flat", "links", "none")),
    *({"money": value} for value in ("text", "null")),
    *({"times": value} for value in ("offset", "micro", "space", "null")),
    {"user_ids": "number"},
    {"validation_status": 400},
    {"unknown_keys": True},
    {"envelope": "bare", "metadata": "flat", "money": "text", "times": "space", "unknown_keys": True},
    {"rotation": False},
    *({"expires_in": value} for value in (None, 60)),
    {"error_dialect": "league8"},
    {"clients": 0},
    {"rate_limit": 0},
]


@cache
def document() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return content


def described(path: str, method: str, answer: httpx.Response) -> None:
    """Fail unless the document has this status, and its schema this body."""
    responses = document()["paths"][path][method]["responses"]
    response = responses[str(answer.status_code)]
    if "$ref" in response:
        response = document()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not answer.content:
        return
    media = response["content"][kind]
    if kind == "application/json":
        schema = {**media["schema"], "components": document()["components"]}
        errors = [
            f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(answer.json())
        ]
        assert errors == []


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda switches: ",".join(map(str, switches.values())) or "none")
def test_answers_are_described(api: httpx.Client, sandbox: Sandbox, switches: dict[str, Any]) -> None:
    sandbox.switch(**switches)
    for path, query in (
        ("/me", "/me"),
        ("/clients", "/clients"),
        ("/clients", "/clients?limit=10&page=2"),
        ("/clients", "/clients?page=99"),
        ("/clients", "/clients?limit=0"),
        ("/clients/{id}", "/clients/12345"),
        ("/clients/{id}", "/clients/1"),
        ("/clients/{id}/acts/latest", "/clients/12345/acts/latest"),
        ("/clients/{id}/acts/latest", "/clients/12346/acts/latest"),
        ("/acts/{uuid}/data", f"/acts/{ACT}/data"),
        ("/acts/{uuid}/data", f"/acts/{ACT[:-1]}1/data"),
    ):
        described(BASE + path, "get", api.get(BASE + query))
    webhook = {"event": "act.created", "target": "http://localhost:9/"}
    described(f"{BASE}/webhooks", "post", api.post(f"{BASE}/webhooks", json=webhook))
    described(f"{BASE}/webhooks", "post", api.post(f"{BASE}/webhooks", json={}))
    described(f"{BASE}/me", "get", api.get(f"{BASE}/me", headers={"Authorization": "Bearer none"}))
    for answer in (
        refresh(api, sandbox, sandbox.issue_tokens().refresh_token),
        refresh(api, sandbox, "dead"),
        refresh(api, sandbox, "dead", client_secret="wrong"),
        exchange(api, sandbox, sandbox.issue_code()),
        exchange(api, sandbox, "dead"),
        api.post("/api/oauth/token", json={}),
    ):
        described("/api/oauth/token", "post", answer)


def test_authorization_answers_are_described(api: httpx.Client, sandbox: Sandbox) -> None:
    for changes in ({}, {"response_type": "token"}, {"client_id": "nobody"}, {"redirect_uri": "https://x/"}):
        answer = api.get("/oauth/authorize", params=authorize_query(sandbox, **changes))
        described("/oauth/authorize", "get", answer)


@pytest.mark.parametrize("switches", [{}, {"money": "text", "times": "space", "unknown_keys": True}])
def test_deliveries_are_described(api: httpx.Client, sandbox: Sandbox, switches: dict[str, Any]) -> None:
    sandbox.switch(**switches)
    fields = {"event": "act.created", "target": "https://example.com/not-on-this-machine"}
    api.post(f"{BASE}/webhooks", json=fields)
    sandbox.create_act(12345)
    operation = document()["webhooks"]["act.created"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document()["components"]})
    assert [error.message for error in validator.iter_errors(json.loads(sandbox.deliveries[0].body))] == []
