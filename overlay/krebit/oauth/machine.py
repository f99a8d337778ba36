"""What to do next in a refresh or a sign-in: decisions only, no clock, no socket, no file.

    begin ──► Adopt                    the store holds a token that works: somebody else was quicker
          ──► Stop(LoginRequired)      nothing to refresh with
          ──► Post ──► granted         Save, Adopt
                  ──► not spent        the same grant again, after a pause, while there is time
                  ──► unknown          the same grant again: it still lives, or the answer says that it is dead
                  ──► dead             the store again: adopt a newer pair; else Save a mark, Stop(LoginRequired)
                  ──► configuration    Stop(ConfigurationError); nothing is stored, nothing is wiped

A grant from the environment (a seed) goes first, once. When it cannot be used, the stored login goes on.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from krebit._secret import Secret
from krebit.config import Seeds
from krebit.errors import KrebitError, LoginFailed, LoginRequired, TransportError
from krebit.oauth.exchange import Grant, Outcome
from krebit.oauth.record import Login

_UNKNOWN_TRIES = 3
# Without a connection there is no server that says when to come back: some seconds, not the whole deadline.
_CONNECT_TRIES = 5
HOW_TO_SIGN_IN = (
    "sign in with krebit.login() at a terminal, or with start_login() and finish_login(); "
    "a fresh KREBIT_REFRESH_TOKEN or KREBIT_AUTH_CODE in the environment is taken too"
)


@dataclass(frozen=True, slots=True)
class Adopt:
    """Use this login; it is stored already."""

    login: Login


@dataclass(frozen=True, slots=True)
class Post:
    """Wait so many seconds, make sure that the answer can be stored, and send the grant."""

    grant: Grant
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Save:
    """Store this login, then go on. `granted` says that the tokens in it are new: they are used even if storing
    fails."""

    login: Login
    then: "Action"
    granted: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Raise this."""

    error: KrebitError


Action = Adopt | Post | Save | Stop


class Refresh:
    """One refresh, from the store's state to a token that works or an error; or one sign-in, which begins with its
    own grant. Call `begin`, then `answered` for each Post. `warnings` are for the log."""

    def __init__(
        self,
        *,
        rejected: Secret | None,
        seeds: Seeds,
        redirect_uri: str | None,
        now: Callable[[], float],
        sign_in: Grant | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self._rejected = rejected
        self._seeds = seeds
        self._redirect_uri = redirect_uri
        self._now = now
        self._sign_in = sign_in
        self._login = Login.empty()
        self._grant: Grant | None = None
        self._source: Literal["store", "seed", "sign-in"] = "store"
        self._tries = 0
        self._unknown = 0

    def begin(self, stored: Login | None) -> Action:
        """The first step, given what the store holds now that its lock is ours."""
        if stored is not None:
            self._login = stored
        if self._sign_in is not None:
            return self._post(self._sign_in, "sign-in")
        seed = self._next_seed()
        return self._from_store() if seed is None else self._post(seed, "seed")

    def answered(self, outcome: Outcome, *, reload: Callable[[], Login | None], remaining: float) -> Action:
        """The next step after an answer. `reload` reads the store again, `remaining` is the time left in seconds."""
        assert self._grant is not None
        if outcome.kind == "granted":
            assert outcome.pair is not None
            # What the environment holds is no newer than a seed that was taken, or a sign-in of this moment: used
            # later, it would replace the login.
            seeds = () if self._source == "store" else (self._seeds.refresh_token, self._seeds.auth_code)
            login = self._login.with_seen(self._grant.value, *seeds).with_pair(outcome.pair, self._now())
            return Save(login, Adopt(login), granted=True)
        assert outcome.error is not None
        if outcome.kind in ("not_spent", "unknown") and not (self._source == "seed" and self._usable()):
            pause = self._pause(outcome)
            if pause < remaining:
                return Post(self._grant, pause)
        if self._source == "seed":
            return self._seed_failed(outcome)
        if outcome.kind != "dead":
            return Stop(outcome.error)
        if self._source == "sign-in":
            return Stop(LoginFailed(f"the server refused the code ({outcome.detail}); begin the sign-in again"))
        return self._dead(outcome, reload())

    def _next_seed(self) -> Grant | None:
        token, code = self._seeds.refresh_token, self._seeds.auth_code
        if token is not None and not self._login.has_seen(token):
            return Grant("refresh_token", token)
        # The quickstart's code was asked for without PKCE: a verifier nobody announced would be refused.
        if code is not None and not self._login.has_seen(code):
            return Grant("authorization_code", code, redirect_uri=self._redirect_uri)
        return None

    def _usable(self) -> bool:
        return is_usable(self._login, self._rejected, self._now())

    def _from_store(self) -> Action:
        login = self._login
        if self._usable():
            return Adopt(login)
        if login.refresh_token is None:
            state = (
                "the access token has ended and there is no refresh token" if login.access_token else "not signed in"
            )
            return Stop(LoginRequired(f"{state}; {HOW_TO_SIGN_IN}"))
        if login.is_dead:
            return Stop(LoginRequired(f"the server refused the stored refresh token; {HOW_TO_SIGN_IN}"))
        return self._post(Grant("refresh_token", login.refresh_token), "store")

    def _post(self, grant: Grant, source: Literal["store", "seed", "sign-in"]) -> Post:
        self._grant, self._source, self._tries, self._unknown = grant, source, 0, 0
        return Post(grant)

    def _pause(self, outcome: Outcome) -> float:
        self._tries += 1
        if outcome.kind == "unknown":
            self._unknown += 1
        offline = isinstance(outcome.error, TransportError) and not outcome.error.sent
        if self._unknown >= _UNKNOWN_TRIES or (offline and self._tries >= _CONNECT_TRIES):
            return float("inf")
        return (outcome.retry_after or 0.0) + random.uniform(0, min(4.0, 0.1 * 2 ** min(self._tries, 6)))

    def _seed_failed(self, outcome: Outcome) -> Action:
        assert self._grant is not None
        assert outcome.error is not None
        name = "KREBIT_REFRESH_TOKEN" if self._grant.kind == "refresh_token" else "KREBIT_AUTH_CODE"
        has_login = self._usable() or (self._login.refresh_token is not None and not self._login.is_dead)
        if outcome.kind != "dead":
            # Not known to be spent: it is tried again another time, unless there is nothing else to go on with.
            if not has_login:
                return Stop(outcome.error)
            self.warnings.append(f"{name} could not be used now ({outcome.error}); the stored login goes on")
            return self._from_store()
        self._login = self._login.with_seen(self._grant.value)
        refused = f"the server refused {name} ({outcome.detail})"
        then: Action
        if (seed := self._next_seed()) is not None:
            self.warnings.append(refused)
            then = self._post(seed, "seed")
        elif has_login:
            self.warnings.append(f"{refused}; the stored login goes on")
            then = self._from_store()
        else:
            then = Stop(LoginRequired(f"{refused}; {HOW_TO_SIGN_IN}"))
        return Save(self._login, then)

    def _dead(self, outcome: Outcome, stored: Login | None) -> Action:
        assert self._grant is not None
        refused = Stop(LoginRequired(f"the server refused the refresh token ({outcome.detail}); {HOW_TO_SIGN_IN}"))
        if stored is None:
            return refused  # removed by hand: a mark would bring it back
        if stored.refresh_token != self._grant.value:
            # Somebody signed in or out meanwhile, against the rules of the lock or from another tool: theirs is newer.
            self._login = stored
            return self._from_store()
        return Save(self._login.marked_dead(), refused)


def is_usable(login: Login, rejected: Secret | None, now: float) -> bool:
    """Whether its access token may be tried: not the one that was refused, and not at its end."""
    return login.access_token is not None and login.access_token != rejected and login.remaining(now) > 0
