"""What is logged, and what must never be."""

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krebit.http.send import Reply
from krebit.redaction import mask, mask_path
from krebit_sandbox import Sandbox
from tests.transport.support import ACCESS_TOKEN, CLIENT_SECRET, Place, Way, answering, facts_of


def _facts(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return facts_of(caplog.records)


def test_each_attempt_is_logged(sandbox: Sandbox, way: Way, caplog: pytest.LogCaptureFixture) -> None:
    sandbox.fault(kind="status", status=503, path="/api/1.0/clients/*")
    sandbox.fault(kind="reset", path="/api/1.0/clients/*")
    sandbox.fault(kind="status", status=401, path="/api/1.0/clients/*")
    with caplog.at_level(logging.DEBUG, "krebit"):
        Place.sandbox(sandbox).call(way, lambda api: api.get_client(12345))

    facts = _facts(caplog)
    assert [(fact["status"], fact["attempt"]) for fact in facts] == [(503, 1), ("broken", 2), (401, 3), (200, 4)]
    assert {(fact["method"], fact["path"]) for fact in facts} == {("GET", "/api/1.0/clients/{id}")}
    assert facts[0]["request_id"] == sandbox.requests[0].request_id
    assert all(isinstance(fact["milliseconds"], int) for fact in facts)
    line = next(record.getMessage() for record in caplog.records if hasattr(record, "krebit"))
    pattern = r"GET /api/1\.0/clients/\{id\}: 503, attempt 1, \d+ ms, request [0-9a-f-]{36}"
    assert re.fullmatch(pattern, line)


def test_nothing_is_logged_above_debug_when_all_is_well(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Place.sandbox(sandbox, fresh=True).call("blocking", lambda api: api.get_current_user())

    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


def test_no_secret_and_nothing_personal_in_any_log(
    sandbox: Sandbox, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG, of all loggers: httpx, httpcore, asyncio and aiohttp among them."""
    place = Place.sandbox(sandbox, fresh=True)
    with caplog.at_level(logging.DEBUG):
        place.call(way, lambda api: api.list_clients())
        record = place.call(way, lambda api: api.get_client(12345))
        place.error(way, lambda api: api.request("GET", f"/organisations/{record.org_number}?email=a%40b.se"))
        sandbox.fault(kind="garbage")
        place.error(way, lambda api: api.request("POST", "/x", json={"target": "x"}))

    tokens = [
        value
        for request in sandbox.requests
        if request.path == "/api/oauth/token"
        for value in (request.json()["refresh_token"], request.json()["client_secret"])
    ]
    tokens += [request.headers["authorization"].split()[1] for request in sandbox.requests if "1.0" in request.path]
    secrets = {*tokens, str(record.org_number), str(record.contact_email), "a%40b.se"}
    assert len(secrets) >= 5
    for secret in secrets:
        assert secret not in caplog.text
    assert "/api/1.0/organisations/******-****" in caplog.text


def test_a_reply_shows_nothing() -> None:
    import httpx

    assert repr(Reply(200, httpx.Headers({"x": "canary"}), b"canary")) == "Reply(status=200)"


def test_a_server_that_echoes_the_request(caplog: pytest.LogCaptureFixture, way: Way) -> None:
    headers = (("X-Request-Id", f"Bearer {ACCESS_TOKEN}" * 9), ("Set-Cookie", f"session={ACCESS_TOKEN}"))
    body = {"message": f"Bearer {ACCESS_TOKEN} client_secret={CLIENT_SECRET}"}
    with caplog.at_level(logging.DEBUG, "krebit"), answering(body, "403 Forbidden", headers) as server:
        error = Place.raw(server).error(way, lambda api: api.get_current_user())

    for text in (caplog.text, str(error), repr(error), getattr(error, "message", "")):
        assert ACCESS_TOKEN not in text
        assert CLIENT_SECRET not in text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("556036-0793", "******-****"),
        ("19900101-1234 and 9001011234", "******-**** and ******-****"),
        ("mail anna.b+c@mail.example.se now", "mail ***@*** now"),
        ("call +46 70 123 45 67.", "call +***."),
        ("call 0046701234567", "call +***"),
        ("call 08-123 456 78", "call 0***"),
        ("Authorization: Bearer abc", "Authorization: *** ***"),
        ('{"refresh_token": "abc", "x": 1}', '{"refresh_token": ***, "x": 1}'),
        ("grant_type=x&client_secret=abc&code=def", "grant_type=x&client_secret=***&code=***"),
        ("key 0123456789abcdef0123456789abcdef", "key ***"),
        ("act 123e4567-e89b-12d3-a456-426614174000", "act 123e4567-e89b-12d3-a456-426614174000"),
        ("at 2024-05-01T10:00:00Z, 12345 kr", "at 2024-05-01T10:00:00Z, 12345 kr"),
        ("The given data was invalid.", "The given data was invalid."),
        ("a\nb\x00c\ud800", "a b?c?"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_long_path_stays_readable() -> None:
    path = "/api/1.0/clients/by-organisation-number/556036-0793/acts/123e4567-e89b-12d3-a456-426614174000"
    assert mask_path(path) == path.replace("556036-0793", "******-****")


@given(st.text(max_size=3000))
def test_masking_takes_any_text(text: str) -> None:
    masked = mask(text)
    assert len(masked) <= 300
    assert masked.isprintable()


def test_half_a_secret_at_the_cut_is_not_shown() -> None:
    assert "5560360" not in mask("x " * 597 + "556036-0793", 1000)
    assert "eyJ" not in mask("token " + "eyJ" + "a" * 5000)
