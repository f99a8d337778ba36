"""The decisions, without any I/O: each answer of the token endpoint, and each next step."""

import itertools
import json
from functools import partial
from typing import Any

import httpx
import pytest

from krebit.errors import ConfigurationError, ConnectionFailed, LoginFailed, LoginRequired, RateLimited, ServerError
from krebit.http.send import Failure, Reply
from krebit.oauth.grants import Grant
from krebit.oauth.refresh import Action, Adopt, Refresh, Save, Send, Stop
from krebit.oauth.token_endpoint import Outcome, classify
from krebit.redaction import Secret
from krebit.stores.record import Login, TokenPair

NOW = 1_000_000.0


def reply(status: int, body: Any, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, httpx.Headers(headers), content)


GRANTED = {"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600}
ANSWERS: list[tuple[Reply | Failure, str]] = [
    (Failure("connect", "refused", sent=False), "not_spent"),
    (Failure("timeout", "connecting", sent=False), "not_spent"),
    (Failure("certificate", "self-signed", sent=False), "refused"),
    (Failure("timeout", "reading", sent=True), "unknown"),
    (Failure("broken", "reset", sent=True), "unknown"),
    (Failure("too_large", "", sent=True), "unknown"),
    (reply(200, GRANTED), "granted"),
    (reply(201, GRANTED), "granted"),
    (reply(200, {"access_token": "a"}), "granted"),
    (reply(200, {"access_token": "a", "refresh_token": ""}), "granted"),
    (reply(200, {"access_token": "a", "refresh_token": None, "token_type": "bEARER"}), "granted"),
    (reply(200, {**GRANTED, "access_token": None}), "unknown"),
    (reply(200, {**GRANTED, "refresh_token": 7}), "unknown"),
    (reply(200, {**GRANTED, "token_type": "mac"}), "unknown"),
    (reply(200, b"<html>"), "unknown"),
    (reply(200, b""), "unknown"),
    (reply(200, b"[" * 100_000), "unknown"),
    (reply(301, b""), "refused"),
    (reply(400, {"error": "invalid_grant"}), "dead"),
    (reply(401, {"error": "invalid_grant"}), "dead"),
    (reply(401, {"error": "invalid_request", "hint": "Token has been revoked"}), "dead"),
    (reply(401, {"error": "invalid_request", "hint": "Cannot decrypt the refresh token"}), "dead"),
    (reply(401, {"error": "invalid_request", "error_description": "The refresh token is invalid."}), "dead"),
    (reply(400, {"error": "invalid_request", "hint": "Authorization code has expired"}), "dead"),
    (reply(400, {"error": "invalid_request", "hint": "Authorization code has been revoked"}), "dead"),
    (reply(400, {"error": "invalid_request", "hint": "Check the `refresh_token` parameter"}), "configuration"),
    (reply(400, {"error": "invalid_request", "hint": "Invalid redirect URI"}), "configuration"),
    (reply(400, {"error": "invalid_request", "hint": "code_verifier received"}), "configuration"),
    (reply(400, {"error": "invalid_request"}), "configuration"),
    (reply(401, {"error": "invalid_request"}), "configuration"),
    (reply(401, {"error": "invalid_client"}), "configuration"),
    (reply(400, {"error": "unauthorized_client"}), "configuration"),
    (reply(400, {"error": "unsupported_grant_type"}), "configuration"),
    (reply(401, {"message": "Unauthenticated."}), "refused"),
    (reply(403, b"<html>"), "refused"),
    (reply(404, {"message": "Not Found"}), "refused"),
    (reply(419, {"message": "CSRF token mismatch."}), "refused"),
    (reply(422, {"message": "The given data was invalid."}), "refused"),
    (reply(400, {"error": 5}), "refused"),
    (reply(400, ["invalid_grant"]), "refused"),
    (reply(408, b""), "unknown"),
    (reply(429, {"message": "Too Many Attempts."}), "not_spent"),
    (reply(429, {"error": "invalid_grant"}), "not_spent"),
    (reply(500, {"message": "Server Error"}), "unknown"),
    (reply(502, b"<html>"), "unknown"),
    (reply(503, b""), "not_spent"),
    (reply(504, b""), "unknown"),
    (reply(520, b""), "unknown"),
]


@pytest.mark.parametrize(("answer", "kind"), ANSWERS)
def test_what_an_answer_means(answer: Reply | Failure, kind: str) -> None:
    outcome = classify(answer)
    assert outcome.kind == kind
    assert (outcome.pair is not None) == (kind == "granted")
    assert (outcome.error is not None) == (kind != "granted")
    assert isinstance(outcome.error, ConfigurationError) == (kind == "configuration")


@pytest.mark.parametrize("status", range(200, 600))
def test_every_status_has_a_meaning(status: int) -> None:
    for body in (b"", b"{}", b"<html>", json.dumps({"error": "x", "hint": 5}).encode()):
        assert classify(reply(status, body)).kind in ("unknown", "not_spent", "refused")


PAIR = TokenPair(Secret("new-access"), Secret("new-refresh"), 3600.0)
ERROR = ServerError(500)
OUTCOMES = {
    "granted": Outcome("granted", pair=PAIR),
    "not_spent": Outcome("not_spent", ERROR),
    "unknown": Outcome("unknown", ERROR),
    "dead": Outcome("dead", ERROR),
    "configuration": Outcome("configuration", ConfigurationError("x")),
    "refused": Outcome("refused", ERROR),
}


def login(*, access: str = "good", refresh: str | None = "refresh", dead: bool = False) -> Login:
    """`access`: good, ended or none."""
    pair = TokenPair(Secret("access"), Secret(refresh) if refresh else None, 3600.0)
    made = Login.empty().with_pair(pair, NOW if access == "good" else NOW - 7200)
    if access == "none":
        made = made.ended()
    return made.marked_dead() if dead else made


LOGINS: dict[str, Login | None] = {
    "nothing": None,
    "signed out": login(access="none"),
    "good": login(),
    "ended": login(access="ended"),
    "ended, and no refresh token": login(access="ended", refresh=None),
    "good, and no refresh token": login(refresh=None),
    "dead": login(access="ended", dead=True),
    "good, and dead": login(dead=True),
}
TOKEN = Grant("refresh_token", Secret("given-token"))
CODE = Grant("authorization_code", Secret("given-code"), "https://a.example/")
CONFIGURED: dict[str, tuple[Grant, ...]] = {"none": (), "token": (TOKEN,), "code": (CODE,), "both": (TOKEN, CODE)}


def _names_the_variable(warning: str) -> None:
    assert "KREBIT_" in warning


def begin(stored: Login | None, configured: tuple[Grant, ...], rejected: str | None = None) -> tuple[Refresh, Action]:
    refresh = Refresh(
        rejected=Secret(rejected) if rejected else None,
        configured=configured,
        now=lambda: NOW,
        warn=_names_the_variable,
    )
    return refresh, refresh.begin(stored)


@pytest.mark.parametrize(
    ("stored", "rejected", "expected"),
    [
        ("nothing", None, Stop),
        ("signed out", None, Stop),
        ("good", None, Adopt),
        ("good", "access", Send),
        ("good", "older", Adopt),
        ("ended", None, Send),
        ("ended, and no refresh token", None, Stop),
        ("good, and no refresh token", None, Adopt),
        ("good, and no refresh token", "access", Stop),
        ("dead", None, Stop),
        ("good, and dead", None, Adopt),
        ("good, and dead", "access", Stop),
    ],
)
def test_the_first_step(stored: str, rejected: str | None, expected: type) -> None:
    _, action = begin(LOGINS[stored], CONFIGURED["none"], rejected)
    assert type(action) is expected
    if isinstance(action, Stop):
        assert isinstance(action.error, LoginRequired)


@pytest.mark.parametrize("stored", LOGINS)
@pytest.mark.parametrize("configured", ["token", "code", "both"])
def test_a_configured_grant_goes_first_unless_it_was_seen(stored: str, configured: str) -> None:
    _, action = begin(LOGINS[stored], CONFIGURED[configured])
    assert isinstance(action, Send)
    assert action.grant.kind == ("authorization_code" if configured == "code" else "refresh_token")
    held = (LOGINS[stored] or Login.empty()).with_seen(*(grant.value for grant in CONFIGURED[configured]))
    _, action = begin(held, CONFIGURED[configured])
    assert not isinstance(action, Send) or action.grant.value == Secret("refresh")


def _itself(login: Login | None) -> Login | None:
    return login


def walks(length: int) -> list[tuple[str, ...]]:
    return [walk for count in range(1, length + 1) for walk in itertools.product(OUTCOMES, repeat=count)]


@pytest.mark.parametrize("configured", CONFIGURED)
@pytest.mark.parametrize("stored", LOGINS)
def test_all_walks_of_four_answers(stored: str, configured: str) -> None:
    """Whatever the server says: it ends, nothing is wiped, and only tokens that were held or granted are used."""
    for reloaded, walk in itertools.product(("same", "newer", "nothing"), walks(4)):
        refresh, action = begin(LOGINS[stored], CONFIGURED[configured])
        kept = LOGINS[stored]
        answers = iter(walk)
        sent = 0
        while not isinstance(action, Adopt | Stop):
            if isinstance(action, Save):
                was = kept.refresh_token if kept is not None else None
                assert action.login.refresh_token in (was, PAIR.refresh_token)
                assert action.granted == (action.login.refresh_token == PAIR.refresh_token)
                kept = action.login
                action = action.then
                continue
            answer = next(answers, "refused")
            sent += 1
            newer = {"same": kept, "newer": login(refresh="newer"), "nothing": None}[reloaded]
            action = refresh.answered(OUTCOMES[answer], reload=partial(_itself, newer), remaining=1e9)
        assert sent <= len(walk) + 3
        if isinstance(action, Adopt):
            assert action.login.access_token in (Secret("access"), PAIR.access_token)


def test_the_time_left_ends_the_tries() -> None:
    refresh, _ = begin(LOGINS["ended"], CONFIGURED["none"])
    action = refresh.answered(Outcome("not_spent", RateLimited(429, retry_after=60)), reload=lambda: None, remaining=59)
    assert isinstance(action, Stop)
    assert isinstance(action.error, RateLimited)


def test_no_connection_is_tried_five_times_and_a_rate_limit_as_long_as_there_is_time() -> None:
    offline = Outcome("not_spent", ConnectionFailed("refused", sent=False))
    for outcome, tries in ((offline, 5), (OUTCOMES["not_spent"], 50)):
        refresh, action = begin(LOGINS["ended"], CONFIGURED["none"])
        for _ in range(tries - 1):
            action = refresh.answered(outcome, reload=lambda: None, remaining=1e9)
            assert isinstance(action, Send)
            assert action.grant.value == Secret("refresh")
        ends = isinstance(refresh.answered(outcome, reload=lambda: None, remaining=1e9), Stop)
        assert ends == (outcome is offline)


def test_an_unknown_outcome_is_tried_three_times() -> None:
    refresh, action = begin(LOGINS["ended"], CONFIGURED["none"])
    for _ in range(2):
        action = refresh.answered(OUTCOMES["unknown"], reload=lambda: None, remaining=1e9)
        assert isinstance(action, Send)
        assert action.grant.value == Secret("refresh")
    assert refresh.answered(OUTCOMES["unknown"], reload=lambda: None, remaining=1e9) == Stop(ERROR)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_sign_in(kind: str) -> None:
    refresh = Refresh(
        rejected=None,
        configured=CONFIGURED["both"],
        now=lambda: NOW,
        warn=_names_the_variable,
        sign_in=Grant("authorization_code", Secret("code")),
    )
    assert isinstance(refresh.begin(LOGINS["good"]), Send)
    action = refresh.answered(OUTCOMES[kind], reload=lambda: LOGINS["good"], remaining=0)
    if kind == "granted":
        assert isinstance(action, Save)
        assert all(action.login.has_seen(Secret(each)) for each in ("code", "given-token", "given-code", "new-refresh"))
    else:
        assert isinstance(action, Stop)
        assert isinstance(action.error, LoginFailed) == (kind == "dead")
