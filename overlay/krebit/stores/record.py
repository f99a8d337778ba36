"""A login as it is stored: the token pair, its times, and fingerprints of the tokens that were part of it."""

import base64
import hashlib
import hmac
import json
import math
import re
import secrets
from typing import Any, NamedTuple, Self

from krebit.errors import StoreError
from krebit.redaction import Secret

_VERSION = 1
# Bytes of a fingerprint: enough to tell one store's tokens apart, too few to be of use to anybody else.
_DIGEST = 8
# How many refresh tokens of the server's are remembered, the latest ones: six weeks of hourly refreshes.
_MOST_GRANTED = 1000


class LoginKey(NamedTuple):
    """The name of a login: there is one for each tenant, application and profile."""

    tenant: str
    client_id: str
    profile: str = "default"

    def file_name(self) -> str:
        """Return a name that shows tenant and profile, in ASCII. A hash keeps similar ones apart."""
        digest = self.digest().hex()[:16]
        readable = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{self.tenant}.{self.profile}")[:80].lstrip(".")
        return f"{readable}.{digest}"

    def digest(self) -> bytes:
        """Return a hash of the whole key."""
        return hashlib.sha256("\0".join(self).encode()).digest()


class TokenPair(NamedTuple):
    """The tokens of one grant. `lifetime` of the access token in seconds, or None if the server did not say."""

    access_token: Secret
    refresh_token: Secret | None
    lifetime: float | None


class Login(NamedTuple):
    """The state of a login. Without tokens it is a login that was ended, or that never began.

    `obtained_at` and `expires_at` are seconds since the epoch. `generation` counts the changes. `salt` is the key of
    the fingerprints. `seen` holds the fingerprint of each code and each configured refresh token that counts as used.
    `granted` holds the fingerprints of the latest thousand refresh tokens that the server granted. `dead` is the
    fingerprint of a refused refresh token.
    """

    access_token: Secret | None = None
    refresh_token: Secret | None = None
    obtained_at: float = 0.0
    expires_at: float | None = None
    generation: int = 0
    salt: bytes = b""
    seen: bytes = b""
    dead: bytes = b""
    granted: bytes = b""

    def __repr__(self) -> str:
        return f"Login(generation={self.generation}, expires_at={self.expires_at})"  # no fingerprint, nor their key

    @classmethod
    def empty(cls) -> Self:
        """Return a login that never began, with a key of its own for fingerprints."""
        return cls(salt=secrets.token_bytes(16))

    def fingerprint(self, token: Secret | None) -> bytes:
        """Return a keyed hash that recognises a token without keeping it. For no token it is empty."""
        return hmac.digest(self.salt, token.reveal().encode(), "sha256")[:_DIGEST] if token else b""

    def has_seen(self, token: Secret) -> bool:
        """Return whether this token was tried for this login, or was part of it within the latest thousand refreshes.

        An older token that somebody configures is tried once: the server refuses it, and it is remembered for good.
        """
        known = self.seen + self.granted
        return self.fingerprint(token) in {known[start : start + _DIGEST] for start in range(0, len(known), _DIGEST)}

    def has_unseen(self, *tokens: Secret) -> bool:
        """Return whether one of these tokens, which may be empty, was not tried for this login."""
        return any(token and not self.has_seen(token) for token in tokens)

    def with_seen(self, *tokens: Secret | None) -> Self:
        """Return the same login that remembers these tokens too."""
        new = [self.fingerprint(token) for token in tokens if token is not None and not self.has_seen(token)]
        return self._replace(seen=self.seen + b"".join(new))

    def with_pair(self, pair: TokenPair, now: float) -> Self:
        """Return the login after a grant. Without a new refresh token the old one stays (RFC 6749, 6)."""
        granted = self.granted
        if pair.refresh_token is not None and not self.has_seen(pair.refresh_token):
            granted += self.fingerprint(pair.refresh_token)
        return self._replace(
            granted=granted[-_MOST_GRANTED * _DIGEST :],
            access_token=pair.access_token,
            refresh_token=pair.refresh_token or self.refresh_token,
            obtained_at=now,
            expires_at=None if pair.lifetime is None else now + pair.lifetime,
            generation=self.generation + 1,
            dead=b"",
        )

    def marked_dead(self) -> Self:
        """Return the login with a mark that the server refused its refresh token. The token itself stays."""
        return self._replace(dead=self.fingerprint(self.refresh_token), generation=self.generation + 1)

    def ended(self) -> Self:
        """Return the login after a logout: no tokens.

        The fingerprints stay, so that a token left in the environment does not bring the login back.
        """
        return self._replace(
            access_token=None, refresh_token=None, expires_at=None, dead=b"", generation=self.generation + 1
        )

    @property
    def is_dead(self) -> bool:
        """Whether the server refused the refresh token that is stored."""
        return self.dead != b"" and self.fingerprint(self.refresh_token) == self.dead

    def remaining(self, now: float) -> float:
        """Return the seconds for which the access token may be used: 0 without one, infinite if the server never said.

        The token is renewed before its end, by a tenth of its life and at most a minute. A clock that was put back
        cannot make it live longer than it was granted for.
        """
        if self.access_token is None:
            return 0.0
        if self.expires_at is None:
            return math.inf
        lifetime = self.expires_at - self.obtained_at
        margin = min(60.0, lifetime / 10)
        return max(0.0, min(self.expires_at - now, lifetime) - margin)

    def is_usable(self, rejected: Secret | None, now: float) -> bool:
        """Return whether the access token may be used: it has not ended, and is not the one that was refused."""
        return self.remaining(now) > 0 and self.access_token != rejected

    def to_json(self) -> bytes:
        """Return the JSON that stores keep. It holds the tokens."""
        return json.dumps(
            {
                "version": _VERSION,
                "access_token": self.access_token.reveal() if self.access_token else None,
                "refresh_token": self.refresh_token.reveal() if self.refresh_token else None,
                "obtained_at": self.obtained_at,
                "expires_at": self.expires_at,
                "generation": self.generation,
                "salt": base64.b64encode(self.salt).decode(),
                "seen": base64.b64encode(self.seen).decode(),
                "dead": base64.b64encode(self.dead).decode(),
                "granted": base64.b64encode(self.granted).decode(),
            }
        ).encode()

    def to_secret(self) -> Secret:
        """Return the JSON as a secret, to be passed on: a traceback may show the arguments of a function."""
        return Secret(self.to_json().decode())

    @classmethod
    def from_json(cls, text: bytes, where: str) -> Self:
        """Return the login that `to_json` wrote. Raises StoreError that names `where` and never shows the text."""
        try:
            content = json.loads(text)
            if content["version"] > _VERSION:
                raise StoreError(f"{where}: was written by a newer version of this library; update this one")
            return cls(
                access_token=_secret(content["access_token"]),
                refresh_token=_secret(content["refresh_token"]),
                obtained_at=float(content["obtained_at"]),
                expires_at=None if content["expires_at"] is None else float(content["expires_at"]),
                generation=int(content["generation"]),
                salt=base64.b64decode(content["salt"], validate=True),
                seen=base64.b64decode(content["seen"], validate=True),
                dead=base64.b64decode(content["dead"], validate=True),
                granted=base64.b64decode(content.get("granted", ""), validate=True),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            problem = f"{where}: is not a stored login; move it away and sign in again"
        raise StoreError(problem)


def as_bytes(value: object) -> object:
    """Return the bytes of a Secret, and any other value as it is."""
    return value.reveal().encode() if isinstance(value, Secret) else value


def _secret(value: Any) -> Secret | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise TypeError
    return Secret(value)
