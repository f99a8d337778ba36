"""No part of an error shows a secret or personal data."""

import pickle

import pytest

from krebit.errors import ApiError, LoginFailed, UnexpectedResponse
from krebit.redaction import Secret, mask_header


def _echoing(secret: str) -> ApiError:
    return ApiError(
        422,
        f"Token {secret} of 556000-4567",
        errors={f"token.{secret}": [f"{secret} is dead"], "556000-4567": ["anna@example.se\n\x1b[31m", "5560004567"]},
        request_id=f"{secret}-1",
        method="GET",
        path=f"/organisations/556000-4567/{secret}",
        headers={secret: "1", "x-echo": f"Bearer {secret}", "x-org": "SE5560004567", "x-auth-token": "of-a-proxy"},
        body=secret.encode(),
    )


def test_no_part_of_an_error_holds_a_secret_or_personal_data() -> None:
    secret = Secret("tok-1")
    error = _echoing("tok-1")
    shown = [*vars(error).values(), str(error), repr(error), pickle.dumps(error)]

    for part in ("tok-1", "4567", "anna", "of-a-proxy", "\x1b"):
        assert not [each for each in shown if part in str(each) and each is not error.body]
    assert error.body == b"tok-1"
    assert error.headers["x-echo"] == "Bearer ***"
    del secret


def test_fields_that_look_alike_once_they_are_masked_keep_all_their_reasons() -> None:
    error = ApiError(422, errors={"556000-4567": ["one"], "556000-4568": ["two"]})
    assert error.errors == {"******-****": ["one", "two"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ratelimit-reset", "1712111012"),
        ("X-RateLimit-Remaining", "0"),
        ("retry-after", "120"),
        ("date", "Mon, 30 Nov 2026 04:30:00 GMT"),
        ("x-request-id", "0123456789abcdef0123456789abcdef"),
        ("x-request-id", "123e4567-e89b-12d3-a456-426614174000"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("content-type", "application/json; charset=utf-8"),
        ("www-authenticate", 'Bearer realm="api", error="invalid_token"'),
    ],
)
def test_headers_that_help_stay(name: str, value: str) -> None:
    assert mask_header(name, value) == value


def test_a_refused_sign_in_keeps_no_control_characters() -> None:
    secret = Secret("tok-1")
    error = LoginFailed("refused", error="it was\x1b[31m\n\x00denied tok-1 556000-4567")
    assert error.error == "it was?[31m ?denied *** ******-****"
    assert LoginFailed("refused", error="access_denied").error == "access_denied"
    del secret


def test_the_field_of_an_unexpected_answer_is_masked() -> None:
    error = UnexpectedResponse(operation="o", expected="a text", got="5", field="data.anna@example.se")
    assert "anna" not in f"{error} {vars(error)}"
