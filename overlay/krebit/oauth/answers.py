"""What an answer of the token endpoint means for the grant that was sent: decided here, acted upon elsewhere."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from krebit._mask import mask
from krebit._retry import retry_after
from krebit._secret import Secret
from krebit._wire import Failure, Reply
from krebit.errors import ConfigurationError, KrebitError, UnexpectedResponse, api_error_class
from krebit.oauth.record import TokenPair, sane_lifetime

OPERATION = "exchange_token"
METHOD = "POST"
PATH = "/api/oauth/token"

Kind = Literal["granted", "not_spent", "unknown", "dead", "configuration", "refused"]


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


def classify(answer: Reply | Failure) -> Outcome:
    """Sort an answer. Its body is never part of an error: even a refusal may repeat a token."""
    if isinstance(answer, Failure):
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
        return Outcome("configuration", _configuration(code, detail), detail=detail)
    if code == "invalid_grant":
        return Outcome("dead", error, detail=detail)
    if code == "invalid_request":
        # The older dialect says so of dead grants too (401 for refresh tokens, 400 for codes); a hint "Check the `x`
        # parameter" is about the request itself.
        hint = content.get("hint")
        if answer.status == 401 or (isinstance(hint, str) and not hint.startswith("Check the")):
            return Outcome("dead", error, detail=detail)
        return Outcome("configuration", _configuration(code, detail), detail=detail)
    return Outcome("refused", error, detail=detail)


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
