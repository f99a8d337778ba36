"""The token endpoint: the request for a grant, and the meaning of its answer. Nothing is sent here."""

import json
import re
from typing import Any, Literal, NamedTuple, TypeGuard

import httpx

from krebit.config import Settings
from krebit.errors import ConfigurationError, KrebitError, UnexpectedResponse, api_error_class
from krebit.http.retry import parse_retry_after
from krebit.http.send import LASTING, Failure, Reply
from krebit.oauth.grants import Grant
from krebit.redaction import Secret
from krebit.stores.record import TokenPair

OPERATION = "exchange_token"
METHOD = "POST"
PATH = "/api/oauth/token"

_TEN_YEARS = 10 * 366 * 86_400
_APPLICATION_ERRORS = ("invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope")

Kind = Literal["granted", "not_spent", "unknown", "dead", "configuration", "refused"]


class Outcome(NamedTuple):
    """The meaning of an answer.

    - `granted`: `pair` holds the tokens
    - `not_spent`: the grant is as good as before
    - `unknown`: the grant may or may not be spent
    - `dead`: the grant will never work again
    - `configuration`: the application is at fault, not the grant
    - `refused`: anything else
    """

    kind: Kind
    error: KrebitError | None = None
    pair: TokenPair | None = None


def token_request(grant: Grant, settings: Settings, user_agent: str) -> httpx.Request:
    """Return the token request (RFC 6749, 4.1.3 and 6), as a JSON body with the application's credentials.

    The quickstart sends JSON where the RFC has a form.
    """
    fields = {
        "grant_type": grant.kind,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.reveal(),
        "refresh_token" if grant.kind == "refresh_token" else "code": grant.value.reveal(),
        "redirect_uri": grant.redirect_uri,
        "code_verifier": grant.code_verifier.reveal() if grant.code_verifier else None,
    }
    return httpx.Request(
        METHOD,
        settings.origin + PATH,
        headers={"Accept": "application/json", "Content-Type": "application/json", "User-Agent": user_agent},
        content=json.dumps({name: value for name, value in fields.items() if value is not None}).encode(),
    )


def classify(answer: Reply | Failure) -> Outcome:
    """Return the meaning of an answer. No error holds its body: even a refusal may repeat a token."""
    if isinstance(answer, Failure):
        return _classify_failure(answer)
    content = _json_object(answer)
    if 200 <= answer.status < 300:
        return _classify_success(answer.status, content)
    if answer.status < 400:
        return _unexpected("refused", answer.status, f"a redirect ({answer.status}), not followed")
    texts = [content.get(key) for key in ("error", "error_description", "hint", "message")]
    text = ": ".join(dict.fromkeys(part for part in texts if isinstance(part, str) and part))
    error = api_error_class(answer.status)(
        answer.status, text, retry_after=parse_retry_after(answer), method=METHOD, path=PATH, operation=OPERATION
    )
    kind = _kind_of_refusal(answer.status, content, text)
    if kind != "configuration":
        return Outcome(kind, error)
    return Outcome(
        kind,
        ConfigurationError(
            f"the server refused the application ({error.message}); compare its id, secret and redirect URI with "
            "/developer/my-apps (krebit doctor shows where they are set)"
        ),
    )


def _classify_failure(failure: Failure) -> Outcome:
    error = failure.error(OPERATION)
    if failure.kind in LASTING and not failure.sent:
        return Outcome("refused", error)
    return Outcome("unknown" if failure.sent else "not_spent", error)


def _kind_of_refusal(status: int, content: dict[str, Any], text: str) -> Kind:
    if status in (429, 503):
        return "not_spent"  # throttle and maintenance stand before the grant
    if status >= 500 or status == 408:
        return "unknown"
    code = content.get("error")
    if code == "invalid_grant":
        return "dead"
    if code == "invalid_request":
        return _kind_of_invalid_request(status, content, text)
    return "configuration" if code in _APPLICATION_ERRORS else "refused"


def _kind_of_invalid_request(status: int, content: dict[str, Any], text: str) -> Kind:
    """Tell a dead grant from a malformed request.

    The older dialect says `invalid_request` of dead grants too: 401 for refresh tokens, 400 for codes, each with a hint
    that is not about a parameter of the request (league/oauth2-server 8).
    """
    about_grant = content.get("hint") or (status == 401 and "refresh token" in text)
    about_parameter = re.search("(?i)check the |redirect uri|verifier", text)
    return "dead" if about_grant and not about_parameter else "configuration"


def _classify_success(status: int, content: dict[str, Any]) -> Outcome:
    access, refresh = content.get("access_token"), content.get("refresh_token")
    is_bearer = str(content.get("token_type") or "Bearer").lower() == "bearer"
    if not is_bearer or not _is_token(access) or not (refresh in (None, "") or _is_token(refresh)):
        return _unexpected("unknown", status, "an answer without a usable one")
    refresh_token = Secret(refresh) if refresh else None
    return Outcome("granted", pair=TokenPair(Secret(access), refresh_token, parse_lifetime(content.get("expires_in"))))


def parse_lifetime(value: Any) -> float | None:
    """Return the seconds of `expires_in`, a number or its text, or None where it makes no sense."""
    if value is True:
        return None
    try:
        seconds = float(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return seconds if 0 < seconds <= _TEN_YEARS else None


def _unexpected(kind: Kind, status: int, got: str) -> Outcome:
    return Outcome(kind, UnexpectedResponse(operation=OPERATION, expected="a Bearer token", got=got, status=status))


def _json_object(answer: Reply) -> dict[str, Any]:
    try:
        # Integers as floats: an absurd `expires_in` must not cost the tokens beside it, and int() refuses 5,000 digits.
        content = json.loads(answer.body, parse_int=float)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_token(value: Any) -> TypeGuard[str]:
    """Return whether a value can be a token: one that breaks no header and no file. RFC 6750, 2.1 allows fewer."""
    if not isinstance(value, str):
        return False
    return 0 < len(value) <= 65_536 and value.isascii() and value.isprintable() and " " not in value
