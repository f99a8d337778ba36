"""The token session of one login: fast where the access token is good, one refresh at a time where it is not."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import httpx

from krebit.clock import monotonic
from krebit.config import Settings
from krebit.errors import ConnectionFailed, StoreError
from krebit.http.call import AccessToken
from krebit.http.deadline import Deadline
from krebit.http.send import Failure, Reply, send
from krebit.oauth.background import BackgroundWork
from krebit.oauth.grants import Grant, configured_grants
from krebit.oauth.refresh import Action, Adopt, Refresh, Save, Send, Stop
from krebit.oauth.token_endpoint import METHOD, OPERATION, PATH, classify, token_request
from krebit.oauth.unsaved import UnsavedLogin, UnsavedLoginSlot
from krebit.redaction import Secret
from krebit.stores import Lease, Login, LoginKey, TokenStore
from krebit.stores.guarded import GuardedStore

T = TypeVar("T")
_log = logging.getLogger("krebit")
# Seconds that a waiter waits longer than a refresh takes: it must not give up on a holder that still works.
_MORE_PATIENCE = 15.0
# The part of the deadline that one request may take, so that there is time to send the same token again.
_PER_TRY = 0.4
# Seconds between two checks whether the client closes.
_POLL = 0.05
# Seconds after which a save that failed is tried again.
_SAVE_AGAIN = 5.0


class _Current(NamedTuple):
    """The access token at hand. `good_until` is on the monotonic clock, since the wall clock may jump."""

    token: Secret | None
    good_until: float
    sign_ins: int


class TokenSession:
    """Gives out access tokens of one login.

    `refresh_timeout` is the token endpoint's deadline in seconds, retries included; `lock_patience` the seconds to wait
    for another process's refresh. There is no lock here: each shared attribute is read and replaced in one step.
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
        self._store = GuardedStore(store)
        self._transport = transport
        self._user_agent = user_agent
        self._timeout = refresh_timeout
        self._patience = refresh_timeout + _MORE_PATIENCE if lock_patience is None else lock_patience
        self._configured = configured_grants(settings)
        self.key = LoginKey(settings.domain, settings.client_id, settings.profile)
        # Counts this session's sign-ins and logouts: a refresh that began before one must not bring its login back.
        self._sign_ins = 0
        self._current = _Current(None, 0.0, 0)
        self._unsaved = UnsavedLoginSlot(store, self.key)
        self._is_closing = False
        self._running: dict[tuple[int, object], BackgroundWork[Any]] = {}

    def cached(self, rejected: Secret | None = None) -> AccessToken | None:
        """Return the access token at hand if it is good and not `rejected`. Takes no lock and opens no file."""
        token, good_until, sign_ins = self._current
        good = monotonic() < good_until and sign_ins == self._sign_ins and token != rejected
        return AccessToken(token, refreshed=False) if token is not None and good else None

    def refresh(self, rejected: Secret | None) -> BackgroundWork[AccessToken]:
        """Return the refresh under way, or start one, for an access token that is not `rejected`.

        Its errors are LoginRequired, ConfigurationError, StoreError and those of the transport; DeadlineExceeded when a
        caller's time is up, while the refresh goes on. A caller whose token was refused does not join a refresh that
        may bring the same token again.
        """
        return self._in_background(rejected, lambda: self._refresh(rejected))

    def sign_in(self, grant: Grant) -> BackgroundWork[AccessToken]:
        """Exchange a code for a login, and save it. Its errors are LoginFailed for a dead code, else as `refresh`."""
        return self._in_background(object(), lambda: self._exchange(grant))

    def sign_out(self) -> BackgroundWork[None]:
        """End the login: the store keeps fingerprints, no tokens.

        It takes the store's lease, so that it comes after a refresh under way and no token comes back.
        """
        return self._in_background(object(), self._end_login)

    def is_signed_in(self) -> BackgroundWork[bool]:
        """Look for a login that is not known to be dead, or a grant of the configuration that was not used yet."""
        return self._in_background(object(), self._has_login)

    def finish_work(self) -> None:
        """Wait for all work under way, then try once more to save a login that could not be saved.

        A refresh that waits to send its request again stops.
        """
        self._is_closing = True
        for (process, _), work in list(self._running.items()):
            if process == os.getpid():
                work.wait()
        if self._unsaved.get() is not None:
            with suppress(Exception), self._store.lease(self.key, patience=self._patience) as lease:
                self._save_late(lease, lease.load())

    def _in_background(self, purpose: object, work: Callable[[], T]) -> BackgroundWork[T]:
        """Return the work under way for an equal purpose, or begin it."""
        # A forked child does not join its parent's work: its thread does not run there.
        key = os.getpid(), purpose
        new = BackgroundWork(work, lambda: self._running.pop(key, None), self._timeout + self._patience)
        running = self._running.setdefault(key, new)
        running.start()
        return running

    def _end_login(self) -> None:
        with self._store.lease(self.key, patience=self._patience) as lease:
            stored = lease.load() or Login.empty()
            lease.save(stored.with_seen(*(grant.value for grant in self._configured)).ended())
            self._sign_ins += 1
            self._unsaved.clear()

    def _has_login(self) -> bool:
        unsaved = self._unsaved.get()
        try:
            stored = self._store.load(self.key)
        except StoreError:
            if unsaved is None:
                raise
            return True  # refreshes use it as long as the store fails
        if unsaved is not None and unsaved.outlives(stored):
            stored = unsaved.login
        action = self._decisions(None).begin(stored)
        return isinstance(action, Send) or (isinstance(action, Adopt) and not action.login.is_dead)

    def _refresh(self, rejected: Secret | None) -> AccessToken:
        sign_ins = self._sign_ins
        try:
            if self._unsaved.get() is None:
                action = self._decisions(rejected).begin(self._store.load(self.key))
                if isinstance(action, Adopt):
                    _log.debug("%s: not called, the store holds a valid access token", OPERATION)
                    return AccessToken(self._use(action.login, sign_ins), refreshed=False)
                if isinstance(action, Stop):
                    raise action.error  # without the lease, which would leave a lock file behind
            return self._with_lease(self._decisions(rejected))
        except Exception:
            # The store still fails: the login lives on in memory.
            unsaved = self._unsaved.get()
            if unsaved is None or not unsaved.login.is_usable(rejected, time.time()):
                raise
            return AccessToken(self._use(unsaved.login, sign_ins), refreshed=False)

    def _exchange(self, grant: Grant) -> AccessToken:
        return self._with_lease(self._decisions(None, sign_in=grant), is_sign_in=True)

    def _decisions(self, rejected: Secret | None, sign_in: Grant | None = None) -> Refresh:
        return Refresh(
            rejected=rejected,
            configured=self._configured,
            now=time.time,
            warn=_warn,
            sign_in=sign_in,
            profile=self._settings.profile,
        )

    def _with_lease(self, decisions: Refresh, *, is_sign_in: bool = False) -> AccessToken:
        """Carry out the decisions, with the store's lease in hand."""
        with self._store.lease(self.key, patience=self._patience) as lease:
            deadline = Deadline(self._timeout)
            stored = self._save_late(lease, lease.load())
            action = decisions.begin(stored)
            refreshed = False
            while not isinstance(action, Adopt):
                if isinstance(action, Stop):
                    raise action.error
                if isinstance(action, Save):
                    self._save(lease, action, stored)
                    refreshed = refreshed or action.granted
                    action = action.then
                else:
                    action = self._ask_server(lease, decisions, action, deadline)
            if is_sign_in:
                self._sign_ins += 1
            return AccessToken(self._use(action.login, self._sign_ins), refreshed)
        raise StoreError("the token store's lease suppressed an exception; it must let those of its block pass")

    def _ask_server(self, lease: Lease, decisions: Refresh, action: Send, deadline: Deadline) -> Action:
        self._pause(action.wait)
        lease.prepare()
        one_try = Deadline(min(deadline.remaining(), self._timeout * _PER_TRY))
        request = token_request(action.grant, self._settings, self._user_agent)
        outcome = classify(self._send(request, one_try))
        with suppress(Exception):  # a granted pair is not saved yet: no log handler's fault may cost it
            _log.debug("%s %s %s: %s", METHOD, PATH, action.grant.kind, outcome.kind)
        remaining = 0.0 if self._is_closing else deadline.remaining()
        return decisions.answered(outcome, reload=lease.load, remaining=remaining)

    def _pause(self, seconds: float) -> None:
        """Wait before another try, but not while the client closes: nobody needs the token any more."""
        until = monotonic() + seconds
        while not self._is_closing and monotonic() < until:
            time.sleep(min(_POLL, seconds))

    def _send(self, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
        transport = self._transport()
        try:
            return send(transport, request, deadline)
        except Exception as error:  # noqa: BLE001 - a user's own transport may raise anything
            problem = f"{OPERATION}: the transport {type(transport).__name__} failed ({type(error).__name__})"
        raise ConnectionFailed(problem, sent=True, operation=OPERATION)

    def _save(self, lease: Lease, action: Save, stored: Login | None) -> None:
        """Save a login. Granted tokens that cannot be saved are used all the same, and saved at the next occasion."""
        try:
            lease.save(action.login)
            self._unsaved.clear()
        except BaseException as error:  # noqa: BLE001 - the pair must survive any error of a user's own store
            problem = str(error) if isinstance(error, StoreError) else type(error).__name__
            if action.granted:
                earlier = self._unsaved.get()
                base = earlier.base if earlier else stored or Login()
                self._keep_in_memory(UnsavedLogin(action.login, base), problem)
            else:
                # The error that follows matters more than the mark.
                _log.warning("the store could not note that the server refused a token (%s)", problem)

    def _keep_in_memory(self, unsaved: UnsavedLogin, problem: str) -> None:
        self._unsaved.put(unsaved, self)
        _log.error(
            "the new tokens could not be stored (%s): they live in this process only, and will be stored as soon as "
            "that works; until then other processes find the old, dead token",
            problem,
        )

    def _save_late(self, lease: Lease, stored: Login | None) -> Login | None:
        """Save a login that could not be saved before. Return the login that the store holds now."""
        unsaved = self._unsaved.get()
        if unsaved is None:
            return stored
        if not unsaved.outlives(stored):
            self._unsaved.clear()
            return stored
        generation = stored.generation if stored else 0
        login = unsaved.login._replace(generation=max(unsaved.login.generation, generation + 1))
        self._save(lease, Save(login, Adopt(login), granted=True), stored)
        return login

    def _use(self, login: Login, sign_ins: int) -> Secret:
        """Keep the login's access token at hand and return it."""
        assert login.access_token is not None
        seconds = login.remaining(time.time())
        if self._unsaved.get() is not None:
            seconds = min(seconds, _SAVE_AGAIN)
        self._current = _Current(login.access_token, monotonic() + seconds, sign_ins)
        return login.access_token


def _warn(text: str) -> None:
    _log.warning("%s", text)
