"""Decide the next step of a refresh or a sign-in. No clock, no socket, no file.

    begin ──► Adopt                    the store holds a token that works: another caller was quicker
          ──► Stop(LoginRequired)      there is nothing to refresh with
          ──► Send ──► granted         Save, Adopt
                  ──► not spent        the same grant again, after a pause, while there is time
                  ──► unknown          the same grant again: it still lives, or the answer says that it is dead
                  ──► dead             the store again: adopt a newer pair; else Save a mark, Stop(LoginRequired)
                  ──► configuration    Stop(ConfigurationError); nothing is stored, nothing is wiped

A grant of the configuration goes first, once. When it cannot be used, the stored login goes on.
"""

import random
from collections.abc import Callable
from typing import Literal, NamedTuple

from krebit.config import DEFAULT_PROFILE, sign_in_command
from krebit.errors import KrebitError, LoginFailed, LoginRequired, TransportError
from krebit.oauth.grants import Grant
from krebit.oauth.token_endpoint import Kind, Outcome
from krebit.redaction import Secret
from krebit.stores.record import Login, TokenPair

_UNKNOWN_TRIES = 3
# Without a connection there is no server that says when to come back: some seconds, not the whole deadline.
_CONNECT_TRIES = 5
_FROM_ENVIRONMENT = "; from_env() also takes a fresh KREBIT_REFRESH_TOKEN or KREBIT_AUTH_CODE of the environment"


class Adopt(NamedTuple):
    """Use this login; it is stored already."""

    login: Login


class Send(NamedTuple):
    """Wait `wait` seconds, make sure that the answer can be stored, and send the grant."""

    grant: Grant
    wait: float = 0.0


class Save(NamedTuple):
    """Store this login, then go on. `granted` says that its tokens are new: they are used even if storing fails."""

    login: Login
    then: "Action"
    granted: bool = False


class Stop(NamedTuple):
    """Raise this error."""

    error: KrebitError


Action = Adopt | Send | Save | Stop


class Refresh:
    """One refresh, from the store's state to a token that works or an error; or one sign-in, given as `sign_in`.

    Call `begin`, then `answered` for each Send. `rejected` is an access token that the API refused. `warn` is called
    with a text about a grant of the configuration that failed while the stored login goes on.
    """

    def __init__(
        self,
        *,
        rejected: Secret | None,
        configured: tuple[Grant, ...],
        now: Callable[[], float],
        warn: Callable[[str], object],
        sign_in: Grant | None = None,
        profile: str = DEFAULT_PROFILE,
    ) -> None:
        self._rejected = rejected
        self._configured = configured
        self._now = now
        self._warn = warn
        self._sign_in = sign_in
        self._profile = profile
        self._login = Login()
        self._source: Literal["store", "configured", "sign-in"] = "store"
        self._tries = 0
        self._unknown_tries = 0

    def begin(self, stored: Login | None) -> Action:
        """Return the first step, given the stored login."""
        self._login = stored or Login.empty()
        if self._sign_in is not None:
            return self._send(self._sign_in, "sign-in")
        return self._from_configuration_or_store()

    def answered(self, outcome: Outcome, *, reload: Callable[[], Login | None], remaining: float) -> Action:
        """Return the next step after an answer. `reload` reads the store again. `remaining` is in seconds."""
        if outcome.pair is not None:
            return self._granted(outcome.pair)
        assert outcome.error is not None
        if outcome.kind in ("not_spent", "unknown"):
            pause = self._pause_before_retry(outcome)
            if pause is not None and pause < remaining:
                return Send(self._grant, pause)
        if self._source == "configured":
            return self._configured_grant_failed(outcome.kind, outcome.error)
        if outcome.kind != "dead":
            return Stop(outcome.error)
        if self._source == "sign-in":
            return Stop(LoginFailed(f"the server refused the code ({outcome.error}); begin the sign-in again"))
        return self._stored_token_is_dead(outcome.error, reload())

    def _granted(self, pair: TokenPair) -> Action:
        login = self._login.with_seen(self._grant.value)
        if self._source != "store":
            # The other configured grants are no newer than this one: used later, they would replace the login.
            login = login.with_seen(*(grant.value for grant in self._configured))
            # Where no new refresh token comes, the one that was sent lives on; the stored one is another grant's.
            sent = self._grant.value if self._grant.kind == "refresh_token" else None
            login = login._replace(refresh_token=sent)
        login = login.with_pair(pair, self._now())
        return Save(login, Adopt(login), granted=True)

    def _pause_before_retry(self, outcome: Outcome) -> float | None:
        """Return the seconds before the same grant is sent again, or None to give up."""
        if self._source == "configured" and self._login.is_usable(self._rejected, self._now()):
            return None  # it can wait for another time: the stored login works
        self._tries += 1
        if outcome.kind == "unknown":
            self._unknown_tries += 1
        offline = isinstance(outcome.error, TransportError) and not outcome.error.sent
        if self._unknown_tries >= _UNKNOWN_TRIES or (offline and self._tries >= _CONNECT_TRIES):
            return None
        jitter = random.uniform(0, min(4.0, 0.1 * 2 ** min(self._tries, 6)))
        return (getattr(outcome.error, "retry_after", None) or 0.0) + jitter

    def _from_configuration_or_store(self, reason: str = "") -> Action:
        """Return the step for a grant of the configuration that this login has not seen, else for the stored login."""
        for grant in self._configured:
            if not self._login.has_seen(grant.value):
                return self._send(grant, "configured")
        used = ": the token or code in the environment was used or refused before" if self._configured else ""
        return self._from_store(reason or f"not signed in{used}")

    def _from_store(self, reason: str = "not signed in") -> Action:
        """Return the step for the stored login: as it is, or refreshed. `reason` says why there is none."""
        login = self._login
        if login.is_usable(self._rejected, self._now()):
            return Adopt(login)
        if login.refresh_token is not None and not login.is_dead:
            return self._send(Grant("refresh_token", login.refresh_token), "store")
        if login.is_dead:
            reason = "the server refused the stored refresh token"
        elif login.access_token is not None:
            reason = "the access token has ended and there is no refresh token"
        return Stop(LoginRequired(reason, advice=self._how_to_sign_in()))

    def _how_to_sign_in(self) -> str:
        command = sign_in_command(self._profile)
        text = f"sign in with `{command}` or api.login() at a terminal, or with start_login() and finish_login()"
        # Another profile takes the grants of the environment only if KREBIT_PROFILE names it.
        return text + _FROM_ENVIRONMENT if self._profile == DEFAULT_PROFILE else text

    def _send(self, grant: Grant, source: Literal["store", "configured", "sign-in"]) -> Send:
        self._grant = grant
        self._source = source
        self._tries = self._unknown_tries = 0
        return Send(grant)

    def _configured_grant_failed(self, kind: Kind, error: KrebitError) -> Action:
        name = "KREBIT_REFRESH_TOKEN" if self._grant.kind == "refresh_token" else "KREBIT_AUTH_CODE"
        if kind == "dead":
            return self._configured_grant_is_dead(f"the server refused {name} ({error})")
        # It may not be spent: it is tried again another time, unless there is nothing else to go on with.
        then = self._from_store()
        if isinstance(then, Stop):
            return Stop(error)
        self._warn(f"{name} could not be used now ({error}); the stored login is used instead")
        return then

    def _configured_grant_is_dead(self, problem: str) -> Action:
        self._login = self._login.with_seen(self._grant.value)
        then = self._from_configuration_or_store(problem)
        says_the_same = isinstance(then, Stop) and problem in str(then.error)
        if not says_the_same:
            self._warn(f"{problem}; the client goes on without it. Set a new one, or remove the variable")
        return Save(self._login, then)

    def _stored_token_is_dead(self, error: KrebitError, stored: Login | None) -> Action:
        reason = f"the server refused the refresh token ({error})"
        refused = Stop(LoginRequired(reason, advice=self._how_to_sign_in()))
        if stored is None:
            return refused  # somebody removed it by hand: a mark would bring it back
        if stored.refresh_token == self._grant.value:
            return Save(self._login.marked_dead(), refused)
        # Somebody changed the login without the lease, such as another tool: that one is newer.
        self._login = stored
        return self._from_store()
