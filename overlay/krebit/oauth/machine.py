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
from typing import Literal, NamedTuple

from krebit._secret import Secret
from krebit.config import Grant
from krebit.errors import KrebitError, LoginFailed, LoginRequired, TransportError
from krebit.oauth.exchange import Kind, Outcome
from krebit.oauth.record import Login

_UNKNOWN_TRIES = 3
# Without a connection there is no server that says when to come back: some seconds, not the whole deadline.
_CONNECT_TRIES = 5
HOW_TO_SIGN_IN = (
    "sign in with krebit.login() at a terminal, or with start_login() and finish_login(); "
    "a fresh KREBIT_REFRESH_TOKEN or KREBIT_AUTH_CODE in the environment is taken too"
)


class Adopt(NamedTuple):
    """Use this login; it is stored already."""

    login: Login


class Post(NamedTuple):
    """Wait so many seconds, make sure that the answer can be stored, and send the grant."""

    grant: Grant
    wait: float = 0.0


class Save(NamedTuple):
    """Store this login, then go on. `granted` says that the tokens in it are new: they are used even if storing
    fails."""

    login: Login
    then: "Action"
    granted: bool = False


class Stop(NamedTuple):
    """Raise this."""

    error: KrebitError


Action = Adopt | Post | Save | Stop


@dataclass(kw_only=True)
class Refresh:
    """One refresh, from the store's state to a token that works or an error; or one sign-in, which begins with its
    own grant. Call `begin`, then `answered` for each Post. What goes on all the same is told to `warn`."""

    rejected: Secret | None
    seeds: tuple[Grant, ...]
    now: Callable[[], float]
    warn: Callable[[str], object]
    sign_in: Grant | None = None

    def begin(self, stored: Login | None) -> Action:
        """The first step, given what the store holds now that its lock is ours."""
        self._login = stored or Login.empty()
        return self._next() if self.sign_in is None else self._post(self.sign_in, "sign-in")

    def answered(self, outcome: Outcome, *, reload: Callable[[], Login | None], remaining: float) -> Action:
        """The next step after an answer. `reload` reads the store again, `remaining` is the time left in seconds."""
        if outcome.pair is not None:
            # What the environment holds is no newer than a seed that was taken, or a sign-in of this moment: used
            # later, it would replace the login.
            signed_in = self._source != "store"
            seen = self._login.with_seen(self._grant.value, *(seed.value for seed in self.seeds if signed_in))
            login = seen.with_pair(outcome.pair, self.now(), signed_in=signed_in)
            return Save(login, Adopt(login), granted=True)
        assert outcome.error is not None
        # A seed can wait for another time where the stored login works.
        can_wait = self._source == "seed" and is_usable(self._login, self.rejected, self.now())
        if outcome.kind in ("not_spent", "unknown") and not can_wait:
            self._tries += 1
            self._unknown += outcome.kind == "unknown"
            offline = isinstance(outcome.error, TransportError) and not outcome.error.sent
            enough = self._unknown >= _UNKNOWN_TRIES or (offline and self._tries >= _CONNECT_TRIES)
            pause = (getattr(outcome.error, "retry_after", None) or 0.0) + random.uniform(
                0, min(4.0, 0.1 * 2 ** min(self._tries, 6))
            )
            if not enough and pause < remaining:
                return Post(self._grant, pause)
        if self._source == "seed":
            return self._seed_failed(outcome.kind, outcome.error)
        if outcome.kind != "dead":
            return Stop(outcome.error)
        if self._source == "sign-in":
            return Stop(LoginFailed(f"the server refused the code ({outcome.error}); begin the sign-in again"))
        return self._dead(outcome.error, reload())

    def _next(self, state: str = "") -> Action:
        """A seed that this login has not seen, else what is stored."""
        for seed in self.seeds:
            if not self._login.has_seen(seed.value):
                return self._post(seed, "seed")
        used = ", and what the environment holds was used or refused before" if self.seeds else ""
        return self._from_store(state or f"not signed in{used}")

    def _from_store(self, state: str = "not signed in") -> Action:
        """What is stored, as it is or refreshed. `state` tells why there is nothing, if no better reason is known."""
        if is_usable(self._login, self.rejected, self.now()):
            return Adopt(self._login)
        if self._login.refresh_token is not None and not self._login.is_dead:
            return self._post(Grant("refresh_token", self._login.refresh_token), "store")
        if self._login.is_dead:
            state = "the server refused the stored refresh token"
        elif self._login.access_token is not None:
            state = "the access token has ended and there is no refresh token"
        return Stop(LoginRequired(f"{state}; {HOW_TO_SIGN_IN}"))

    def _post(self, grant: Grant, source: Literal["store", "seed", "sign-in"]) -> Post:
        self._grant, self._source, self._tries, self._unknown = grant, source, 0, 0
        return Post(grant)

    def _seed_failed(self, kind: Kind, error: KrebitError) -> Action:
        name = "KREBIT_REFRESH_TOKEN" if self._grant.kind == "refresh_token" else "KREBIT_AUTH_CODE"
        if kind == "dead":
            self._login = self._login.with_seen(self._grant.value)
            then = self._next(refused := f"the server refused {name} ({error})")
            if not (isinstance(then, Stop) and refused in str(then.error)):  # which says the same
                self.warn(f"{refused}; it is not tried again")
            return Save(self._login, then)
        # Not known to be spent: it is tried again another time, unless there is nothing else to go on with.
        then = self._from_store()
        if isinstance(then, Stop):
            return Stop(error)
        self.warn(f"{name} could not be used now ({error}); the stored login is used instead")
        return then

    def _dead(self, error: KrebitError, stored: Login | None) -> Action:
        refused = Stop(LoginRequired(f"the server refused the refresh token ({error}); {HOW_TO_SIGN_IN}"))
        if stored is None:
            return refused  # removed by hand: a mark would bring it back
        if stored.refresh_token == self._grant.value:
            return Save(self._login.marked_dead(), refused)
        # Somebody signed in or out meanwhile, against the rules of the lock or from another tool: theirs is newer.
        self._login = stored
        return self._from_store()


def is_usable(login: Login, rejected: Secret | None, now: float) -> bool:
    """Whether its access token may be tried: not the one that was refused, and not at its end."""
    return login.access_token is not None and login.access_token != rejected and login.remaining(now) > 0
