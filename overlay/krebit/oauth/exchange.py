"""What the token endpoint is asked, and what its answer means for the grant: decided here, acted upon elsewhere."""

import json
import re
from typing import Any, Literal, NamedTuple, TypeGuard

import httpx

from krebit._retry import told
from krebit._secret import Secret
from krebit._wire import Failure, Reply
from krebit.config import Grant, Settings
from krebit.errors import ConfigurationError, KrebitError, UnexpectedResponse, api_error_class
from krebit.oauth.record import TokenPair, sane_lifetime

OPERATION = "exchange_token"
METHOD = "POST"
PATH = "/api/oauth/token"

Kind = Literal["granted", "not_spent", "unknown", "dead", "configuration", "refused"]


class Outcome(NamedTuple):
    """`granted`: here is a pair · `not_spent`: the grant is as good as before · `unknown`: it may or may not be spent ·
    `dead`: it will never work again · `configuration`: the application is at fault, not the grant · `refused`:
    anything else."""

    kind: Kind
    error: KrebitError | None = None
    pair: TokenPair | None = None


def request_for(grant: Grant, settings: Settings, user_agent: str) -> httpx.Request:
    """The token request (RFC 6749, 4.1.3 and 6) as this server wants it: a JSON body with the application's
    credentials."""
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
    """Sort an answer. Its body is never part of an error: even a refusal may repeat a token."""
    if isinstance(answer, Failure):
        if answer.kind == "certificate":
            return Outcome("refused", answer.error(OPERATION))  # trying again would not make it trusted
        return Outcome("unknown" if answer.sent else "not_spent", answer.error(OPERATION))
    content = _object(answer)
    if 200 <= answer.status < 300:
        return _success(answer.status, content)
    if answer.status < 400:
        return _unexpected("refused", answer.status, f"a redirect ({answer.status}), not followed")
    said = [content.get(key) for key in ("error", "error_description", "hint", "message")]
    text = ": ".join(dict.fromkeys(part for part in said if isinstance(part, str) and part))
    error = api_error_class(answer.status)(
        answer.status, text, retry_after=told(answer), method=METHOD, path=PATH, operation=OPERATION
    )
    kind = _refusal(answer.status, content, text)
    if kind == "configuration":
        return Outcome(
            kind,
            ConfigurationError(
                f"the server refused the application ({error.message}); check KREBIT_CLIENT_ID, KREBIT_CLIENT_SECRET "
                "and KREBIT_REDIRECT_URI against /developer/my-apps"
            ),
        )
    return Outcome(kind, error)


def _refusal(status: int, content: dict[str, Any], text: str) -> Kind:
    match status, content.get("error"):
        case ((429 | 503), _):  # throttle and maintenance stand before the grant
            return "not_spent"
        case _ if status >= 500 or status == 408:
            return "unknown"
        case _, "invalid_grant":
            return "dead"
        case _, "invalid_request":
            # The older dialect says it of dead grants too: 401 for refresh tokens, 400 for codes, each with a hint that
            # is not about a parameter of the request.
            named = content.get("hint") or (status == 401 and "refresh token" in text)
            return "dead" if named and not re.search("(?i)check the |redirect uri|verifier", text) else "configuration"
        case _, "invalid_client" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope":
            return "configuration"
    return "refused"


def _success(status: int, content: dict[str, Any]) -> Outcome:
    access, refresh = content.get("access_token"), content.get("refresh_token")
    if (
        str(content.get("token_type") or "Bearer").lower() != "bearer"
        or not _is_token(access)
        or (refresh not in (None, "") and not _is_token(refresh))
    ):
        return _unexpected("unknown", status, "an answer without a usable one")
    return Outcome(
        "granted",
        pair=TokenPair(Secret(access), Secret(refresh) if refresh else None, sane_lifetime(content.get("expires_in"))),
    )


def _unexpected(kind: Kind, status: int, got: str) -> Outcome:
    return Outcome(kind, UnexpectedResponse(operation=OPERATION, expected="a Bearer token", got=got, status=status))


def _object(answer: Reply) -> dict[str, Any]:
    try:
        # As floats, since an absurd `expires_in` must not cost the tokens beside it: int() refuses 5,000 digits.
        content = json.loads(answer.body, parse_int=float)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_token(value: Any) -> TypeGuard[str]:
    """RFC 6750, 2.1 allows less; what could break a header or a file is refused."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 65_536
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )
