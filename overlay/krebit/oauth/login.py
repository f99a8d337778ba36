"""Signing in with the authorization code grant (RFC 6749, 4.1) and PKCE (RFC 7636): the address to send a person to,
and what to do with the answer that comes back to the redirect URI."""

import base64
import hashlib
import hmac
import secrets
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlencode

from krebit._mask import mask
from krebit._secret import Secret
from krebit.config import Grant, Settings, redirect_uri_problem
from krebit.errors import ConfigurationError, LoginFailed

# How many sign-ins are remembered, so that a flood of them does not fill the memory.
_KEPT = 1000


class LoginAttempt(NamedTuple):
    """A sign-in that was begun. Send the person to `url`; keep the rest until the callback comes, or let the client
    keep it."""

    url: str
    state: str
    redirect_uri: str
    code_verifier: Secret | None

    def __repr__(self) -> str:
        return f"LoginAttempt(redirect_uri={self.redirect_uri!r})"

    def to_dict(self) -> dict[str, str | None]:
        """For a web application's own session, which must be private: it holds the PKCE verifier."""
        return {
            "url": self.url,
            "state": self.state,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.code_verifier.reveal() if self.code_verifier else None,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any] | None) -> Self:
        """What `to_dict` gave. Raises LoginFailed if it is not that."""
        url, state, redirect_uri, verifier = map(
            (kept or {}).get,  # a session may have kept nothing
            ("url", "state", "redirect_uri", "code_verifier"),
        )
        if not (isinstance(url, str) and isinstance(state, str) and isinstance(redirect_uri, str)):
            raise LoginFailed("the kept sign-in is not what to_dict() gave; begin the sign-in again")
        return cls(url, state, redirect_uri, Secret(verifier) if isinstance(verifier, str) else None)


class Logins:
    """The sign-ins that one client began, each good for one callback."""

    def __init__(self, settings: Settings, *, pkce: bool) -> None:
        self._settings = settings
        self._pkce = pkce
        self._begun: deque[LoginAttempt] = deque(maxlen=_KEPT)
        self._used: deque[str] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def start(self, *, redirect_uri: str | None = None) -> LoginAttempt:
        """A new attempt: state and verifier of 256 bits each, never the same twice. Raises ConfigurationError."""
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
        verifier = Secret(secrets.token_urlsafe(32)) if self._pkce else None
        if verifier:
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.reveal().encode()).digest()).rstrip(b"=")
            query |= {"code_challenge": challenge.decode(), "code_challenge_method": "S256"}
        attempt = LoginAttempt(f"{self._settings.origin}/oauth/authorize?{urlencode(query)}", state, uri, verifier)
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
        """The grant that a callback brought, if it answers an attempt of ours, for the first time. Raises
        LoginFailed."""
        answer = _answer(callback) if callback is not None else {"code": code, "state": state}
        if (error := answer.get("error")) is not None:
            if "state" in answer:  # some servers leave it out of a refusal
                self._claim(answer["state"], attempt)
            text = answer.get("error_description") or answer.get("message") or "no reason given"
            raise LoginFailed(f"the sign-in was refused ({mask(error, 80)}: {mask(text)})", error=error[:80])
        attempt = self._claim(answer.get("state"), attempt)
        if not answer.get("code"):
            raise LoginFailed("the callback brought no code; begin the sign-in again")
        return Grant("authorization_code", Secret(answer["code"]), attempt.redirect_uri, attempt.code_verifier)

    def _claim(self, state: str | None, given: LoginAttempt | None) -> LoginAttempt:
        if not state:
            raise LoginFailed("the callback has no state: it takes the whole address that the browser was sent to")
        with self._lock:
            known = given or next((one for one in self._begun if same(one.state, state)), None)
            used = any(same(one, state) for one in self._used)
            if known is None or used or not same(known.state, state):
                raise LoginFailed(
                    f"the callback's state {'was used already' if used else 'is not that of a sign-in begun here'} "
                    "(RFC 6749, 10.12); begin the sign-in again"
                )
            self._used.append(state)
            self._begun = deque((one for one in self._begun if not same(one.state, state)), _KEPT)
        return known


def same(left: str, right: str) -> bool:
    """Whether two texts are equal, told in a time that does not depend on where they differ."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _answer(callback: str) -> dict[str, str | None]:
    """The parameters of a callback: its whole URL, or the query alone. One that comes twice is refused (RFC 6749,
    3.1)."""
    query = (callback.partition("?")[2] or callback).partition("#")[0]
    fields = parse_qs(query.strip(), keep_blank_values=True)
    if any(len(values) > 1 for values in fields.values()):
        raise LoginFailed("the callback repeats a parameter")
    return {name: values[0] for name, values in fields.items()}
