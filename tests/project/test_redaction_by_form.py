"""Secrets that this process does not hold, and personal data, are masked by their form; nothing else is."""

import random
import uuid

import pytest

from krebit.redaction import mask


@pytest.mark.parametrize(
    "text",
    [
        "Bearer%20hunter2",
        "Bearer%2520hunter2",
        "Bearer+hunter2",
        "Bearer:hunter2",
        "bearer  hunter2",
        "Authorization%3A%20Bearer%20hunter2",
        r"line\nBearer hunter2",
        "Authorization: Token hunter2",
        "Authorization: hunter2",
        "Basic dXNlcjpodW50ZXIyeA==",
        "basic%20dXNlcjpodW50ZXIy",
        "api_key=hunter2",
        "api-key: hunter2",
        "X-Api-Key: hunter2",
        "apiKey='hunter2'",
        "API key: hunter2",
        "?apikey=hunter2&x=1",
        "access_key=hunter2",
        "private-key=hunter2",
        r"{\"password\":\"hunter2\"}",
        r"{\\\"password\\\":\\\"hunter2\\\"}",
        r"{\u0022password\u0022:\u0022hunter2\u0022}",
        "{&quot;password&quot;:&quot;hunter2&quot;}",
        "%7B%22password%22%3A%22hunter2%22%7D",
        "password%3Dhunter2",
        "user[password]=hunter2",
        "user%5Bpassword%5D=hunter2",
        "{'password': 'hunter2'}",
        '{"password": "it\'s hunter2"}',
        '{"password": "not \\"plain\\" hunter2"}',
        '{"tokens": ["abc", "hunter2"]}',
        '{"secrets": {"a": "x", "b": "hunter2"}}',
        "['password' => 'hunter2']",
        "[password] => hunter2",
        "<password>hunter2</password>",
        "password_confirmation=hunter2",
        "DB_PASSWORD=hunter2",
        "pwd=hunter2",
        "passphrase: hunter2",
        "clientSecret: hunter2",
        "refreshToken=hunter2",
        "Cookie: a=b; laravel_session=hunter2",
        "session_id=hunter2",
        "/callback?code=hunter2&state=x",
        '{"code": "hunter2hunter2"}',
        "https://anna:hunter2@proxy.example/x",
        "https://anna:p@hunter2@proxy.example/x",
    ],
)
def test_a_secret_of_somebody_else_is_masked(text: str) -> None:
    shown = mask(text)
    for part in ("hunter", "dXNl", "xIy"):
        assert part not in shown


@pytest.mark.parametrize(
    "text",
    [
        "5560004567",
        "SE5560004567",
        "se5560004567",
        "SE 556000-4567",
        "SE556000456701",
        "VAT:SE556000456701.",
        "556000-4567",
        *(f"556000{dash}4567" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d\u00ad\u200b\u00a0"),
        "556000 4567",
        "556 000 4567",
        "556000%2D4567",
        "556000%E2%80%914567",
        r"556000\u20114567",
        "556000&#8209;4567",
        "organisation_556000-4567.pdf",
        "org5560004567",
        "16556000-4567",
        "165560004567",
        "5560004567,5560004567",
        "900101+1234",
        "900161-1234",
        "19900101-1234",
        "199001011234",
        '{"org_number": "5560004567"}',
        "orgnr: 12345678",
    ],
)
def test_an_organisation_or_personal_number_is_masked(text: str) -> None:
    shown = mask(f"there is {text} here")
    assert "***" in shown
    for part in ("4567", "1234"):
        assert part not in shown


@pytest.mark.parametrize(
    "text",
    [
        "070/123 45 67",
        "070-1234567",
        "070\u20111234567",
        "070.123.45.67",
        "070 - 123 45 67",
        "(070) 123 45 67",
        "tel:0701234567",
        "phone=0701234567",
        "08-123 45 67",
        "070%20123%2045%2067",
        "+46 (0)70-123 45 67",
        "+46(0)701234567",
        "0046 70 123 45 67",
        "%2B46701234567",
        "+46.70.123.45.67",
        "+46\u201170\u2011123\u20114567",
    ],
)
def test_a_telephone_number_is_masked(text: str) -> None:
    shown = mask(f"call {text} now")
    assert "67" not in shown
    assert "123" not in shown


@pytest.mark.parametrize(
    "text",
    ["anna@example.se", "anna%40example.se", "a.b+c@mail.example.uk", "anna%2Eb%40example.se", "mailto:a@b.se"],
)
def test_an_address_is_masked(text: str) -> None:
    shown = mask(f"to {text}.")
    assert "***@***" in shown
    for part in ("anna", "example", "b.se"):
        assert part not in shown


@pytest.mark.parametrize(
    "text",
    [
        "error code: 422",
        '{"code": 422, "message": "No."}',
        '{"code": "not_found"}',
        "status_code=404",
        "error_code=E42",
        "code=422",
        "country_code=SE",
        "value 1234567890",
        "timestamp 1764500000",
        "id 9876543210",
        "order 1000000000",
        "0.5560004567",
        "amount 556000.4567",
        "Basic plan",
        "Basic subscription",
        "Basic access authentication is off.",
        "Bearer token is missing.",
        "Bearer authentication required",
        'Bearer realm="api", error="invalid_token"',
        "Invalid token: expired",
        "The password field is required.",
        "password: must be at least 8 characters",
        '{"token": null}',
        "token_type=Bearer",
        "CSRF token mismatch.",
        "secretary: Anna",
        "max 100 tokens",
        "Duplicate entry for key: users_email_unique",
        "act 123e4567-e89b-12d3-a456-426614174000",
        "id=123e4567-e89b-12d3-a456-426614174000",
        "from 2024-05-01 10:00:00 to 2024-06-01",
        "2024-05-01T10:00:00.123456+0200",
        "on 01/02/2024 or 01-02-2024",
        "version 1.2.3, 10.0.0.12",
        "No query results for model [App\\Models\\Client] 12345",
        "SQLSTATE[42S02]: Base table or view not found: 1146",
        "1 234 567 890 kr",
    ],
)
def test_nothing_is_masked_in_vain(text: str) -> None:
    assert mask(text, own=()) == text


def test_uuids_stay_readable_whatever_their_digits() -> None:
    fixed = "cf48a6b4-0066-4114-970b-0f3a324532cc"
    assert mask(f"request {fixed}, call 070-123 45 67") == f"request {fixed}, call 0***"
    chance = random.Random(1)
    for _ in range(2000):
        text = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        assert mask(text) == text
