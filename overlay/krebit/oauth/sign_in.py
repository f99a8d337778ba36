"""Sign in with the authorization code grant (RFC 6749, 4.1) and PKCE (RFC 7636).

A sign-in is the address to send a person to, and the check of the answer that comes back to the redirect URI.
"""

import base64
import hashlib
import hmac
import secrets
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlencode

from krebit.config import Settings, redirect_uri_problem
from krebit.errors import ConfigurationError, LoginFailed
from krebit.oauth.grants import Grant
from krebit.redaction import Secret, mask

# How many sign-ins are remembered, so that a flood of them does not fill the memory.
_KEPT = 1000


class LoginAttempt(NamedTuple):
    """A sign-in that was begun. Send the person to `url`. Keep the rest until the callback comes."""

    url: str
    state: str
    redirect_uri: str
    code_verifier: Secret | None

    def __repr__(self) -> str:
        return f"LoginAttempt(redirect_uri={self.redirect_uri!r})"

    def to_dict(self) -> dict[str, str | None]:
        """Return plain values for a web application's session. It must be private: it holds the PKCE verifier."""
        return {
            "url": self.url,
            "state": self.state,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.code_verifier.reveal() if self.code_verifier else None,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any] | None) -> Self:
        """Return the attempt that `to_dict` wrote. Raises LoginFailed for anything else."""
        kept = kept or {}
        url, state, redirect_uri = kept.get("url"), kept.get("state"), kept.get("redirect_uri")
        verifier = kept.get("code_verifier")
        if not (isinstance(url, str) and isinstance(state, str) and isinstance(redirect_uri, str)):
            raise LoginFailed("the kept sign-in is not what to_dict() returned; begin the sign-in again")
        return cls(url, state, redirect_uri, Secret(verifier) if isinstance(verifier, str) else None)


class SignIns:
    """The sign-ins that one client began, each good for one callback."""

    def __init__(self, settings: Settings, *, pkce: bool) -> None:
        self._settings = settings
        self._pkce = pkce
        self._begun: deque[LoginAttempt] = deque(maxlen=_KEPT)
        self._used: deque[str] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def start(self, *, redirect_uri: str | None = None) -> LoginAttempt:
        """Return a new attempt with a state and a verifier of 256 random bits each. Raises ConfigurationError."""
        uri = redirect_uri or self._settings.redirect_uri or ""
        if problem := redirect_uri_problem(uri):
            raise ConfigurationError(
                f"redirect_uri: {problem if uri else 'is not set'}; pass one that is registered for the application, "
                "or set KREBIT_REDIRECT_URI"
            )
        state = secrets.token_urlsafe(32)
        query = {
            "client_id": self._settings.client_id,
            "redirect_uri": uri,
            "response_type": "code",
            "state": state,
        }
        verifier = None
        if self._pkce:
            verifier = Secret(secrets.token_urlsafe(32))
            query["code_challenge"] = _code_challenge(verifier)
            query["code_challenge_method"] = "S256"
        url = f"{self._settings.origin}/oauth/authorize?{urlencode(query)}"
        attempt = LoginAttempt(url, state, uri, verifier)
        with self._lock:
            self._begun.append(attempt)
        return attempt

    def finish(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> Grant:
        """Return the grant of a callback that answers an attempt of ours, for the first time. Raises LoginFailed."""
        answer = {"code": code, "state": state} if callback is None else _parse_callback(callback)
        error = answer.get("error")
        if error is not None:
            if "state" in answer:  # some servers leave it out of a refusal
                self._claim(answer["state"], attempt)
            reason = answer.get("error_description") or answer.get("message") or "no reason given"
            raise LoginFailed(f"the sign-in was refused ({mask(error, 80)}: {mask(reason)})", error=error[:80])
        attempt = self._claim(answer.get("state"), attempt)
        if not answer.get("code"):
            raise LoginFailed("the callback brought no code; begin the sign-in again")
        return Grant("authorization_code", Secret(answer["code"]), attempt.redirect_uri, attempt.code_verifier)

    def _claim(self, state: str | None, given: LoginAttempt | None) -> LoginAttempt:
        """Return the attempt that `state` belongs to, and take the state as used."""
        if not state:
            raise LoginFailed("the callback has no state; pass the whole address that the browser was sent to")
        with self._lock:
            if any(equal(used, state) for used in self._used):
                raise LoginFailed("the callback's state was used already (RFC 6749, 10.12); begin the sign-in again")
            known = given or next((one for one in self._begun if equal(one.state, state)), None)
            if known is None or not equal(known.state, state):
                raise LoginFailed(
                    "the callback's state is not that of a sign-in begun here (RFC 6749, 10.12); "
                    "begin the sign-in again"
                )
            self._used.append(state)
            self._begun = deque((one for one in self._begun if not equal(one.state, state)), _KEPT)
        return known


def equal(left: str, right: str) -> bool:
    """Return whether two texts are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _code_challenge(verifier: Secret) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _parse_callback(callback: str) -> dict[str, str | None]:
    """Return the parameters of a callback, given its whole URL or the query alone.

    Raises LoginFailed for a parameter that comes twice (RFC 6749, 3.1).
    """
    query = (callback.partition("?")[2] or callback).partition("#")[0]
    fields = parse_qs(query.strip(), keep_blank_values=True)
    if any(len(values) > 1 for values in fields.values()):
        raise LoginFailed("the callback repeats a parameter")
    return {name: values[0] for name, values in fields.items()}
