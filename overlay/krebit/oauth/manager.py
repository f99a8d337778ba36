"""The tokens of one client: fast where the access token is good, and one refresh at a time where it is not."""

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from krebit._deadline import Deadline
from krebit._secret import Secret
from krebit._wire import transmit
from krebit.config import Settings
from krebit.errors import DeadlineExceeded, KrebitError, StoreError
from krebit.oauth.exchange import METHOD, OPERATION, PATH, Grant, Outcome, classify, request_for
from krebit.oauth.flight import Flight
from krebit.oauth.machine import Adopt, Refresh, Save, Stop, is_usable
from krebit.oauth.record import Login, LoginKey
from krebit.stores import Lease, TokenStore

T = TypeVar("T")
_log = logging.getLogger("krebit")
_managers: "weakref.WeakSet[TokenManager]" = weakref.WeakSet()
# How much longer a waiter is patient than a refresh may take: it must not give up on a holder that is still at work.
_MORE_PATIENCE = 15.0
# The part of the time that one request may take, so that there is time to send the same token again.
_PER_TRY = 0.4
# Seconds after which storing is tried again when it failed.
_STORE_AGAIN = 5.0


def _after_fork() -> None:
    for manager in list(_managers):
        manager.forget_flights()


def _at_exit() -> None:
    # The interpreter waits for the threads by itself, but a second Ctrl-C ends that waiting.
    for manager in list(_managers):
        manager.settle()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)


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
        self._longest = self._timeout + self._patience
        self.key = LoginKey(settings.tenant.domain, settings.application.client_id, settings.profile)
        self._current: Secret | None = None
        self._good_until = 0.0  # on the monotonic clock: the wall clock may jump
        self._logouts = 0
        # A pair that could not be stored, and what was stored when it was granted.
        self._unsaved: tuple[Login, Login] | None = None
        self.forget_flights()
        _managers.add(self)

    def __repr__(self) -> str:
        return f"TokenManager({self.key})"

    def forget_flights(self) -> None:
        """A forked child has no thread that would end the parent's refresh: it waits for nobody and starts clean."""
        self._mutex = threading.RLock()
        self._refreshing: Flight[Secret] | None = None
        self._flights: set[Flight[Any]] = set()

    def cached(self) -> Secret | None:
        """The access token, if there is one that is not at its end: no lock, no file."""
        return self._current if time.monotonic() < self._good_until else None

    def get(self, rejected: Secret | None, deadline: Deadline) -> Secret:
        """An access token that is not `rejected`. Raises LoginRequired, ConfigurationError, StoreError, or what the
        transport met; DeadlineExceeded when the caller's time is up (the refresh itself goes on)."""
        try:
            # A refresh that others began, who do not know yet that this token is refused, may bring it again.
            while (token := self.cached()) is None or token == rejected:
                flight = self._join(rejected)
                token = self._landed(flight, flight.wait(deadline.remaining()), deadline)
                if token != rejected:
                    break
            return token
        except KrebitError:
            raise
        except BaseException:
            self.settle()
            raise

    async def aget(self, rejected: Secret | None, deadline: Deadline) -> Secret:
        """As `get`, on the event loop."""
        try:
            while (token := self.cached()) is None or token == rejected:
                flight = self._join(rejected)
                token = self._landed(flight, await flight.await_(deadline.remaining()), deadline)
                if token != rejected:
                    break
            return token
        except (KrebitError, GeneratorExit):
            raise
        except BaseException as error:
            await self._asettle(error)
            raise

    def sign_in(self, grant: Grant) -> Flight[None]:
        """Exchange a code for a login, store it and use it; `complete` it. Fails with LoginFailed for a dead code, else
        as `get`."""
        return Flight(lambda: self._sign_in(grant), self._flights.discard)

    def sign_out(self) -> Flight[None]:
        """End the login: the store keeps fingerprints, no tokens. A refresh under way is waited for, so nothing comes
        back. `complete` it."""
        return Flight(self._sign_out, self._flights.discard)

    def _sign_in(self, grant: Grant) -> None:
        with self._store.lease(self.key, patience=self._patience) as lease:
            self._drive(lease, lease.load(), rejected=None, sign_in=grant)

    def _sign_out(self) -> None:
        with self._store.lease(self.key, patience=self._patience) as lease:
            stored = lease.load() or Login.empty()
            seeds = self._settings.seeds
            lease.save(stored.with_seen(seeds.refresh_token, seeds.auth_code).ended())
            with self._mutex:
                self._logouts += 1
                self._current, self._good_until, self._unsaved = None, 0.0, None

    def complete(self, flight: Flight[T]) -> T:
        """Wait for a sign-in or a sign-out to end."""
        try:
            self._flights.add(flight)
            return self._landed(flight, flight.wait(self._longest), Deadline(self._longest))
        except KrebitError:
            raise
        except BaseException:
            self.settle()
            raise

    async def acomplete(self, flight: Flight[None]) -> None:
        """As `complete`, on the event loop."""
        try:
            self._flights.add(flight)
            self._landed(flight, await flight.await_(self._longest), Deadline(self._longest))
        except (KrebitError, GeneratorExit):
            raise
        except BaseException as error:
            await self._asettle(error)
            raise

    def settle(self) -> None:
        """Wait for everything under way, so that closing its transport, or the process's end, cannot lose what it is
        about to be granted."""
        for flight in list(self._flights):
            flight.settle(self._longest)

    async def _asettle(self, why: BaseException) -> None:
        import asyncio  # only here, where a loop runs: blocking programs do without

        try:
            if isinstance(why, asyncio.CancelledError):
                for flight in list(self._flights):
                    await flight.asettle(self._longest)
                return
        except GeneratorExit:
            raise
        except BaseException:
            self.settle()
            raise
        self.settle()  # Ctrl-C: the loop itself is coming to its end, and awaits nothing any more

    def signed_in(self) -> bool:
        """Whether the store holds a login that is not known to be dead, or the environment a grant it has not seen."""
        return self.complete(Flight(self._signed_in, self._flights.discard))

    def _signed_in(self) -> bool:
        login = self._store.load(self.key)
        return self._unseen_seed(login) or (login is not None and login.refresh_token is not None and not login.is_dead)

    def _join(self, rejected: Secret | None) -> Flight[Secret]:
        """The refresh under way, or a new one. Whoever waits for it starts it, so it hangs on nobody."""
        with self._mutex:
            if self._refreshing is None:
                # Another may have landed while we waited for the mutex: the work looks there first.
                flight = Flight(lambda: self._refresh(rejected), self._landed_refresh)
                self._flights.add(flight)
                self._refreshing = flight
            return self._refreshing

    def _landed_refresh(self, flight: Flight[Secret]) -> None:
        with self._mutex:
            self._flights.discard(flight)
            self._refreshing = None

    def _landed(self, flight: Flight[T], done: bool, deadline: Deadline) -> T:
        if not done:
            raise DeadlineExceeded(
                f"{OPERATION}: no access token within {deadline.seconds:g} s (the refresh goes on)",
                sent=False,
                operation=OPERATION,
            )
        return flight.result()

    def _refresh(self, rejected: Secret | None) -> Secret:
        logouts = self._logouts
        try:
            stored = self._store.load(self.key)
            if (
                stored is not None
                and self._unsaved is None
                and not self._unseen_seed(stored)
                and is_usable(stored, rejected, time.time())
            ):
                return self._adopt(stored, logouts)
            with self._store.lease(self.key, patience=self._patience) as lease:
                return self._drive(lease, self._saved_late(lease, lease.load()), rejected=rejected)
        except Exception as error:
            unsaved = self._unsaved
            if unsaved is None or (isinstance(error, KrebitError) and not isinstance(error, StoreError)):
                raise
            if not is_usable(unsaved[0], rejected, time.time()):
                raise
            return self._use(unsaved[0], logouts)  # still nowhere to keep it: it lives on in memory

    def _drive(
        self, lease: Lease, stored: Login | None, *, rejected: Secret | None, sign_in: Grant | None = None
    ) -> Secret:
        """Do what the machine says, with the store's lease in hand."""
        deadline = Deadline(self._timeout)
        machine = Refresh(
            rejected=rejected,
            seeds=self._settings.seeds,
            redirect_uri=self._settings.application.redirect_uri,
            now=time.time,
            sign_in=sign_in,
        )
        action = machine.begin(stored)
        while True:
            while machine.warnings:
                _log.warning("%s", machine.warnings.pop(0))
            if isinstance(action, Adopt):
                take = self._adopt if action.login is stored else self._use
                return take(action.login, self._logouts)
            if isinstance(action, Stop):
                raise action.error
            if isinstance(action, Save):
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
            self._unsaved = (login, stored or Login())
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
        except Exception as error:  # noqa: BLE001 - as above
            text = str(error) if isinstance(error, StoreError) else type(error).__name__
            _log.warning("it could not be noted that the server refused a token (%s)", text)

    def _saved_late(self, lease: Lease, stored: Login | None) -> Login | None:
        """Store now what could not be stored before, unless the store has moved on since (a login, a logout)."""
        if self._unsaved is None:
            return stored
        login, base = self._unsaved
        found = stored or Login()
        # Others may have found, and marked, that the token which this pair replaced is dead.
        marked = found.is_dead and found.refresh_token == base.refresh_token
        if found.generation != base.generation and not marked:
            self._unsaved = None
            return stored
        self._store_granted(lease, login, found)
        return login

    def _post(self, grant: Grant, deadline: Deadline) -> Outcome:
        one_try = Deadline(min(deadline.remaining(), self._timeout * _PER_TRY))
        outcome = classify(transmit(self._transport(), request_for(grant, self._settings, self._user_agent), one_try))
        _log.debug("%s %s %s: %s", METHOD, PATH, grant.kind, outcome.kind)
        return outcome

    def _adopt(self, login: Login, logouts: int) -> Secret:
        _log.debug("%s: none needed, the store holds a token that is good", OPERATION)
        return self._use(login, logouts)

    def _use(self, login: Login, logouts: int) -> Secret:
        """Give out its access token and keep it at hand, unless somebody signed out since `logouts` was read."""
        assert login.access_token is not None
        left = login.remaining(time.time())
        with self._mutex:
            if logouts == self._logouts:
                self._current = login.access_token
                left = left if self._unsaved is None else min(left, _STORE_AGAIN)
                self._good_until = time.monotonic() + left
        return login.access_token

    def _unseen_seed(self, login: Login | None) -> bool:
        seeds = (self._settings.seeds.refresh_token, self._settings.seeds.auth_code)
        return any(seed is not None and (login is None or not login.has_seen(seed)) for seed in seeds)
