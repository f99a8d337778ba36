"""The ways to a tenant: trusted authorities, proxies, and transports that outlive an event loop."""

import functools
import os
import ssl
import threading
import urllib.request
from collections.abc import AsyncGenerator, Callable
from typing import Any, Literal, TypeAlias, cast

import httpx

from krebit._deadline import AsyncBackend, AsyncTransport, Backend
from krebit._mask import mask
from krebit._secret import Secret
from krebit.errors import ConfigurationError

Blocking: TypeAlias = httpx.BaseTransport | Callable[[httpx.BaseTransport], httpx.BaseTransport]
Asynchronous: TypeAlias = (
    httpx.AsyncBaseTransport | Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] | Literal["aiohttp"]
)
# As many connections are kept as are opened: each that is not costs a TLS handshake.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=30)


@functools.cache
def _context(ca_file: str | None, cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Made once in a process for each authority: reading one takes longer than the first call itself."""
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"certificate authority: {ca_file or f'{cert_file or cert_dir} (SSL_CERT_FILE, SSL_CERT_DIR)'} "
            f"cannot be read ({error})"
        ) from None


def _over(transport: Any, backend: Any, **more: Any) -> Any:
    # httpx has no argument for httpcore's public `network_backend`; a test notices if the attribute should move.
    vars(transport._pool).update(more, _network_backend=backend)
    return transport


def _proxy_of_environment(origin: str) -> str | None:
    """The proxy that `HTTPS_PROXY`, `NO_PROXY` and so on, or the system's settings, name for the tenant."""
    scheme, _, host = origin.partition("://")
    proxies = urllib.request.getproxies()
    return None if urllib.request.proxy_bypass(host) else proxies.get(scheme) or proxies.get("all")


def _proxy(url: str, context: ssl.SSLContext) -> httpx.Proxy:
    url = url if "://" in url else f"http://{url}"
    return httpx.Proxy(url, ssl_context=context if url.startswith("https:") else None)


class Route:
    """How a tenant is reached: makes transports, all on one TLS context. None of them opens a socket yet.

    Raises ConfigurationError for an authority or a proxy that cannot be used.
    """

    def __init__(self, origin: str, ca_file: str | os.PathLike[str] | None, proxy: Secret) -> None:
        context = _context(
            os.fspath(ca_file) if ca_file else None, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        )
        url = proxy or Secret(_proxy_of_environment(origin))
        try:
            self._options: dict[str, Any] = {
                "verify": context,
                "proxy": _proxy(url.reveal(), context) if url else None,
                "limits": _LIMITS,
            }
            self._own: httpx.HTTPTransport = _over(
                # httpcore's own lock is written in Python: a signal that raises can leave it taken, for every thread.
                httpx.HTTPTransport(**self._options),
                Backend(),
                _optional_thread_lock=threading.Lock(),
            )
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
        if isinstance(given, httpx.AsyncBaseTransport):
            return given
        if given is None or callable(given):
            return PerLoop(lambda: given(self._own_async()) if given else self._own_async())
        if given != "aiohttp":
            raise ConfigurationError(
                'async_transport: must be an httpx.AsyncBaseTransport, a function that wraps one, or "aiohttp"'
            )
        try:
            from krebit._aiohttp import transport
        except ImportError:
            raise ConfigurationError("async_transport: needs pip install 'krebit[aiohttp]'") from None
        return PerLoop(lambda: transport(**self._options))

    def _own_async(self) -> httpx.AsyncBaseTransport:
        return cast("httpx.AsyncBaseTransport", _over(AsyncTransport(**self._options), AsyncBackend()))


class PerLoop(httpx.AsyncBaseTransport):
    """A transport for each event loop that it is used on: connections belong to a loop, clients need not."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._make = make
        self._open: dict[object, tuple[httpx.AsyncBaseTransport, AsyncGenerator[Any, None]]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        import asyncio  # only here, where a loop runs: blocking programs do without

        loop = asyncio.get_running_loop()
        if loop not in self._open:
            living = self._until_the_end(loop)
            self._open[loop] = await anext(living), living  # nothing in it suspends, so no other task comes between
        return await self._open[loop][0].handle_async_request(request)

    async def _until_the_end(self, loop: object) -> AsyncGenerator[httpx.AsyncBaseTransport, None]:
        # A loop closes the generators that are open when it ends, so that asyncio.run leaves no socket behind.
        transport = self._make()
        try:
            yield transport
        finally:
            del self._open[loop]
            await transport.aclose()

    async def aclose(self) -> None:
        import asyncio

        if found := self._open.get(asyncio.get_running_loop()):
            await found[1].aclose()
