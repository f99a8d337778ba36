"""What a client and all its views share: who asks whom, the transports, the tokens."""

import os
import platform
from functools import partial
from typing import Self, TypedDict

import httpx

from krebit._call import build_request
from krebit._retry import Budget
from krebit._secret import Secret
from krebit._transports import Asynchronous, Blocking, Route
from krebit._version import __version__
from krebit.config import Settings
from krebit.errors import ClientClosed, ConfigurationError
from krebit.oauth.login import Logins
from krebit.oauth.manager import TokenManager
from krebit.stores import TokenStore

_abandoned: list[object] = []


class ClientOptions(TypedDict, total=False):
    """What `Krebit` and `AsyncKrebit` take beside the application; all optional, all by keyword."""

    store: TokenStore
    """Where the login is kept; a `FileTokenStore` in the user's state folder if not given."""
    timeout: float
    """Seconds for a whole call, retries included; 30."""
    retries: int
    """Attempts beyond the first; 2."""
    ca_file: str | os.PathLike[str] | None
    """PEM file of the certificate authority to trust; else `SSL_CERT_FILE`, `SSL_CERT_DIR` or certifi's."""
    proxy: str
    """URL of a proxy; else `HTTPS_PROXY` and `NO_PROXY`, or the system's settings."""
    transport: Blocking
    """Blocking transport in place of ours, or a function that wraps ours: `lambda ours: Cache(ours)`. Only ours holds
    the timeout against a server that drips. Of an asynchronous client, the one for the token endpoint."""
    async_transport: Asynchronous
    """The same for an asynchronous client; `"aiohttp"` is one over aiohttp (`pip install 'krebit[aiohttp]'`)."""
    pkce: bool
    """Whether sign-ins use PKCE (RFC 7636); True."""
    refresh_timeout: float
    """Seconds for the token endpoint, retries included; 30."""
    lock_patience: float
    """Seconds to wait for another process's refresh; the refresh timeout and 15 more."""


class Core:
    """Shared by a client and its views. Opens no socket and no file before the first call."""

    def __init__(self, settings: Settings, given: ClientOptions) -> None:
        self.settings = settings
        self.budget = Budget()
        self.closed = False
        # Kept apart from the rest, which a traceback may show: it may hold a password.
        self._proxy = Secret(given.pop("proxy", None))
        self._given = given
        self._make_transports()
        user_agent = f"krebit-python/{__version__} httpx/{httpx.__version__} python/{platform.python_version()}"
        self.build = partial(build_request, settings.origin, user_agent)
        if "store" not in given:
            from krebit.stores.file import FileTokenStore

            given["store"] = FileTokenStore()
        if isinstance(given["store"], type) or not hasattr(given["store"], "lease"):
            raise ConfigurationError("store: must be a token store, such as FileTokenStore(folder)")
        self.tokens = TokenManager(
            settings,
            given["store"],
            lambda: self.transport,
            user_agent=user_agent,
            refresh_timeout=given.get("refresh_timeout", 30.0),
            lock_patience=given.get("lock_patience"),
        )
        self.logins = Logins(settings, pkce=given.get("pkce", True))

    def _make_transports(self) -> None:
        # Both at once: made on first use they would race, and an asynchronous client refreshes over the blocking one.
        route = Route(self.settings.origin, self._given.get("ca_file"), self._proxy)
        self.transport = route.blocking(self._given.get("transport"))
        self.async_transport = route.asynchronous(self._given.get("async_transport"))
        # Those under way. A socket must not be closed while another thread reads it: after close() the last of them
        # closes the transports.
        self.calls: set[object] = set()
        self._process = os.getpid()

    def opened(self) -> Self:
        """Itself. Raises ClientClosed after close()."""
        if self.closed:
            raise ClientClosed("the client is closed; make a new one, it finds the stored login")
        if self._process != os.getpid():
            # A forked child shares its parent's sockets: it leaves them alone, unclosed, and takes new ones.
            _abandoned.append((self.transport, self.async_transport))
            self._make_transports()
        return self

    def end(self) -> None:
        """Wait for a refresh under way, then close the blocking transport."""
        interruption = self.tokens.settle()
        self.transport.close()
        if interruption:
            raise interruption
