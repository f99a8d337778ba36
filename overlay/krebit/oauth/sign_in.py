"""Sign in with the authorization code grant (RFC 6749, 4.1) and PKCE (RFC 7636).

A sign-in is the address to send a person to, and the check of the answer that comes back to the redirect URI.
"""

import base64
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlencode

from krebit.clock import monotonic
from krebit.config import DEFAULT_PROFILE, Settings, redirect_uri_problem, text_problems
from krebit.errors import ConfigurationError, LoginFailed
from krebit.oauth.grants import Grant
from krebit.redaction import Secret, mask

# Seconds for which the client keeps a sign-in, and how many it keeps: a flood of them must not fill the memory.
_PENDING_LIFE = 3600.0
_MOST_PENDING = 100_000
# Seconds for which a used state is known. A code lives at most ten minutes (RFC 6749, 4.1.2).
_USED_LIFE = 600.0


class LoginAttempt(NamedTuple):
    """A sign-in that was begun. Send the person to `url`. Keep the attempt until the callback comes.

    It belongs to the tenant at `origin` and to the application `client_id`: no other gets its code and verifier.
    """

    url: str
    state: str
    redirect_uri: str
    code_verifier: Secret | None
    origin: str
    client_id: str

    def __repr__(self) -> str:
        return f"LoginAttempt(redirect_uri={self.redirect_uri!r})"

    def to_dict(self) -> dict[str, str | None]:
        """Return plain values for a web application's session.

        The session must be private: the values hold the PKCE verifier. Keep them under the attempt's `state`: a person
        may have begun several attempts.
        """
        return {
            "url": self.url,
            "state": self.state,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.code_verifier.reveal() if self.code_verifier else None,
            "origin": self.origin,
            "client_id": self.client_id,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any] | None) -> Self:
        """Return the attempt that `to_dict` wrote. Raises LoginFailed for anything else."""
        if kept is None:
            raise LoginFailed(
                "no sign-in was kept for this callback (its state is unknown or used, or the session is new); begin "
                "the sign-in again"
            )
        names = ("url", "state", "redirect_uri", "origin", "client_id")
        if not _has_texts(kept, names):
            del kept  # it may hold the verifier, and a traceback may show local variables
            raise LoginFailed("the kept sign-in is not what to_dict() returned; begin the sign-in again")
        verifier = kept.get("code_verifier")
        return cls(
            kept["url"],
            kept["state"],
            kept["redirect_uri"],
            Secret(verifier) if isinstance(verifier, str) else None,
            kept["origin"],
            kept["client_id"],
        )


def _has_texts(kept: object, names: Iterable[str]) -> bool:
    return isinstance(kept, Mapping) and all(isinstance(kept.get(name), str) for name in names)


class _Pending(NamedTuple):
    attempt: LoginAttempt
    profile: str
    until: float


class SignIns:
    """The sign-ins that one client began, each good for one callback.

    Both tables are in the order of time. Their key is a hash of the state, so that the time of a lookup tells nothing
    about the state.
    """

    def __init__(self, settings: Settings, *, pkce: bool, now: Callable[[], float] = monotonic) -> None:
        self._settings = settings
        self._pkce = pkce
        self._now = now
        self._pending: OrderedDict[bytes, _Pending] = OrderedDict()
        self._used: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, *, profile: str = DEFAULT_PROFILE, redirect_uri: str | None = None) -> LoginAttempt:
        """Return a new attempt with a state and a verifier of 256 random bits each. Raises ConfigurationError.

        Where the client keeps it, only a callback to the same profile answers it: one person's sign-in must not become
        another's login (RFC 6749, 10.12).
        """
        if problems := text_problems(redirect_uri=redirect_uri):
            raise ConfigurationError(*problems)
        uri = redirect_uri or self._settings.redirect_uri or ""
        if problem := redirect_uri_problem(uri):
            raise ConfigurationError(
                f"redirect_uri: {problem if uri else 'is not set'}; pass one that is registered for the application, "
                "or set KREBIT_REDIRECT_URI, which from_env() reads"
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
        attempt = LoginAttempt(url, state, uri, verifier, self._settings.origin, self._settings.client_id)
        with self._lock:
            self._forget_old()
            self._pending[_digest(state)] = _Pending(attempt, profile, self._now() + _PENDING_LIFE)
        return attempt

    def finish(
        self,
        callback: str | None = None,
        *,
        profile: str = DEFAULT_PROFILE,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> Grant:
        """Return the grant of a callback that answers an attempt of ours, for the first time. Raises LoginFailed."""
        if not isinstance(attempt, LoginAttempt | None):
            raise LoginFailed("attempt: is not a LoginAttempt; LoginAttempt.from_dict makes one of what to_dict() gave")
        self._check_owner(attempt)
        if text_problems(callback=callback, code=code, state=state):
            raise LoginFailed("the callback is not a text; pass the whole address, such as str(request.url)")
        answer = {"code": code, "state": state} if callback is None else parse_callback(callback)
        error = answer.get("error")
        if error is not None:
            if "state" in answer:  # some servers leave it out of a refusal
                self._claim(answer["state"], profile, attempt)
            reason = answer.get("error_description") or answer.get("message") or "no reason given"
            raise LoginFailed(
                f"the sign-in was refused ({mask(error, 80)}: {mask(reason)}); begin again, and allow the access",
                error=mask(error, 80),
            )
        attempt = self._claim(answer.get("state"), profile, attempt)
        if not answer.get("code"):
            raise LoginFailed("the callback brought no code; begin the sign-in again")
        return Grant("authorization_code", Secret(answer["code"]), attempt.redirect_uri, attempt.code_verifier)

    def _claim(self, state: str | None, profile: str, given: LoginAttempt | None) -> LoginAttempt:
        """Return the attempt that `state` belongs to, and take the state as used."""
        if not state:
            raise LoginFailed("the callback has no state; pass the whole address that the browser was sent to")
        key = _digest(state)
        with self._lock:
            self._forget_old()
            if key in self._used:
                raise LoginFailed("the callback's state was used already (RFC 6749, 10.12); begin the sign-in again")
            known = given
            pending = self._pending.get(key)
            if known is None and pending is not None:
                if pending.profile != profile:
                    raise LoginFailed(
                        "the sign-in was begun for another profile; finish it there, or pass the attempt that you kept "
                        "in the person's own session"
                    )
                known = pending.attempt
            if known is None or not equal(known.state, state):
                raise LoginFailed(
                    "the callback's state is not that of a sign-in begun here (RFC 6749, 10.12), or of one that began "
                    "long ago; begin the sign-in again"
                )
            self._used[key] = self._now() + _USED_LIFE
            self._pending.pop(key, None)
        return known

    def _check_owner(self, attempt: LoginAttempt | None) -> None:
        """Raise LoginFailed for an attempt of another tenant or application: it would get the code and verifier."""
        settings = self._settings
        if attempt is None or (attempt.origin, attempt.client_id) == (settings.origin, settings.client_id):
            return
        raise LoginFailed(
            f"the sign-in was begun at {mask(attempt.origin, 100)} for the application {mask(attempt.client_id, 100)}, "
            f"not at {settings.origin} for {settings.client_id}; finish it with a client of that one"
        )

    def _forget_old(self) -> None:
        """Forget used states that need not be known any more, and sign-ins that were never finished."""
        now = self._now()
        while self._used and next(iter(self._used.values())) <= now:
            self._used.popitem(last=False)
        while self._pending and next(iter(self._pending.values())).until <= now:
            self._pending.popitem(last=False)
        while len(self._pending) >= _MOST_PENDING:
            self._pending.popitem(last=False)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()


def equal(left: str, right: str) -> bool:
    """Return whether two texts are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _code_challenge(verifier: Secret) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def parse_callback(callback: str) -> dict[str, str | None]:
    """Return the parameters of a callback, given its whole URL or the query alone.

    Raises LoginFailed for a parameter that comes twice (RFC 6749, 3.1).
    """
    query = (callback.partition("?")[2] or callback).partition("#")[0]
    fields = parse_qs(query.strip(), keep_blank_values=True)
    if any(len(values) > 1 for values in fields.values()):
        raise LoginFailed("the callback repeats a parameter")
    return {name: values[0] for name, values in fields.items()}
