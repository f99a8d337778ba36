"""A login as it is kept: the token pair, when it was had, and fingerprints of every token that was ever part of it."""

import base64
import hmac
import json
import math
import secrets
from typing import Any, NamedTuple, Self

from krebit._secret import Secret
from krebit.errors import StoreError

_VERSION = 1
_DIGEST = 8  # bytes of a fingerprint: enough to tell one store's tokens apart, too few to be of use to anybody else


class LoginKey(NamedTuple):
    """Whose login: one per tenant, application and profile."""

    tenant: str
    client_id: str
    profile: str = "default"


class TokenPair(NamedTuple):
    """What the token endpoint granted. `lifetime` of the access token in seconds, None if the server did not say."""

    access_token: Secret
    refresh_token: Secret | None
    lifetime: float | None


class Login(NamedTuple):
    """The state of a login. Without tokens it is a login that was ended, or that never began.

    `obtained_at` and `expires_at` in seconds since the epoch; `generation` counts the changes, `turns` the sign-ins and
    logouts among them; `dead` is the fingerprint of a refresh token that the server refused.
    """

    access_token: Secret | None = None
    refresh_token: Secret | None = None
    obtained_at: float = 0.0
    expires_at: float | None = None
    generation: int = 0
    turns: int = 0
    salt: bytes = b""
    seen: bytes = b""
    dead: bytes = b""

    def __repr__(self) -> str:
        return f"Login(generation={self.generation}, expires_at={self.expires_at})"  # no fingerprint, nor their key

    @classmethod
    def empty(cls) -> Self:
        """A login that never began, with a key of its own for fingerprints."""
        return cls(salt=secrets.token_bytes(16))

    def fingerprint(self, token: Secret | None) -> bytes:
        """A keyed hash by which a token is known again, without being kept; of no token, nothing."""
        return hmac.digest(self.salt, token.reveal().encode(), "sha256")[:_DIGEST] if token else b""

    def has_seen(self, token: Secret) -> bool:
        """Whether this token was ever part of this login, or was tried for it."""
        return self.fingerprint(token) in [self.seen[at : at + _DIGEST] for at in range(0, len(self.seen), _DIGEST)]

    def with_seen(self, *tokens: Secret | None) -> Self:
        """The same, remembering these tokens."""
        new = [self.fingerprint(token) for token in tokens if token is not None and not self.has_seen(token)]
        return self._replace(seen=self.seen + b"".join(new))

    def with_pair(self, pair: TokenPair, now: float, *, signed_in: bool = False) -> Self:
        """The login after a grant. Where no new refresh token was granted, the old one stays (RFC 6749, 6)."""
        return self.with_seen(pair.refresh_token)._replace(
            access_token=pair.access_token,
            refresh_token=pair.refresh_token or self.refresh_token,
            obtained_at=now,
            expires_at=None if pair.lifetime is None else now + pair.lifetime,
            generation=self.generation + 1,
            turns=self.turns + signed_in,
            dead=b"",
        )

    def marked_dead(self) -> Self:
        """The login whose refresh token the server refused. Nothing is wiped: the mark says which token it is about."""
        return self._replace(dead=self.fingerprint(self.refresh_token), generation=self.generation + 1)

    def ended(self) -> Self:
        """After a logout: no tokens; what was seen stays, so that a token left in the environment does not come
        back."""
        return self._replace(
            access_token=None,
            refresh_token=None,
            expires_at=None,
            dead=b"",
            generation=self.generation + 1,
            turns=self.turns + 1,
        )

    @property
    def is_dead(self) -> bool:
        """Whether the refresh token that is kept is the one that the server refused."""
        return self.dead != b"" and self.fingerprint(self.refresh_token) == self.dead

    def remaining(self, now: float) -> float:
        """Seconds for which the access token may be used; infinite where the server never said, 0 without a token.

        It is renewed before its end: by a tenth of its life, at most a minute. A clock that was put back since cannot
        make it live longer than it was granted for.
        """
        if self.access_token is None or self.expires_at is None:
            return math.inf if self.access_token else 0.0
        lifetime = self.expires_at - self.obtained_at
        return max(0.0, min(self.expires_at - now, lifetime) - min(60.0, lifetime / 10))

    def to_json(self) -> bytes:
        """The form in which stores keep it. It holds the tokens."""
        return json.dumps(
            {
                "version": _VERSION,
                "access_token": self.access_token.reveal() if self.access_token else None,
                "refresh_token": self.refresh_token.reveal() if self.refresh_token else None,
                "obtained_at": self.obtained_at,
                "expires_at": self.expires_at,
                "generation": self.generation,
                "turns": self.turns,
                "salt": base64.b64encode(self.salt).decode(),
                "seen": base64.b64encode(self.seen).decode(),
                "dead": base64.b64encode(self.dead).decode(),
            }
        ).encode()

    @classmethod
    def from_json(cls, text: bytes, where: str) -> Self:
        """Read it back. Raises StoreError naming `where`, and never showing what stood there."""
        try:
            content = json.loads(text)
            if content["version"] > _VERSION:
                raise StoreError(f"{where}: was written by a newer version of this library")
            return cls(
                access_token=_secret(content["access_token"]),
                refresh_token=_secret(content["refresh_token"]),
                obtained_at=float(content["obtained_at"]),
                expires_at=None if content["expires_at"] is None else float(content["expires_at"]),
                generation=int(content["generation"]),
                turns=int(content.get("turns", 0)),
                salt=base64.b64decode(content["salt"], validate=True),
                seen=base64.b64decode(content["seen"], validate=True),
                dead=base64.b64decode(content["dead"], validate=True),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            problem = f"{where}: is not a stored login; move it away and sign in again"
        raise StoreError(problem)


def sane_lifetime(value: Any) -> float | None:
    """`expires_in` as seconds, from a number or its text, or None where it makes no sense: then only a 401 tells."""
    try:
        seconds = float(value)
    except (ValueError, TypeError, OverflowError):
        return None
    # `true` would be a second, and beyond ten years it is no promise.
    return seconds if value is not True and 0 < seconds <= 10 * 366 * 86_400 else None


def _secret(value: Any) -> Secret | None:
    if value is not None and not (isinstance(value, str) and value):
        raise TypeError
    return None if value is None else Secret(value)
