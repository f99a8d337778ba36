"""The token endpoint's errors in the words of league/oauth2-server, versions 8 and 9."""

from __future__ import annotations

from typing import Any, Literal

Dialect = Literal["league9", "league8"]

_MALFORMED = (
    "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more "
    "than once, or is otherwise malformed."
)
_DEAD_GRANT = (
    "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is "
    "invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued "
    "to another client."
)


class TokenError(Exception):
    """A token request that is refused: `status` and the JSON to answer."""

    def __init__(self, status: int, error: str, description: str, hint: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        self._body: dict[str, Any] = {"error": error, "error_description": description}
        if hint is not None:
            self._body["hint"] = hint

    def body(self, dialect: Dialect) -> dict[str, Any]:
        """Return the answer; version 8 repeats the description as `message`."""
        if dialect == "league8":
            return {**self._body, "message": self._body["error_description"]}
        return self._body


def missing(parameter: str, hint: str | None = None) -> TokenError:
    """Return the error for a parameter that is missing or malformed."""
    return TokenError(400, "invalid_request", _MALFORMED, hint or f"Check the `{parameter}` parameter")


def unknown_application() -> TokenError:
    """Return the error for an unknown client or a wrong secret."""
    return TokenError(401, "invalid_client", "Client authentication failed")


def unsupported_grant() -> TokenError:
    """Return the error for a grant type that is neither of the two."""
    return TokenError(
        400,
        "unsupported_grant_type",
        "The authorization grant type is not supported by the authorization server.",
        "Check that all required parameters have been provided",
    )


def dead_code(dialect: Dialect, hint: str) -> TokenError:
    """Return the error for a code that is unknown, used, too old or another application's."""
    if dialect == "league8":
        return TokenError(400, "invalid_request", _MALFORMED, hint)
    return TokenError(400, "invalid_grant", _DEAD_GRANT, hint)


def failed_proof() -> TokenError:
    """Return the error for a PKCE verifier that does not fit its challenge (the same in both versions)."""
    return TokenError(400, "invalid_grant", _DEAD_GRANT, "Failed to verify `code_verifier`.")


def dead_refresh_token(dialect: Dialect, hint: str) -> TokenError:
    """Return the error for a refresh token that is unknown, revoked, too old or another application's."""
    if dialect == "league8":
        return TokenError(401, "invalid_request", "The refresh token is invalid.", hint)
    return TokenError(400, "invalid_grant", "The refresh token is invalid.", hint)
