"""The tokens of one client: fast where the access token is good, and one refresh at a time where it is not."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import httpx

from krebit._deadline import Deadline
from krebit._secret import Secret
from krebit._wire import transmit
from krebit.config import Grant, Settings
from krebit.errors import StoreError
from krebit.oauth.exchange import METHOD, OPERATION, PATH, classify, request_for
from krebit.oauth.flight import Flight
from krebit.oauth.machine import Adopt, Post, Refresh, Save, Stop, is_usable
from krebit.oauth.record import Login, LoginKey
from krebit.stores import Lease, TokenStore

T = TypeVar("T")
_log = logging.getLogger("krebit")
# How much longer a waiter is patient than a refresh may take: it must not give up on a holder that is still at work.
_MORE_PATIENCE = 15.0
# The part of the time that one request may take, so that there is time to send the same token again.
_PER_TRY = 0.4
# Seconds after which storing is tried again when it failed.
_STORE_AGAIN = 5.0


class TokenManager:
    """Gives out access tokens. `refresh_timeout` in seconds: the token endpoint's deadline, retries included.

    Here is no lock: what several threads touch is read and replaced in one step each.
    """

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
        self._request_for = partial(request_for, settings=settings, user_agent=user_agent)
        self._machine = partial(Refresh, seeds=settings.seeds, now=time.time, warn=partial(_log.warning, "%s"))
        self._timeout = refresh_timeout
        self._patience = refresh_timeout + _MORE_PATIENCE if lock_patience is None else lock_patience
        self.key = LoginKey(settings.domain, settings.client_id, settings.profile)
        # The access token, until when it is good on the monotonic clock (the wall clock may jump), and at which count
        # of sign-ins and logouts it was read: what is still brought of an earlier login is not used again.
        self._current: tuple[Secret | None, float, int] = None, 0.0, 0
        self._logins = 0
        # A pair that could not be stored, and what was stored when it was granted.
        self._unsaved: tuple[Login, Login] | None = None
        self._flights: dict[object, Flight[Any]] = {}

    def cached(self, rejected: Secret | None = None) -> Secret | None:
        """The access token, if there is one that is not `rejected` and not at its end: no lock, no file."""
        token, good_until, logins = self._current
        good = time.monotonic() < good_until and logins == self._logins and token != rejected
        return token if good else None

    def refreshed(self, rejected: Secret | None) -> Flight[Secret]:
        """An access token that is not `rejected`, of the refresh under way or of a new one. Fails with LoginRequired,
        ConfigurationError, StoreError, or what the transport met; with DeadlineExceeded when the time of who joins is
        up (the refresh itself goes on).

        Who was refused a token does not join a refresh that may bring it again; whose turn comes later finds in the
        store what the earlier one brought.
        """
        return self._flight(rejected, partial(self._refresh, rejected))

    def sign_in(self, grant: Grant) -> Flight[Secret]:
        """Exchange a code for a login, store it and use it. Fails with LoginFailed for a dead code, else as
        `refreshed`."""
        return self._flight(object(), partial(self._drive, None, grant))

    def sign_out(self) -> Flight[None]:
        """End the login: the store keeps fingerprints, no tokens. A refresh under way is waited for, so nothing comes
        back."""
        return self._flight(object(), self._sign_out)

    def signed_in(self) -> Flight[bool]:
        """Whether the store holds a login that is not known to be dead, or the environment a grant it has not seen."""
        return self._flight(object(), self._signed_in)

    def settle(self) -> BaseException | None:
        """Wait for everything under way, so that closing its transport cannot lose what it is about to be granted; and
        try once more to store what could not be stored. Returns what interrupted the waiting."""
        interruptions = [flight.settle() for flight in list(self._flights.values())]
        if self._unsaved is not None:
            with suppress(Exception), self._store.lease(self.key, patience=self._patience) as lease:
                self._saved_late(lease, lease.load())
        return next(filter(None, interruptions), None)

    def _flight(self, what: object, work: Callable[[], T]) -> Flight[T]:
        # A forked child does not find its parent's, which no thread would land there.
        key = (os.getpid(), what)
        flight = Flight(work, partial(self._flights.pop, key, None), self._timeout + self._patience)
        return self._flights.setdefault(key, flight)

    def _sign_out(self) -> None:
        with self._store.lease(self.key, patience=self._patience) as lease:
            seeds = (seed.value for seed in self._settings.seeds)
            lease.save((lease.load() or Login.empty()).with_seen(*seeds).ended())
            self._logins += 1
            self._unsaved = None

    def _signed_in(self) -> bool:
        action = self._machine(rejected=None).begin(self._store.load(self.key))
        return isinstance(action, Post) or (isinstance(action, Adopt) and not action.login.is_dead)

    def _refresh(self, rejected: Secret | None) -> Secret:
        logins = self._logins
        try:
            action = self._machine(rejected=rejected).begin(self._store.load(self.key))
            if isinstance(action, Adopt) and self._unsaved is None:
                _log.debug("%s: none needed, the store holds a token that is good", OPERATION)
                return self._use(action.login, logins)
            return self._drive(rejected)
        except Exception:
            if self._unsaved is None or not is_usable(self._unsaved[0], rejected, time.time()):
                raise
            return self._use(self._unsaved[0], logins)  # still nowhere to keep it: it lives on in memory

    def _drive(self, rejected: Secret | None, sign_in: Grant | None = None) -> Secret:
        """Do what the machine says, with the store's lease in hand."""
        with self._store.lease(self.key, patience=self._patience) as lease:
            deadline = Deadline(self._timeout)
            machine = self._machine(rejected=rejected, sign_in=sign_in)
            stored = self._saved_late(lease, lease.load())
            action = machine.begin(stored)
            while not isinstance(action, Adopt):
                if isinstance(action, Stop):
                    raise action.error
                if isinstance(action, Save):
                    self._save(lease, action.login, stored, granted=action.granted)
                    action = action.then
                    continue
                time.sleep(action.wait)
                lease.prepare()
                one_try = Deadline(min(deadline.remaining(), self._timeout * _PER_TRY))
                outcome = classify(transmit(self._transport(), self._request_for(action.grant), one_try))
                with suppress(Exception):  # a pair that was granted is not stored yet: no handler's fault may cost it
                    _log.debug("%s %s %s: %s", METHOD, PATH, action.grant.kind, outcome.kind)
                action = machine.answered(outcome, reload=lease.load, remaining=deadline.remaining())
            self._logins += sign_in is not None
            return self._use(action.login, self._logins)
        raise StoreError("the token store's lease kept an error to itself")

    def _save(self, lease: Lease, login: Login, stored: Login | None, *, granted: bool) -> None:
        """Store it. A pair that was granted is all there is: if that fails it is used, and stored at the next occasion.
        After a mark comes an error, which matters more than whether the mark could be stored."""
        try:
            lease.save(login)
            self._unsaved = None
        except BaseException as error:  # noqa: BLE001 - whatever a store raises, the pair must not be lost with it
            text = str(error) if isinstance(error, StoreError) else type(error).__name__
            if not granted:
                _log.warning("it could not be noted that the server refused a token (%s)", text)
                return
            # Where an earlier one could not be stored either, what it was granted upon is what is stored still; and
            # several sign-ins that nobody saw count as one, or they would replace a later one of somebody else.
            base = self._unsaved[1] if self._unsaved else stored or Login()
            self._unsaved = login._replace(turns=min(login.turns, base.turns + 1)), base
            _log.error(
                "the new tokens could not be stored (%s): they live in this process only, and will be stored as soon "
                "as that works; until then other processes find the old, dead token",
                text,
            )

    def _saved_late(self, lease: Lease, stored: Login | None) -> Login | None:
        """Store now what could not be stored before, unless the store has moved on since: to another login, or none."""
        if self._unsaved is None:
            return stored
        login, base = self._unsaved
        found = stored or Login()
        # A login of an earlier sign-in than ours, or of the same and found dead. None at all is not: it was ended.
        worse = found.access_token is not None and (found.turns, not found.is_dead) < (login.turns, True)
        if found.generation != base.generation and not worse:
            self._unsaved = None
            return stored
        login = login._replace(generation=found.generation + 1)
        self._save(lease, login, found, granted=True)
        return login

    def _use(self, login: Login, logins: int) -> Secret:
        """Give out its access token and keep it at hand."""
        assert login.access_token is not None
        left = min(login.remaining(time.time()), _STORE_AGAIN if self._unsaved else float("inf"))
        self._current = login.access_token, time.monotonic() + left, logins
        return login.access_token
