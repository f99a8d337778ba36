"""What the token endpoint is asked, and what its answer means for the grant: decided here, acted upon elsewhere."""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from krebit._mask import mask
from krebit._retry import retry_after
from krebit._secret import Secret
from krebit._wire import Failure, Reply
from krebit.config import Settings
from krebit.errors import ConfigurationError, KrebitError, UnexpectedResponse, api_error_class
from krebit.oauth.record import TokenPair, sane_lifetime

OPERATION = "exchange_token"
METHOD = "POST"
PATH = "/api/oauth/token"

Kind = Literal["granted", "not_spent", "unknown", "dead", "configuration", "refused"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What is sent to the token endpoint. `redirect_uri` and `code_verifier` belong to codes (RFC 6749, 4.1.3; RFC
    7636, 4.5)."""

    kind: Literal["refresh_token", "authorization_code"]
    value: Secret
    redirect_uri: str | None = None
    code_verifier: Secret | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`granted`: here is a pair · `not_spent`: the grant is as good as before · `unknown`: it may or may not be spent ·
    `dead`: it will never work again · `configuration`: the application is at fault, not the grant · `refused`:
    anything else."""

    kind: Kind
    error: KrebitError | None = None
    pair: TokenPair | None = None
    retry_after: float | None = None
    detail: str = ""


def request_for(grant: Grant, settings: Settings, user_agent: str) -> httpx.Request:
    """The token request (RFC 6749, 4.1.3 and 6) as this server wants it: a JSON body with the application's
    credentials."""
    application = settings.application
    fields = {
        "grant_type": grant.kind,
        "client_id": application.client_id,
        "client_secret": application.client_secret.reveal(),
        "refresh_token" if grant.kind == "refresh_token" else "code": grant.value.reveal(),
        "redirect_uri": grant.redirect_uri,
        "code_verifier": grant.code_verifier.reveal() if grant.code_verifier else None,
    }
    return httpx.Request(
        METHOD,
        settings.tenant.origin + PATH,
        headers={"Accept": "application/json", "Content-Type": "application/json", "User-Agent": user_agent},
        content=json.dumps({name: value for name, value in fields.items() if value is not None}).encode(),
    )


def classify(answer: Reply | Failure) -> Outcome:
    """Sort an answer. Its body is never part of an error: even a refusal may repeat a token."""
    if isinstance(answer, Failure):
        if answer.kind == "certificate":
            return Outcome("refused", error=answer.error(OPERATION))  # trying again would not make it trusted
        return Outcome("unknown" if answer.sent else "not_spent", error=answer.error(OPERATION))
    if 200 <= answer.status < 300:
        return _success(answer)
    if 300 <= answer.status < 400:
        return Outcome("refused", _unexpected("a token answer", f"a redirect ({answer.status}), not followed", answer))
    content = _object(answer)
    code = content.get("error") if isinstance(content.get("error"), str) else ""
    detail = mask(_text(content))
    told = retry_after(answer.headers.get("Retry-After"))
    error = api_error_class(answer.status)(
        answer.status, detail, retry_after=told, method=METHOD, path=PATH, operation=OPERATION
    )
    if answer.status in (429, 503):
        # Throttle and maintenance stand before the grant: nothing was spent.
        return Outcome("not_spent", error, retry_after=told, detail=detail)
    if answer.status >= 500 or answer.status == 408:
        return Outcome("unknown", error, retry_after=told, detail=detail)
    if code in ("invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"):
        return Outcome("configuration", _configuration(code, detail))
    if code == "invalid_grant":
        return Outcome("dead", error, detail=detail)
    if code == "invalid_request":
        dead = _is_dead_in_older_dialect(answer.status, content)
        return Outcome("dead", error, detail=detail) if dead else Outcome("configuration", _configuration(code, detail))
    return Outcome("refused", error, detail=detail)


def _is_dead_in_older_dialect(status: int, content: dict[str, Any]) -> bool:
    """It says `invalid_request` of dead grants too: 401 for refresh tokens, 400 for codes, each with a hint that is not
    about a parameter of the request."""
    hint = content.get("hint")
    if not isinstance(hint, str) or not hint:
        return status == 401 and "refresh token" in _text(content)
    return not re.search(r"(?i)^check the|redirect uri|verifier", hint)


def _success(answer: Reply) -> Outcome:
    content = _object(answer)
    access, refresh = content.get("access_token"), content.get("refresh_token")
    kind = content.get("token_type", "Bearer")
    if not isinstance(access, str) or not _is_token(access) or not (refresh in (None, "") or _is_token(refresh)):
        return Outcome("unknown", _unexpected("an access token", "an answer without a usable one", answer))
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return Outcome("unknown", _unexpected("token_type Bearer", f"{str(kind)[:40]!r}", answer))
    lifetime = sane_lifetime(content.get("expires_in"))
    return Outcome("granted", pair=TokenPair(Secret(access), Secret(refresh) if refresh else None, lifetime))


def _object(answer: Reply) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_token(value: Any) -> bool:
    """RFC 6750, 2.1 allows less; what could break a header or a file is refused."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 65_536
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _text(content: dict[str, Any]) -> str:
    parts = [content.get(key) for key in ("error", "error_description", "hint", "message")]
    seen = dict.fromkeys(part for part in parts if isinstance(part, str) and part)
    return ": ".join(seen)


def _unexpected(expected: str, got: str, answer: Reply) -> UnexpectedResponse:
    return UnexpectedResponse(operation=OPERATION, expected=expected, got=got, status=answer.status)


def _configuration(code: str, detail: str) -> ConfigurationError:
    advice = (
        "check KREBIT_CLIENT_ID and KREBIT_CLIENT_SECRET against /developer/my-apps"
        if code in ("invalid_client", "unauthorized_client")
        else "the token endpoint does not accept this request"
    )
    return ConfigurationError(f"the server refused the application ({detail}); {advice}")
