"""The tokens of one client: fast where the access token is good, and one refresh at a time where it is not."""

import json
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import httpx

from krebit._deadline import Deadline
from krebit._secret import Secret
from krebit._wire import transmit
from krebit.config import Settings
from krebit.errors import DeadlineExceeded, LoginFailed, StoreError
from krebit.oauth import flight as flight_
from krebit.oauth.answers import METHOD, OPERATION, PATH, Outcome, classify
from krebit.oauth.machine import Action, Adopt, Grant, Refresh, Save, Stop, is_usable
from krebit.oauth.record import Login, LoginKey
from krebit.stores import Lease, TokenStore

T = TypeVar("T")
_log = logging.getLogger("krebit")
_managers: "weakref.WeakSet[TokenManager]" = weakref.WeakSet()
# How much longer a waiter is patient than a refresh may take: it must not give up on a holder that is still at work.
_MORE_PATIENCE = 15.0
# Seconds after which storing is tried again when it failed.
_STORE_AGAIN = 5.0


def _after_fork() -> None:
    for manager in list(_managers):
        manager.forget_flight()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class TokenManager:
    """Gives out access tokens. `refresh_timeout` in seconds: the token endpoint's deadline, retries included."""

    def __init__(
        self,
        settings: Settings,
        store: TokenStore,
        transport: Callable[[], httpx.BaseTransport],
        *,
        user_agent: str,
        refresh_timeout: float = 30.0,
        lock_patience: float | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._transport = transport
        self._user_agent = user_agent
        self._timeout = refresh_timeout
        self._patience = refresh_timeout + _MORE_PATIENCE if lock_patience is None else lock_patience
        self.key = LoginKey(settings.tenant.domain, settings.application.client_id, settings.profile)
        self._current: Secret | None = None
        self._good_until = 0.0  # on the monotonic clock: the wall clock may jump
        self._unsaved: tuple[Login, int] | None = None
        self.forget_flight()
        _managers.add(self)

    def __repr__(self) -> str:
        return f"TokenManager({self.key})"

    def forget_flight(self) -> None:
        """A forked child has no thread that would end the parent's refresh: it waits for nobody and starts clean."""
        self._mutex = threading.RLock()
        self._flight: Future[Secret] | None = None

    def cached(self) -> Secret | None:
        """The access token, if there is one that is not at its end: no lock, no file."""
        return self._current if time.monotonic() < self._good_until else None

    def get(self, rejected: Secret | None, deadline: Deadline) -> Secret:
        """An access token that is not `rejected`. Raises LoginRequired, ConfigurationError, StoreError, or what the
        transport met; DeadlineExceeded when the caller's time is up (the refresh itself goes on)."""
        flight = self._join(rejected)
        return self._landed(flight, flight_.wait(flight, deadline.remaining(), self._longest), deadline)

    async def aget(self, rejected: Secret | None, deadline: Deadline) -> Secret:
        """As `get`, on the event loop."""
        flight = self._join(rejected)
        return self._landed(flight, await flight_.await_(flight, deadline.remaining(), self._longest), deadline)

    @property
    def _longest(self) -> float:
        return self._timeout + self._patience

    def sign_in(self, grant: Grant) -> "Future[None]":
        """Exchange a code for a login, store it and use it. Fails with LoginFailed for a dead code, else as `get`."""
        return flight_.launch(lambda: self._sign_in(grant))

    def sign_out(self) -> "Future[None]":
        """End the login: the store keeps fingerprints, no tokens. A refresh under way is waited for, so nothing comes
        back."""
        return flight_.launch(self._sign_out)

    def _sign_in(self, grant: Grant) -> None:
        with self._store.lease(self.key, patience=self._patience) as lease:
            stored = lease.load() or Login.empty()
            lease.prepare()
            outcome = self._post(grant, Deadline(self._timeout))
            if outcome.pair is None:
                assert outcome.error is not None
                if outcome.kind == "dead":
                    raise LoginFailed(f"the server refused the code ({outcome.detail}); begin the sign-in again")
                raise outcome.error
            # What the environment holds is older than a sign-in of this moment.
            seeds = self._settings.seeds
            seen = stored.with_seen(grant.value, seeds.refresh_token, seeds.auth_code)
            login = seen.with_pair(outcome.pair, time.time())
            self._store_granted(lease, login, stored)
            self._use(login)

    def _sign_out(self) -> None:
        with self._store.lease(self.key, patience=self._patience) as lease:
            stored = lease.load() or Login.empty()
            seeds = self._settings.seeds
            lease.save(stored.with_seen(seeds.refresh_token, seeds.auth_code).ended())
            with self._mutex:
                self._current, self._good_until, self._unsaved = None, 0.0, None

    def complete(self, flight: "Future[T]") -> T:
        """Wait for a sign-in or a sign-out to end."""
        flight_.wait(flight, self._longest, self._longest)
        return flight_.result_of(flight)

    async def acomplete(self, flight: "Future[T]") -> T:
        """As `complete`, on the event loop."""
        await flight_.await_(flight, self._longest, self._longest)
        return flight_.result_of(flight)

    def settle(self) -> None:
        """Wait for a refresh under way, so that closing its transport cannot lose what it is about to be granted."""
        flight = self._flight
        if flight is not None:
            flight_.wait(flight, self._longest, self._longest)

    def signed_in(self) -> bool:
        """Whether the store holds a login that is not known to be dead, or the environment a grant it has not seen."""
        login = self._store.load(self.key)
        return self._unseen_seed(login) or (login is not None and login.refresh_token is not None and not login.is_dead)

    def _fresh(self, rejected: Secret | None) -> Secret | None:
        token = self.cached()
        return token if token is not None and token != rejected else None

    def _join(self, rejected: Secret | None) -> "Future[Secret]":
        """The refresh under way, or a new one."""
        with self._mutex:
            if self._flight is not None:
                return self._flight
            token = self._fresh(rejected)  # it may have landed while we waited for the mutex
            if token is not None:
                return flight_.landed_at_once(token)
            # Started under the mutex: nobody can join it before it is known.
            self._flight = flight = flight_.launch(lambda: self._refresh(rejected), self._landed_flight)
            return flight

    def _landed_flight(self) -> None:
        with self._mutex:
            self._flight = None

    def _landed(self, flight: "Future[Secret]", done: bool, deadline: Deadline) -> Secret:
        if not done:
            raise DeadlineExceeded(
                f"{OPERATION}: no access token within {deadline.seconds:g} s (the refresh goes on)",
                sent=False,
                operation=OPERATION,
            )
        return flight_.result_of(flight)

    def _refresh(self, rejected: Secret | None) -> Secret:
        stored = self._store.load(self.key)
        if (
            stored is not None
            and self._unsaved is None
            and not self._unseen_seed(stored)
            and is_usable(stored, rejected, time.time())
        ):
            return self._use(stored)
        try:
            with self._store.lease(self.key, patience=self._patience) as lease:
                return self._refresh_leased(lease, rejected)
        except StoreError:
            if self._unsaved is not None and is_usable(self._unsaved[0], rejected, time.time()):
                return self._use(self._unsaved[0])  # still nowhere to keep it: it lives on in memory
            raise

    def _refresh_leased(self, lease: Lease, rejected: Secret | None) -> Secret:
        stored = self._saved_late(lease, lease.load())
        deadline = Deadline(self._timeout)
        machine = Refresh(
            rejected=rejected,
            seeds=self._settings.seeds,
            redirect_uri=self._settings.application.redirect_uri,
            now=time.time,
        )
        action: Action = machine.begin(stored)
        while True:
            if isinstance(action, Adopt):
                return self._use(action.login)
            if isinstance(action, Stop):
                raise action.error
            if isinstance(action, Save):
                if action.warning:
                    _log.warning("%s", action.warning)
                if action.granted:
                    self._store_granted(lease, action.login, stored)
                else:
                    self._store_mark(lease, action.login)
                action = action.then
            else:
                time.sleep(action.wait)
                lease.prepare()
                outcome = self._post(action.grant, deadline)
                action = machine.answered(outcome, reload=lease.load, remaining=deadline.remaining())

    def _store_granted(self, lease: Lease, login: Login, stored: Login | None) -> None:
        """Store a new pair. If that fails the pair is all there is: it is used, and stored at the next occasion."""
        try:
            lease.save(login)
            self._unsaved = None
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the pair must not be lost with it
            self._unsaved = (login, stored.generation if stored else 0)
            text = str(error) if isinstance(error, StoreError) else type(error).__name__
            _log.error(
                "the new tokens could not be stored (%s): they live in this process only, and will be stored as soon "
                "as that works; until then other processes find the old, dead token",
                text,
            )

    def _store_mark(self, lease: Lease, login: Login) -> None:
        """Remember that a token was refused. The error that follows matters more than whether this could be stored."""
        try:
            lease.save(login)
        except StoreError as error:
            _log.warning("it could not be noted that the server refused a token (%s)", error)

    def _saved_late(self, lease: Lease, stored: Login | None) -> Login | None:
        """Store now what could not be stored before, unless the store has moved on since (a login, a logout)."""
        if self._unsaved is None:
            return stored
        login, base = self._unsaved
        if (stored.generation if stored else 0) != base and not (stored and stored.is_dead):
            self._unsaved = None
            return stored
        self._store_granted(lease, login, stored)
        return login

    def _post(self, grant: Grant, deadline: Deadline) -> Outcome:
        answer = transmit(self._transport(), self._request(grant), deadline)
        outcome = classify(answer)
        _log.debug("%s %s %s: %s", METHOD, PATH, grant.kind, outcome.kind)
        return outcome

    def _request(self, grant: Grant) -> httpx.Request:
        """The token request (RFC 6749, 4.1.3 and 6) as this server wants it: a JSON body with the application's
        credentials."""
        application = self._settings.application
        fields = {
            "grant_type": grant.kind,
            "client_id": application.client_id,
            "redirect_uri": grant.redirect_uri,
            "code_verifier": grant.code_verifier.reveal() if grant.code_verifier else None,
        }
        secret = {
            "client_secret": application.client_secret.reveal(),
            "refresh_token" if grant.kind == "refresh_token" else "code": grant.value.reveal(),
        }
        return httpx.Request(
            METHOD,
            self._settings.tenant.origin + PATH,
            headers={"Accept": "application/json", "Content-Type": "application/json", "User-Agent": self._user_agent},
            content=json.dumps(
                {name: value for name, value in {**fields, **secret}.items() if value is not None}
            ).encode(),
        )

    def _use(self, login: Login) -> Secret:
        assert login.access_token is not None
        left = login.remaining(time.time())
        with self._mutex:
            self._current = login.access_token
            if self._unsaved is not None:
                left = min(left, _STORE_AGAIN)
            self._good_until = math.inf if left == math.inf else time.monotonic() + left
        return login.access_token

    def _unseen_seed(self, login: Login | None) -> bool:
        seeds = (self._settings.seeds.refresh_token, self._settings.seeds.auth_code)
        return any(seed is not None and (login is None or not login.has_seen(seed)) for seed in seeds)
