"""Every error status is one typed error that says enough, and not too much."""

import concurrent.futures
import multiprocessing
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from krebit import errors
from krebit.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    ValidationFailed,
)
from krebit_sandbox import Sandbox
from tests.transport.support import Place, Way, answering

STATUSES = [
    (400, BadRequest),
    (401, Unauthorized),
    (403, Forbidden),
    (404, NotFound),
    (408, ApiError),
    (409, ApiError),
    (419, ApiError),
    (422, ValidationFailed),
    (429, RateLimited),
    (499, ApiError),
    (500, ServerError),
    (502, ServerError),
    (503, ServerError),
    (520, ServerError),
    (599, ServerError),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_each_status_has_its_type_and_says_where(sandbox: Sandbox, way: Way, status: int, kind: type) -> None:
    sandbox.fault(
        kind="status",
        path="/api/1.0/clients/*",
        status=status,
        times=None,
        body={"message": "It went wrong."},
        headers={"Retry-After": "7", "X-RateLimit-Remaining": "0"},
    )

    error = Place.sandbox(sandbox).error(way, lambda api: api.get_client(12345), retries=0)

    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert (error.status, error.message, error.method) == (status, "It went wrong.", "GET")
    assert (error.path, error.operation) == ("/api/1.0/clients/{id}", "get_client")
    assert error.retry_after == 7.0
    assert error.request_id == sandbox.requests[-1].request_id
    assert error.headers["x-ratelimit-remaining"] == "0"
    assert error.body == b'{"message": "It went wrong."}'
    assert str(error).startswith(f"{status}")
    assert "12345" not in str(error)


def test_field_errors(sandbox: Sandbox, way: Way) -> None:
    error = Place.sandbox(sandbox).error(way, lambda api: api.list_clients(limit=1000))

    assert isinstance(error, ValidationFailed)
    assert list(error.errors) == ["limit"]
    assert "limit: " in str(error)
    assert str(error).count("must") == 1


def test_400_with_field_errors_is_a_validation_error() -> None:
    with answering({"message": "No.", "errors": {"event": ["is required", "is odd"]}}, "400 Bad Request") as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_current_user())

    assert isinstance(error, ValidationFailed)
    assert error.errors == {"event": ["is required", "is odd"]}


@pytest.mark.parametrize(
    "errors",
    [
        {"limit": ["x" * 250]},  # of which 200 characters are shown
        {**{f"field{number}": ["is odd"] for number in range(10)}, "limit": ["x" * 250]},
    ],
)
def test_a_message_is_left_out_only_where_all_of_it_is_shown(errors: dict[str, list[str]]) -> None:
    assert "x" * 250 in str(ApiError(422, "x" * 250, errors=errors))


@pytest.mark.parametrize(
    ("errors", "shown"),
    [
        ({"amount": [{"rule": "min"}]}, {"amount": ["{'rule': 'min'}"]}),
        ({"lines": {"0": ["bad"]}}, {"lines": ["{'0': ['bad']}"]}),
        ({"a": [422, "b"], "c": "d"}, {"a": ["422", "b"], "c": ["d"]}),
    ],
)
def test_field_errors_in_other_forms_are_kept(errors: dict[str, Any], shown: dict[str, list[str]]) -> None:
    with answering({"message": "No.", "errors": errors}, "422 Unprocessable Content") as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_current_user())

    assert isinstance(error, ValidationFailed)
    assert error.errors == shown


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b'["<title>of a list</title>"]', "application/json", ""),
        (b"", "text/html", ""),
        (b"<html><head><title>502 Bad Gateway</title></head><body>nginx/1.2</body>", "text/html", "502 Bad Gateway"),
        (b"\xff\xfe\x00", "application/json", ""),
        (b"[" * 100_000, "application/json", ""),
        (b'{"message": ' + b"9" * 5000 + b"}", "application/json", ""),
        (b'{"errors": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}", "application/json", ""),
        (b'["message"]', "application/json", ""),
        (b'{"message": {"no": "text"}, "error": "told here"}', "application/json", "told here"),
        (b'{"message": "\\ud800 half a pair"}', "application/json", "? half a pair"),
        (b'{"message": null, "errors": "text"}', "application/json", ""),
    ],
    ids=[
        "list",
        "empty",
        "html",
        "bytes",
        "deep",
        "number",
        "deep-errors",
        "list",
        "odd-message",
        "surrogate",
        "text-errors",
    ],
)
def test_any_body_of_an_error_is_still_that_error(body: bytes, content_type: str, message: str) -> None:
    with answering(body, "502 Bad Gateway", (("Content-Type", content_type),)) as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_current_user(), retries=0)

    assert type(error) is ServerError
    assert error.message == message
    assert error.body == body


def test_a_servers_debug_fields_are_never_echoed() -> None:
    body = {
        "message": "Undefined variable $x",
        "exception": "ErrorException",
        "file": "/srv/secret-path/app/Http/Kernel.php",
        "line": 7,
        "trace": [{"args": ["Bearer the-token"]}],
    }
    with answering(body, "500 Internal Server Error") as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_current_user(), retries=0)

    text = "500 Internal Server Error: Undefined variable $x (GET /api/1.0/me); if this stays, tell the vendor"
    assert str(error) == text
    assert b"Kernel.php" in getattr(error, "body", b"")


def test_a_message_is_cut_and_masked() -> None:
    message = "Company 556036-0793, anna@example.se, 070-123 45 67, token eyJhbGciOi.abc.def " + "very long " * 500
    with answering({"message": message}, "403 Forbidden") as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_current_user())

    text = str(error)
    assert len(text) < 400
    for secret in ("556036", "anna", "123 45", "eyJ"):
        assert secret not in text


def test_what_is_asked_for_by_path_is_masked_too() -> None:
    with answering({"message": "Not found."}, "404 Not Found") as server:
        error = Place.raw(server).error(
            "blocking", lambda api: api.request("GET", "/organisations/556036-0793/anna%40example.se")
        )

    assert isinstance(error, NotFound)
    assert str(error) == "404 Not Found: Not found (GET /api/1.0/organisations/******-****/***@***)"
    assert "556036" not in error.operation


def test_a_redirect_is_an_error_and_is_not_followed(sandbox: Sandbox, way: Way) -> None:
    with answering({}) as elsewhere:
        for status in (301, 302, 307, 308):
            sandbox.fault(
                kind="redirect",
                path="/api/1.0/webhooks",
                status=status,
                location=f"http://{elsewhere.domain}/webhooks?secret=1",
            )
            error = Place.sandbox(sandbox).error(
                way, lambda api: api.request("POST", "/webhooks", json={"event": "EVENT_TYPE", "target": "x"})
            )

            assert isinstance(error, UnexpectedResponse)
            assert error.status == status
            assert f"a redirect ({status}) to http://{elsewhere.domain}/webhooks, not followed" in str(error)

        assert elsewhere.requests == []


def test_the_token_endpoints_redirect_is_not_followed(sandbox: Sandbox, way: Way) -> None:
    with answering({}) as elsewhere:
        sandbox.fault(kind="redirect", path="/api/oauth/token", times=None, location=f"http://{elsewhere.domain}/token")

        error = Place.sandbox(sandbox, fresh=True).error(way, lambda api: api.get_current_user())

        assert isinstance(error, UnexpectedResponse)
        assert elsewhere.requests == []


def asking(path: str) -> Callable[[Any], Any]:
    return lambda api: api.request("GET", path)


def test_a_path_of_another_origin_is_refused_before_anything_is_sent(way: Way) -> None:
    with answering({}) as server:
        for path in (
            "https://evil.example/api/1.0/me",
            "//evil.example/me",
            "http://localhost:1/api/1.0/me",
            f"http://{server.domain}.evil.example/api/1.0/me",
            f"http://user@{server.domain}/api/1.0/me",
        ):
            error = Place.raw(server).error(way, asking(path))
            assert isinstance(error, errors.ConfigurationError)

        assert server.requests == []


def test_own_addresses_are_taken_in_every_form() -> None:
    with answering({"data": []}) as server:
        place = Place.raw(server)
        for path in (
            "/clients?page=2",
            "clients?page=2",
            "/api/1.0/clients?page=2",
            f"http://{server.domain}/api/1.0/clients?page=2",
        ):
            place.call("blocking", asking(path))

        assert {request.target for request in server.requests} == {"/api/1.0/clients?page=2"}


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "sign in again"),
        (403, "sign in as somebody who may do this"),
        (502, "if this stays, tell the vendor"),
    ],
)
def test_a_message_ends_with_the_advice(status: int, advice: str) -> None:
    error = errors.api_error_class(status)(status, "No.", method="GET", path="/p")
    assert str(error).endswith(f": No (GET /p); {advice}")


def _made_in_a_worker(status: int) -> None:
    raise errors.api_error_class(status)(
        status, "Too many.", retry_after=3.0, errors={"a": ["b"]}, method="GET", path="/p", body=b"secret body"
    )


def test_errors_come_back_from_other_processes() -> None:
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        error = pool.submit(_made_in_a_worker, 429).exception()

    assert isinstance(error, RateLimited)
    assert (error.status, error.retry_after, error.errors) == (429, 3.0, {"a": ["b"]})
    assert str(error) == "429 Too Many Requests: Too many; a: b; try again in 3 s (GET /p)"


def _examples() -> list[errors.KrebitError]:
    api = [kind(status, "m", method="GET", path="/p", body=b"canary") for status, kind in STATUSES]
    return [
        errors.KrebitError("text"),
        errors.ConfigurationError("one: is wrong", "two: is missing"),
        errors.ConfigurationError("one: is missing", advice="or call: krebit login --save"),
        errors.LoginRequired("sign in"),
        errors.LoginFailed("denied", error="access_denied"),
        errors.ClientClosed("closed"),
        errors.StoreError("s"),
        errors.StoreUnsafe("s"),
        errors.StoreBusy("s"),
        errors.TransportError("t", sent=False, operation="o"),
        errors.ConnectionFailed("t"),
        errors.DeadlineExceeded("t"),
        *api,
        UnexpectedResponse(operation="o", expected="e", got="g", field="data[0].id", status=200, body=b"canary"),
        errors.PageError("p"),
        errors.PageBeyondEnd(9, 3),
        errors.ListDrift("changed"),
        errors.WebhookError("no", reason="signature"),
    ]


@pytest.mark.parametrize("error", _examples(), ids=lambda error: f"{type(error).__name__}")
def test_every_error_survives_a_pickle_without_its_body(error: errors.KrebitError) -> None:
    dump = pickle.dumps(error)
    again = pickle.loads(dump)

    assert type(again) is type(error)
    assert str(again) == str(error)
    assert {**vars(again), "body": b""} == {**vars(error), "body": b""}
    assert b"canary" not in dump
    assert "canary" not in repr(error)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = set(re.findall(r"^[│├└─ ]*([A-Z]\w+Error|[A-Z]\w+)(?= {2,}|$)", errors.__doc__, re.MULTILINE))
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.KrebitError)
    }
    assert drawn == kinds

    parents: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w+)(?: {2,}|$)", line)
        if found is None or found[2] not in kinds:
            continue
        depth = len(found[1])
        parents = [(other, name) for other, name in parents if other < depth]
        base = getattr(errors, found[2]).__bases__[0].__name__
        assert base == (parents[-1][1] if parents else "Exception")
        parents.append((depth, found[2]))
