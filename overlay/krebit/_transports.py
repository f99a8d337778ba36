"""The ways to a tenant: trusted authorities, proxies, and transports that outlive an event loop."""

import functools
import os
import ssl
import urllib.request
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import httpx

from krebit._deadline import AsyncTransport, DeadlineTransport
from krebit._mask import mask
from krebit.config import Tenant
from krebit.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Blocking: TypeAlias = httpx.BaseTransport | Callable[[httpx.BaseTransport], httpx.BaseTransport]
Asynchronous: TypeAlias = (
    httpx.AsyncBaseTransport | Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] | Literal["aiohttp"]
)
# As many connections are kept as are opened: each that is not costs a TLS handshake.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=30)


@functools.cache
def _context(ca_file: str | None, *_environment: str | None) -> ssl.SSLContext:
    """Made once in a process for each authority: reading one takes longer than the first call itself."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()


def tls_context(ca_file: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """The TLS context for an authority's file, or for the environment's (`SSL_CERT_FILE`, `SSL_CERT_DIR`) or certifi's.
    Raises ConfigurationError."""
    named = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        return _context(os.fspath(ca_file) if ca_file else None, *named)
    except (OSError, ValueError) as error:
        where = ca_file or named[0] or named[1]
        raise ConfigurationError(f"certificate authority: {where} cannot be read ({error})") from None


def proxy_for(tenant: Tenant) -> str | None:
    """The proxy that the environment (`HTTPS_PROXY`, `NO_PROXY`, or the system's settings) names for the tenant."""
    if urllib.request.proxy_bypass(tenant.domain):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(tenant.scheme) or proxies.get("all")


class Route:
    """How a tenant is reached: makes transports, all on one TLS context. None of them opens a socket yet.

    Raises ConfigurationError for an authority or a proxy that cannot be used.
    """

    def __init__(self, tenant: Tenant, ca_file: str | os.PathLike[str] | None, proxy: str | None) -> None:
        context = tls_context(ca_file)
        url = proxy or proxy_for(tenant)
        try:
            url = url if not url or "://" in url else f"http://{url}"
            outer = context if url and url.startswith("https:") else None
            found = httpx.Proxy(url, ssl_context=outer) if url else None
            self._options: dict[str, Any] = {"verify": context, "proxy": found, "limits": _LIMITS}
            self._own = DeadlineTransport(**self._options)
            return
        except (ValueError, httpx.InvalidURL, ImportError) as error:
            problem = mask(str(error))  # the exception itself may hold a password
        raise ConfigurationError(f"proxy: cannot be used ({problem})")

    def blocking(self, given: Blocking | None) -> httpx.BaseTransport:
        """Our own transport, the one given, or ours as somebody wraps it."""
        found = given(self._own) if callable(given) else given or self._own
        if not isinstance(found, httpx.BaseTransport):
            raise ConfigurationError("transport: must be an httpx.BaseTransport, or a function that wraps one")
        return found

    def asynchronous(self, given: Asynchronous | None) -> httpx.AsyncBaseTransport:
        """As `blocking`, for event loops: each has its own, but for one that is given ready-made."""
        if given is None:
            return PerLoop(lambda: AsyncTransport(**self._options))
        if isinstance(given, httpx.AsyncBaseTransport):
            return given
        if callable(given):
            return PerLoop(lambda: given(AsyncTransport(**self._options)))
        if given != "aiohttp":
            raise ConfigurationError(
                'async_transport: must be an httpx.AsyncBaseTransport, a function that wraps one, or "aiohttp"'
            )
        try:
            from krebit._aiohttp import transport
        except ImportError:
            raise ConfigurationError("async_transport: needs pip install 'krebit[aiohttp]'") from None
        return PerLoop(lambda: transport(**self._options))


class PerLoop(httpx.AsyncBaseTransport):
    """A transport for each event loop that it is used on: connections belong to a loop, clients need not."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._make = make
        self._made: dict[AbstractEventLoop, httpx.AsyncBaseTransport] = {}
        self._ends: dict[AbstractEventLoop, AsyncGenerator[None, None]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        import asyncio  # only here, where a loop runs: blocking programs do without

        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made[loop] = self._make()
            self._ends[loop] = self._until_the_end(loop)
            await anext(self._ends[loop])
        return await self._made[loop].handle_async_request(request)

    async def _until_the_end(self, loop: "AbstractEventLoop") -> AsyncGenerator[None, None]:
        # A loop closes the generators that are open when it ends, so that asyncio.run leaves no socket behind.
        try:
            yield
        finally:
            del self._ends[loop]
            await self._made.pop(loop).aclose()

    async def aclose(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop in self._ends:
            await self._ends[loop].aclose()
