"""Which texts are masked: secrets that this process holds exactly, others and personal data by their form."""

import base64
import html
import json
import pickle
import random
import re
import time
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krebit.errors import ApiError, LoginFailed, UnexpectedResponse
from krebit.redaction import Secret, mask, mask_header, mask_path, secrets_in

# --- secrets that this process holds ----------------------------------------------------------------------------------

OWN = ["tok-1", "hunter2", "s3cr3t/with+signs=", 'quote"and\\slash', "åäö-hemligt", "a" * 40, "x<y&z-1234"]
WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "within a word": lambda value: f"abc{value}def",
    "in a URL": lambda value: urllib.parse.quote(value, safe=""),
    "in a URL, lower case": lambda value: re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(value)),
    "in a form": urllib.parse.quote_plus,
    "in JSON": lambda value: json.dumps({"x": value}),
    "in JSON of PHP": lambda value: json.dumps({"x": value}).replace("/", r"\/"),
    "in JSON in JSON": lambda value: json.dumps(json.dumps({"x": value})),
    "in HTML": lambda value: f"<b>{html.escape(value)}</b>",
}


@pytest.mark.parametrize("value", OWN)
@pytest.mark.parametrize("way", WAYS)
def test_own_secrets_are_masked_wherever_they_stand(value: str, way: str) -> None:
    secret = Secret(value)
    shown = mask(f"it said {WAYS[way](value)} there")

    assert "***" in shown
    assert not secrets_in(shown)
    assert shown.startswith("it said ")
    assert shown.endswith(" there")
    del secret


@pytest.mark.parametrize("before", ["", "a", "ab", "application:"])
def test_own_secrets_are_masked_in_base64(before: str) -> None:
    secret = Secret("hunter2-hunter")
    shown = mask("x " + base64.b64encode(f"{before}hunter2-hunter".encode()).decode())

    assert "***" in shown
    assert not secrets_in(shown)
    del secret


def test_a_very_short_secret_is_masked_where_it_stands_alone() -> None:
    secret = Secret("abc")
    assert mask("token abc, (abc) and 'abc' of abcd") == "token ***, (***) and '***' of abcd"
    del secret


def test_a_secret_that_is_a_plain_word_leaves_other_names_alone() -> None:
    secret = Secret("access")
    assert mask("access_denied: token 'access' is dead") == "access_denied: token '***' is dead"
    del secret


@pytest.mark.parametrize("value", [5, b"hunter2", ["hunter2"]])
def test_what_is_no_text_is_no_secret_and_breaks_no_masking(value: Any) -> None:
    with pytest.raises(TypeError, match="must be a text") as caught:
        Secret(value)
    assert mask("it said something") == "it said something"
    assert "hunter2" not in str(caught.value)


def test_secrets_that_overlap_are_masked_as_one() -> None:
    secrets = Secret("abcdef-1"), Secret("abcdef-1-long"), Secret("-long-tail")
    assert mask("x abcdef-1-long-tail y abcdef-1 z") == "x *** y *** z"
    del secrets


def test_a_secret_is_known_for_as_long_as_anybody_holds_it() -> None:
    first, second = Secret("held-twice"), Secret("held-twice")
    assert mask("held-twice") == "***"
    del first
    assert mask("held-twice") == "***"
    del second
    assert mask("held-twice") == "held-twice"


def test_one_of_many_secrets_is_found_in_a_long_text() -> None:
    """Each of thousands has its own beginning, or the one that all tokens of a server share."""
    held = [Secret(f"eyJ0eXAiOiJKV1Qi-{random.randbytes(20).hex()}") for _ in range(2000)]
    held += [Secret(random.randbytes(20).hex()) for _ in range(2000)]
    wanted = [held[7], held[1999], held[2000], held[3999], Secret("hunter2")]
    for secret in wanted:
        for form in secret.forms():
            assert form in secrets_in("word " * 1000 + form + " word" * 1000)
    assert secrets_in("word " * 2000) == []


@pytest.mark.parametrize("value", ["8letters", "ååååååå1", "a+b/c=d&", "\\\\\\\\\\x", "日本語日本語日本"])
def test_no_form_is_shorter_than_what_it_is_looked_for_by(value: str) -> None:
    secret = Secret(value)
    assert all(form in secrets_in(f"x{form}x") for form in secret.forms())


@pytest.mark.parametrize("length", [20, 3000])
@pytest.mark.parametrize("start", [1190, 1199, 1201])
def test_no_part_of_an_own_secret_is_shown_at_the_cut(length: int, start: int) -> None:
    secret = Secret("opensesame" * (length // 10))
    shown = mask("w" * start + secret.reveal() + "rest", 1200)
    shown += mask(" ".join(["w" * 9] * (start // 10)) + secret.reveal() + "rest")
    assert "open" not in shown


def test_a_path_hides_a_secret_that_holds_a_slash() -> None:
    secret = Secret("abc/def/ghi-1")
    assert mask_path("/api/abc/def/ghi-1/clients") == "/api/***/clients"
    del secret


# --- other secrets, by their form -------------------------------------------------------------------------------------


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


# --- errors -----------------------------------------------------------------------------------------------------------


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


# --- time -------------------------------------------------------------------------------------------------------------

PIECES = [
    "token",
    "token ",
    "token=",
    'token:"',
    'x:"',
    "x:[",
    "code:[",
    "secret:{",
    "a",
    "a.",
    "a@",
    "a%",
    "%40",
    "%",
    "\\",
    '\\"',
    "&quot;",
    "bearer ",
    'bearer"',
    "basic ",
    "eyJ",
    "def50200",
    "/",
    "//",
    "//a:",
    "=",
    "-",
    "0",
    "0 ",
    "+",
    "+1",
    "00 1",
    "123456-",
    "123456 ",
    "1",
    "(",
    "<",
    "<token>",
    "'",
    "\u2011",
    "\u00ad",
    "å",
]


def _seconds(work: Callable[[], object]) -> float:
    """The processor time of the quickest of three runs: others at work on this machine do not count."""
    took = []
    for _ in range(3):
        before = time.thread_time()
        work()
        took.append(time.thread_time() - before)
    return min(took)


@pytest.mark.parametrize("piece", PIECES)
def test_masking_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """Eight times the text may take 24 times as long; a quadratic pattern would take 64 times."""
    short, long = ((piece * (size // len(piece)))[:size] for size in (2_000, 16_000))
    once = _seconds(lambda: mask(short, len(short)))
    assert _seconds(lambda: mask(long, len(long))) < max(24 * once, 0.1)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_masking_takes_any_mixture_in_good_time(mixture: str) -> None:
    text = mixture * 100
    assert _seconds(lambda: mask(text, len(text))) < 1


def test_an_error_with_many_fields_is_read_in_good_time() -> None:
    errors = {f"{'token' * 20}{number}": ["token" * 20 + str(number)] * 20 for number in range(2000)}
    secrets = [Secret(f"secret-number-{number}") for number in range(1000)]
    assert _seconds(lambda: ApiError(422, "token" * 5000, errors=errors, headers={"x": "token" * 5000})) < 1
    assert len(secrets) == 1000


def test_uuids_stay_readable_whatever_their_digits() -> None:
    fixed = "cf48a6b4-0066-4114-970b-0f3a324532cc"
    assert mask(f"request {fixed}, call 070-123 45 67") == f"request {fixed}, call 0***"
    chance = random.Random(1)
    for _ in range(2000):
        text = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        assert mask(text) == text
