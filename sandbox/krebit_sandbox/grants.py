"""Applications, codes and tokens: the state of the authorization server, each change whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, Literal
from uuid import uuid4

from krebit_sandbox import oauth_errors
from krebit_sandbox.clock import Clock
from krebit_sandbox.oauth_errors import Dialect
from krebit_sandbox.switches import Switches

CODE_LIFETIME: Final = 600.0
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, section 4.1

ChallengeMethod = Literal["S256", "plain"]


@dataclass(frozen=True, slots=True)
class Application:
    """An OAuth application as registered at `/developer/my-apps`."""

    client_id: str
    client_secret: str = field(repr=False)
    name: str
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and, unless rotation is off, the refresh token that came with it."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(slots=True)
class _Family:
    """All tokens that stem from one consent."""

    client_id: str
    revoked: bool = False


@dataclass(slots=True)
class _Code:
    client_id: str
    redirect_uri: str
    challenge: str | None
    method: ChallengeMethod
    expires_at: float
    used: bool = False


@dataclass(slots=True)
class _AccessToken:
    family: _Family
    expires_at: float
    revoked: bool = False


@dataclass(slots=True)
class _RefreshToken:
    family: _Family
    access_token: str
    expires_at: float
    revoked: bool = False


class Grants:
    """The applications, codes and tokens. Every method is atomic; TokenError where the endpoint refuses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._applications: dict[str, Application] = {}
        self._codes: dict[str, _Code] = {}
        self._access_tokens: dict[str, _AccessToken] = {}
        self._refresh_tokens: dict[str, _RefreshToken] = {}

    def register(self, name: str, redirect_uris: Sequence[str]) -> Application:
        """Register an application, with a secret of its own; ValueError without a redirect URI."""
        if not redirect_uris:
            raise ValueError("An application has one redirect URI or more.")
        application = Application(str(uuid4()), secrets.token_urlsafe(30), name, tuple(redirect_uris))
        with self._lock:
            self._applications[application.client_id] = application
        return application

    def application(self, client_id: str) -> Application | None:
        """Return the application of an id, or None."""
        return self._applications.get(client_id)

    def authenticate_application(self, client_id: str, client_secret: str) -> Application:
        """Return the application; TokenError if the secret is not its own."""
        application = self._applications.get(client_id)
        if application is None or not compare_digest(
            application.client_secret.encode(), client_secret.encode("utf-8", "replace")
        ):
            raise oauth_errors.unknown_application()
        return application

    def issue_code(self, client_id: str, redirect_uri: str, challenge: str | None, method: ChallengeMethod) -> str:
        """Return a code for one exchange, within ten minutes, by this application with this redirect URI."""
        # As long as real ones, which are encrypted and written in hexadecimal digits.
        code = "def50200" + secrets.token_hex(300)
        expires_at = self._clock.now() + CODE_LIFETIME
        with self._lock:
            self._codes[code] = _Code(client_id, redirect_uri, challenge, method, expires_at)
        return code

    def exchange(
        self,
        application: Application,
        code: str,
        redirect_uri: str | None,
        verifier: str | None,
        switches: Switches,
    ) -> Tokens:
        """Return the first tokens of a consent, for its code."""
        dialect = switches.error_dialect
        with self._lock:
            grant = self._codes.get(code)
            if grant is None:
                raise oauth_errors.dead_code(dialect, "Cannot decrypt the authorization code")
            if grant.expires_at <= self._clock.now():
                raise oauth_errors.dead_code(dialect, "Authorization code has expired")
            if grant.used:
                raise oauth_errors.dead_code(dialect, "Authorization code has been revoked")
            if grant.client_id != application.client_id:
                raise oauth_errors.dead_code(dialect, "Authorization code was not issued to this client")
            if not redirect_uri:
                raise oauth_errors.missing("redirect_uri")
            if redirect_uri != grant.redirect_uri:
                raise oauth_errors.missing("redirect_uri", "Invalid redirect URI")
            _check_proof(grant, verifier)
            grant.used = True
            return self._issue(_Family(application.client_id), switches)

    def refresh(self, application: Application, refresh_token: str, switches: Switches) -> tuple[str, str | None]:
        """Return a new access token and, with rotation, a new refresh token; the old ones are revoked."""
        dialect: Dialect = switches.error_dialect
        with self._lock:
            old = self._refresh_tokens.get(refresh_token)
            if old is None:
                raise oauth_errors.dead_refresh_token(dialect, "Cannot decrypt the refresh token")
            if old.family.client_id != application.client_id:
                raise oauth_errors.dead_refresh_token(dialect, "Token is not linked to client")
            if old.expires_at <= self._clock.now():
                raise oauth_errors.dead_refresh_token(dialect, "Token has expired")
            if old.revoked or old.family.revoked:
                if switches.reuse_revokes_family:
                    old.family.revoked = True
                raise oauth_errors.dead_refresh_token(dialect, "Token has been revoked")
            if access := self._access_tokens.get(old.access_token):
                access.revoked = True
            if switches.rotation:
                old.revoked = True
                tokens = self._issue(old.family, switches)
                return tokens.access_token, tokens.refresh_token
            old.access_token = self._issue_access_token(old.family, switches)
            return old.access_token, None

    def issue_tokens(self, client_id: str, switches: Switches) -> Tokens:
        """Return the tokens of a new consent, without a code."""
        with self._lock:
            return self._issue(_Family(client_id), switches)

    def bearer(self, access_token: str) -> Application | None:
        """Return the application of an access token; None if the token is not good now."""
        with self._lock:
            token = self._access_tokens.get(access_token)
            if token is None or token.revoked or token.family.revoked:
                return None
            return self._applications[token.family.client_id] if token.expires_at > self._clock.now() else None

    def expire_access_tokens(self) -> None:
        """Let every access token expire now."""
        with self._lock:
            for token in self._access_tokens.values():
                token.expires_at = min(token.expires_at, self._clock.now())

    def revoke_refresh_token(self, refresh_token: str) -> None:
        """End the login that the token belongs to, with every token of it; KeyError if it was never issued.

        RFC 7009, section 2.1: the tokens of the same grant end as well. So a token that a refresh has replaced ends
        the login too.
        """
        with self._lock:
            self._refresh_tokens[refresh_token].family.revoked = True

    def state(self, refresh_token: str) -> Literal["live", "revoked", "unknown"]:
        """Return the state of a refresh token; one that has expired is "revoked" too."""
        with self._lock:
            token = self._refresh_tokens.get(refresh_token)
            if token is None:
                return "unknown"
            ended = token.revoked or token.family.revoked or token.expires_at <= self._clock.now()
            return "revoked" if ended else "live"

    def _issue(self, family: _Family, switches: Switches) -> Tokens:
        access_token = self._issue_access_token(family, switches)
        refresh_token = "def50200" + secrets.token_hex(340)
        self._refresh_tokens[refresh_token] = _RefreshToken(
            family, access_token, self._clock.now() + switches.refresh_lifetime
        )
        return Tokens(access_token, refresh_token)

    def _issue_access_token(self, family: _Family, switches: Switches) -> str:
        # Real ones are signed JWTs: three parts, about a thousand characters. Nothing here reads what they say.
        head = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"RS256"}').rstrip(b"=").decode()
        token = f"{head}.{secrets.token_urlsafe(210)}.{secrets.token_urlsafe(512)}"
        self._access_tokens[token] = _AccessToken(family, self._clock.now() + switches.token_lifetime)
        return token


def _check_proof(grant: _Code, verifier: str | None) -> None:
    """Check the verifier (RFC 7636, section 4.6); also refuse one where there is no challenge."""
    if grant.challenge is None:
        if verifier:
            raise oauth_errors.missing("code_challenge", "code_verifier received when no code_challenge is present")
        return
    if not verifier:
        raise oauth_errors.missing("code_verifier")
    if not _VERIFIER.fullmatch(verifier):
        raise oauth_errors.missing("code_verifier", "Code Verifier must follow the specifications of RFC-7636.")
    if not compare_digest(challenge_of(verifier, grant.method), grant.challenge):
        raise oauth_errors.failed_proof()


def challenge_of(verifier: str, method: ChallengeMethod) -> str:
    """Return the challenge that belongs to a verifier (RFC 7636, section 4.2)."""
    if method == "plain":
        return verifier
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
