"""Grants: what the token endpoint takes in exchange for tokens."""

from typing import Literal, NamedTuple

from krebit.config import Settings
from krebit.redaction import Secret


class Grant(NamedTuple):
    """A grant to send to the token endpoint.

    `redirect_uri` and `code_verifier` belong to authorization codes (RFC 6749, 4.1.3; RFC 7636, 4.5).
    """

    kind: Literal["refresh_token", "authorization_code"]
    value: Secret
    redirect_uri: str | None = None
    code_verifier: Secret | None = None


def configured_grants(settings: Settings) -> tuple[Grant, ...]:
    """Return the grants of the configuration: the quickstart keeps them in its environment.

    The code has no verifier: the quickstart asks for it without PKCE, and an unannounced verifier is refused.
    """
    grants = []
    if settings.refresh_token:
        grants.append(Grant("refresh_token", settings.refresh_token))
    if settings.auth_code:
        grants.append(Grant("authorization_code", settings.auth_code, settings.redirect_uri))
    return tuple(grants)
