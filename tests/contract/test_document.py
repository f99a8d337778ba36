"""The document: what it describes, and that its checks see what they are for."""

from __future__ import annotations

import copy
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from ruamel.yaml import YAML

from krebit.http.send import Reply
from krebit.oauth.token_endpoint import classify
from tests.needs import absent, needs

from .conftest import ROOT, Scratch

DOCUMENT: dict[str, Any] = YAML(typ="safe").load(ROOT / "openapi.yaml")
CHECK = ROOT / "tools" / "check_document.py"

QUICKSTART = [
    ("authorize", "get", "/oauth/authorize", "oauth"),
    ("exchange_token", "post", "/api/oauth/token", "oauth"),
    ("get_current_user", "get", "/api/1.0/me", "users"),
    ("list_clients", "get", "/api/1.0/clients", "clients"),
    ("get_client", "get", "/api/1.0/clients/{id}", "clients"),
    ("get_latest_act", "get", "/api/1.0/clients/{id}/acts/latest", "acts"),
    ("get_act_data", "get", "/api/1.0/acts/{uuid}/data", "acts"),
    ("create_webhook", "post", "/api/1.0/webhooks", "webhooks"),
]


OPERATIONS = [
    (operation["operationId"], method, path, *operation["tags"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]


def test_it_describes_the_calls_of_the_quickstart() -> None:
    assert set(QUICKSTART) <= set(OPERATIONS)


def is_list(operation: dict[str, Any]) -> bool:
    """Return whether an operation has pages."""
    return {"$ref": "#/components/parameters/Page"} in operation.get("parameters", [])


def test_the_token_endpoint_takes_both_grants_as_json() -> None:
    body = DOCUMENT["paths"]["/api/oauth/token"]["post"]["requestBody"]["content"]
    assert list(body) == ["application/json"]
    grants = [part["$ref"].rsplit("/", 1)[1] for part in body["application/json"]["schema"]["oneOf"]]
    required = {name: set(DOCUMENT["components"]["schemas"][name]["required"]) for name in grants}
    shared = {"grant_type", "client_id", "client_secret"}
    assert required == {
        "AuthorizationCodeGrant": {*shared, "redirect_uri", "code"},
        "RefreshTokenGrant": {*shared, "refresh_token"},
    }


@pytest.mark.parametrize("key", ["access_token", "refresh_token"])
def test_the_client_takes_each_token_that_the_document_allows(key: str) -> None:
    """A mock server that is made from the document invents tokens: none that a client refuses."""
    pattern = re.compile(DOCUMENT["components"]["schemas"]["TokenPair"]["properties"][key]["pattern"])
    allowed = [token for token in map(chr, range(0x400)) if pattern.search(token)]
    assert {"a", "Z", "9", "-", "_", "."} <= {*allowed}
    assert not pattern.search("")
    assert not pattern.search("a b")
    assert not pattern.search("a\r\nb")
    for token in [*allowed, "".join(sorted(allowed, key="=".__eq__))]:
        answer = json.dumps({"token_type": "Bearer", "access_token": "a", "refresh_token": "b", key: token})
        assert classify(Reply(200, httpx.Headers(), answer.encode())).kind == "granted", repr(token)


def test_the_oauth_scheme_has_the_paths_of_the_quickstart() -> None:
    flow = DOCUMENT["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]
    assert (flow["authorizationUrl"], flow["tokenUrl"], flow["refreshUrl"]) == (
        "/oauth/authorize",
        "/api/oauth/token",
        "/api/oauth/token",
    )


def test_deliveries_are_webhooks_with_signed_headers_and_payloads_in_components() -> None:
    payloads = set()
    for item in DOCUMENT["webhooks"].values():
        parameters = [reference["$ref"].rsplit("/", 1)[1] for reference in item["post"]["parameters"]]
        headers = {DOCUMENT["components"]["parameters"][name]["name"] for name in parameters}
        assert headers == {"X-Signature", "X-Client-Id"}
        payloads.add(item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"])
    assert payloads == {"#/components/schemas/ActCreated", "#/components/schemas/WebhookEvent"}


def test_a_single_object_may_come_in_an_envelope_or_bare_in_this_order() -> None:
    for _, method, path, tag in QUICKSTART:
        if tag == "oauth" or is_list(DOCUMENT["paths"][path][method]):
            continue
        answers = DOCUMENT["paths"][path][method]["responses"]
        (success,) = (answers[status] for status in answers if status.startswith("2"))
        envelope, bare = success["content"]["application/json"]["schema"]["anyOf"]
        inner = DOCUMENT["components"]["schemas"][envelope["$ref"].rsplit("/", 1)[1]]["properties"]["data"]
        assert inner.get("$ref") == bare.get("$ref")
        assert inner.get("items") == bare.get("items")


def test_a_rate_limit_has_its_headers() -> None:
    headers = DOCUMENT["components"]["responses"]["TooManyRequests"]["headers"]
    assert set(headers) == {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}


# The known properties of the quickstart's records, by source; all others of these records are inferred.
QUICKSTART_PROPERTIES = {
    "Act": {"uuid"},
    "AuthorizationCodeGrant": {"grant_type", "client_id", "client_secret", "redirect_uri", "code"},
    "ClientPage": {"data"},
    "ClientRecord": {"id", "company_name", "org_number", "credit_limit"},
    "RefreshTokenGrant": {"grant_type", "client_id", "client_secret", "refresh_token"},
    "TokenPair": {"access_token", "refresh_token"},
    "WebhookStoreRequest": {"event", "target"},
    "WebhookSubscription": {"secret"},
}
GUIDE_PROPERTIES = {
    "Act": {"client_id", "template_id", "template_name", "amount", "currency", "language", "created_at", "updated_at"},
    "ActCreated": {"id"},
    "ActDataPoint": {"id", "template_field_id", "name", "type", "required", "section_id", "tab_id", "order"},
    "ClientPage": {"meta"},
    "ClientRecord": {
        "country",
        "currency",
        "rating",
        "contact_name",
        "contact_email",
        "contact_phone",
        "created_at",
        "updated_at",
    },
    "CurrentUser": {"id", "name", "email", "organization"},
    "CurrentUserEnvelope": {"data"},
    "Organization": {"id", "name"},
    "TokenPair": {"token_type", "expires_in"},
    "WebhookEvent": {"id"},
}
# The guides speak of these in words; what the keys are called is a guess.
INFERRED_NAMES = {
    "ClientPage": {"meta"},
    "ClientRecord": {"currency", "rating", "contact_name", "contact_email", "contact_phone"},
}
KNOWN = {*QUICKSTART_PROPERTIES, *GUIDE_PROPERTIES, *INFERRED_NAMES}


def test_each_property_names_the_source_that_it_is_known_from() -> None:
    for name, described in DOCUMENT["components"]["schemas"].items():
        by_source: dict[str, set[str]] = {"quickstart": set(), "guide": set(), "inferred": set()}
        for key, node in described.get("properties", {}).items():
            by_source[node["x-source"]].add(key)
        if name not in KNOWN:
            continue  # a record of an operation that somebody has added
        assert by_source["quickstart"] == QUICKSTART_PROPERTIES.get(name, set()), name
        assert by_source["guide"] == GUIDE_PROPERTIES.get(name, set()), name
        guessed = {key for key, node in described.get("properties", {}).items() if "name" in node.get("x-inferred", [])}
        assert guessed == INFERRED_NAMES.get(name, set()), name


def test_a_record_requires_only_what_is_known_of_it() -> None:
    """What is required and does not come makes an answer unreadable, with the secret that is shown once in it."""
    inferred = {
        (name, key)
        for name, described in DOCUMENT["components"]["schemas"].items()
        for key in described.get("required", [])
        if described["properties"][key]["x-source"] == "inferred" and not name.endswith("Envelope")
    }
    assert {(name, key) for name, key in inferred if name in {*KNOWN, "OAuthError"}} == {
        ("OAuthError", "error")  # RFC 6749, section 5.2
    }


def test_it_is_valid_and_passes_our_own_checks() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    done = subprocess.run([sys.executable, str(CHECK)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_it_passes_the_public_linters_at_their_strict_settings() -> None:
    needs("node")
    if not (ROOT / "tools/node/node_modules/.bin/spectral").exists():
        absent("npm ci was not run in tools/node")
    done = subprocess.run([sys.executable, str(CHECK), "--linters"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_public_linters_fail_on_what_is_only_a_warning(scratch: Scratch) -> None:
    needs("node")
    tools = ROOT / "tools/node/node_modules/.bin"
    if not (tools / "spectral").exists():
        absent("npm ci was not run in tools/node")
    (scratch.root / "tools" / "node").symlink_to(ROOT / "tools" / "node")
    for operation in ("authorize", "exchange_token"):
        path = {name: path for name, _, path, _ in QUICKSTART}[operation]
        for described in scratch.document["paths"][path].values():
            del described["description"], described["summary"]
    scratch.document["tags"].reverse()
    scratch.save()
    done = scratch.run("check_document.py", "--linters")
    assert done.returncode == 1
    assert "redocly refuses openapi.yaml" in done.stderr
    assert "spectral refuses openapi.yaml" in done.stderr


Change = Callable[[dict[str, Any]], object]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


FAULTS: dict[str, tuple[Change, str]] = {
    "a property without its source": (
        lambda d: schema(d, "Act")["properties"]["amount"].pop("x-source"),
        "Act.amount: x-source is None",
    ),
    "a reference without its source": (
        lambda d: schema(d, "ActEnvelope")["properties"]["data"].pop("x-source"),
        "ActEnvelope.data: x-source is None",
    ),
    "a guess at what is not there": (
        lambda d: schema(d, "Act")["properties"]["amount"].update({"x-inferred": ["typ"]}),
        "components.schemas.Act.properties.amount: x-inferred: there is no typ",
    ),
    "a property that says nothing of itself": (
        lambda d: schema(d, "Act")["properties"]["amount"].pop("description"),
        "Act.amount: no description",
    ),
    "a shape of an answer without its source": (
        lambda d: d["paths"]["/api/1.0/acts/{uuid}/data"]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]["anyOf"][1].pop("x-source"),
        "GET /api/1.0/acts/{uuid}/data 200 application/json shape 2: x-source is None",
    ),
    "a source of another name": (
        lambda d: d["components"]["parameters"]["Limit"].update({"x-source": "rumour"}),
        "components.parameters.Limit: x-source is 'rumour'",
    ),
    "an answer without its source": (
        lambda d: d["components"]["responses"]["NotFound"].pop("x-source"),
        "components.responses.NotFound: x-source is None",
    ),
    "an example of another type": (
        lambda d: schema(d, "ClientRecord")["properties"]["id"].update(examples=["twelve"]),
        "ClientRecord.id examples[0]",
    ),
    "an example of a time that is none": (
        lambda d: schema(d, "Act")["properties"]["created_at"].update(examples=["yesterday"]),
        "'yesterday' is not a 'date-time'",
    ),
    "an example of a body that lacks a key": (
        lambda d: d["paths"]["/api/1.0/webhooks"]["post"]["requestBody"]["content"]["application/json"]["example"].pop(
            "event"
        ),
        "'event' is a required property",
    ),
    "a body without an example": (
        lambda d: d["components"]["responses"]["Forbidden"]["content"]["application/json"].pop("example"),
        "components.responses.Forbidden application/json: no example",
    ),
    "a call without the errors of every call": (
        lambda d: [d["paths"]["/api/1.0/clients/{id}"]["get"]["responses"].pop(status) for status in ("403", "404")],
        "GET /api/1.0/clients/{id}: answers without 403, 404; copy them from another operation",
    ),
    "a sign-in without its errors": (
        lambda d: d["paths"]["/api/oauth/token"]["post"]["responses"].pop("400"),
        "POST /api/oauth/token: answers without 400",
    ),
    "a call without a login": (
        lambda d: d["paths"]["/api/1.0/me"]["get"].update(security=[]),
        "GET /api/1.0/me: security must be [{oauth2: []}]",
    ),
    "a sign-in that needs a login": (
        lambda d: d["paths"]["/oauth/authorize"]["get"].update(security=[{"oauth2": []}]),
        "GET /oauth/authorize: security must be []",
    ),
    "a secret that is not marked": (
        lambda d: schema(d, "TokenPair")["properties"]["access_token"].pop("x-secret"),
        "TokenPair.access_token: looks like a secret",
    ),
    "a secret that tools would show": (
        lambda d: schema(d, "WebhookSubscription")["properties"]["secret"].pop("format"),
        "WebhookSubscription.secret: x-secret without format: password",
    ),
    "a second server": (
        lambda d: d["servers"].append({"url": "https://example.test"}),
        "servers: exactly one",
    ),
    "a path that is not whole": (
        lambda d: d["paths"].update({"/me": d["paths"].pop("/api/1.0/me")}),
        "GET /me: paths are whole",
    ),
    "a name that would be changed": (
        lambda d: schema(d, "Act")["properties"].update(clientId={"x-source": "guide"}),
        "Act.clientId: not in snake_case",
    ),
}


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], list[str]]:
    """Return our checks, as tools/check_document.py makes them."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    module = importlib.import_module("check_document")
    return lambda document: list(module.faults(document))


@pytest.mark.parametrize("fault", FAULTS)
def test_our_checks_see(fault: str, faults: Callable[[dict[str, Any]], list[str]]) -> None:
    change, message = FAULTS[fault]
    document = copy.deepcopy(DOCUMENT)
    change(document)
    assert any(message in line for line in faults(document)), faults(document)


def test_a_fault_is_printed_and_ends_the_check(scratch: Scratch) -> None:
    change, message = FAULTS["a second server"]
    change(scratch.document)
    scratch.save()
    done = scratch.run("check_document.py")
    assert done.returncode == 1
    assert message in done.stderr
