"""The resources that a client shares with all its views: transports, requests, token sessions."""

import os
import platform
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TypedDict

import httpx

from krebit._version import __version__
from krebit.config import Settings, seconds_problems
from krebit.errors import ClientClosed, ConfigurationError
from krebit.http.call_limit import AsyncCallLimit, BlockingCallLimit
from krebit.http.pool import MAX_CONNECTIONS
from krebit.http.request import RequestBuilder
from krebit.http.retry import RetryBudget
from krebit.http.transports import AsynchronousTransport, BlockingTransport, TransportFactory
from krebit.oauth.session import TokenSession
from krebit.redaction import Secret
from krebit.stores import TokenStore
from krebit_api.leniency import FieldWarnings

# The parent's transports in a forked child. They are kept here, so that the child does not even close them.
_inherited: list[object] = []


class ClientOptions(TypedDict, total=False):
    """Options of `Krebit` and `AsyncKrebit` beside the application; all optional, all by keyword.

    Times are in seconds. docs/settings.md explains each option.
    """

    store: TokenStore
    """Where the login is kept. Default: a `FileTokenStore` in the user's state folder."""
    timeout: float
    """Seconds for a whole call with its retries, from when it has its place (`queue_timeout`). Default: 30."""
    retries: int
    """Attempts beyond the first. Default: 2. Waits for a rate limit that the server announces are not counted."""
    attempt_timeout: float
    """Seconds without a byte after which an attempt of a GET is given up and made again. Default: 10."""
    queue_timeout: float
    """Seconds that a call waits for its place, before its timeout begins. Default: as long as it takes."""
    ca_file: str | os.PathLike[str] | None
    """PEM file of the certificate authority to trust. Default: `SSL_CERT_FILE`, `SSL_CERT_DIR` or certifi's."""
    proxy: str
    """URL of a proxy. Default: `HTTPS_PROXY` and `NO_PROXY`, or the system's settings."""
    transport: BlockingTransport
    """A blocking transport in place of ours, or a function that wraps ours: `lambda ours: Cache(ours)`. Only ours holds
    the timeout against a server that sends a byte at a time. An asynchronous client uses it for the token endpoint."""
    async_transport: AsynchronousTransport
    """The same for an asynchronous client. `"aiohttp"` is one over aiohttp (`pip install 'krebit[aiohttp]'`)."""
    pkce: bool
    """Whether sign-ins use PKCE (RFC 7636). Default: True."""
    refresh_timeout: float
    """Seconds for the token endpoint, retries included. Default: 30."""
    lock_patience: float
    """Seconds to wait for another process's refresh. Default: the refresh timeout and 15 more."""


class ClientResources:
    """Shared by a client and its views. Opens no socket and no file before the first call."""

    def __init__(self, settings: Settings, options: ClientOptions) -> None:
        """Raises ConfigurationError for an option that has an impossible value."""
        _check_refreshes(options)
        self.budget = RetryBudget()
        self.field_warnings = FieldWarnings("krebit")
        self.closed = False
        self._user_agent = user_agent()
        self.builder = RequestBuilder(settings.origin, self._user_agent)
        self._origin = settings.origin
        self._proxy = Secret(options.pop("proxy", None))
        self._options = options
        self._store = _store(options)
        self._sessions: weakref.WeakValueDictionary[str, TokenSession] = weakref.WeakValueDictionary()
        self._make_transports()

    def _make_transports(self) -> None:
        # Both now: at the first use threads would race. An asynchronous client refreshes over the blocking transport.
        factory = TransportFactory(self._origin, self._options.get("ca_file"), self._proxy)
        self.transport = factory.blocking(self._options.get("transport"))
        self.async_transport = factory.asynchronous(self._options.get("async_transport"))
        self.call_limit = BlockingCallLimit(MAX_CONNECTIONS)
        self.async_call_limit = AsyncCallLimit(MAX_CONNECTIONS)
        self._calls: set[object] = set()
        self._sessions_lock = threading.Lock()
        self._process = os.getpid()

    def session(self, settings: Settings) -> TokenSession:
        """Return the token session of a profile. Views of one profile share it."""
        self._leave_parents_transports()
        with self._sessions_lock:
            session = self._sessions.get(settings.profile)
            if session is None:
                session = TokenSession(
                    settings,
                    self._store,
                    lambda: self.transport,
                    user_agent=self._user_agent,
                    refresh_timeout=self._options.get("refresh_timeout", 30.0),
                    lock_patience=self._options.get("lock_patience"),
                )
                self._sessions[settings.profile] = session
            return session

    def require_open(self) -> Self:
        """Return itself. Raises ClientClosed after close()."""
        if self.closed:
            raise ClientClosed("the client is closed; make a new one, it finds the stored login")
        self._leave_parents_transports()
        return self

    def close(self) -> bool:
        """Mark the client as closed. Return whether no call is under way, so that the caller ends it now."""
        self.closed = True
        self._leave_parents_transports()
        return self.is_idle

    def _leave_parents_transports(self) -> None:
        """Make transports of our own in a forked child: it shares its parent's sockets, and leaves them alone.

        The lock is made anew too: another thread of the parent may have held it at the fork.
        """
        if self._process != os.getpid():
            _inherited.append((self.transport, self.async_transport))
            self._make_transports()

    @contextmanager
    def counted_call(self) -> Iterator[None]:
        """Count a call as under way for the `with` block."""
        call = object()
        self._calls.add(call)
        try:
            yield
        finally:
            self._calls.discard(call)

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way.

        A socket must not be closed while another thread reads from it: after close() the last call closes them.
        """
        return not self._calls

    def release(self) -> None:
        """Wait until each refresh under way is stored, then close the blocking transport."""
        for session in list(self._sessions.values()):
            session.finish_work()
        self.transport.close()


def user_agent() -> str:
    """Return the versions that a server is told."""
    return f"krebit-python/{__version__} httpx/{httpx.__version__} python/{platform.python_version()}"


def hide_proxy(options: ClientOptions) -> None:
    """Wrap the proxy's URL, which may hold a password: a traceback may show the options. Raises ConfigurationError."""
    proxy: object = options.get("proxy")
    if not isinstance(proxy, str | Secret | None):
        raise ConfigurationError("proxy: must be a URL as a text")
    options["proxy"] = Secret(proxy)  # type: ignore[typeddict-item]


def _check_refreshes(options: ClientOptions) -> None:
    problems = seconds_problems(refresh_timeout=options.get("refresh_timeout", 30.0))
    patience = options.get("lock_patience")
    if patience is not None:
        problems += seconds_problems(lock_patience=patience)
    if problems:
        raise ConfigurationError(*problems)


def _store(options: ClientOptions) -> TokenStore:
    if "store" not in options:
        from krebit.stores.file import FileTokenStore

        return FileTokenStore()
    store = options["store"]
    if isinstance(store, type) or not hasattr(store, "lease"):
        raise ConfigurationError("store: must be a token store, such as FileTokenStore(folder)")
    return store
