"""The ways to a tenant: trusted authorities, proxies, and transports that outlive an event loop."""

import os
import ssl
import threading
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import httpx

from krebit._deadline import AsyncTransport, DeadlineSocket, DeadlineTransport
from krebit._mask import mask
from krebit.config import Tenant
from krebit.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio

Blocking: TypeAlias = httpx.BaseTransport | Callable[[httpx.BaseTransport], httpx.BaseTransport]
Asynchronous: TypeAlias = (
    httpx.AsyncBaseTransport | Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] | Literal["aiohttp"]
)
# As many connections are kept as are opened: each that is not costs a TLS handshake.
_MANY = 100
# On an event loop fewer: httpcore's work for one request grows with the square of them. aiohttp's does not.
_FEW = 32
_contexts: dict[tuple[object, ...], ssl.SSLContext] = {}
_contexts_lock = threading.Lock()


def tls_context(ca_file: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """The TLS context for an authority's file, or for the environment's (`SSL_CERT_FILE`, `SSL_CERT_DIR`) or certifi's.

    Made once in a process for each: reading the authorities takes longer than the first call itself.
    """
    path = os.fspath(ca_file) if ca_file is not None else None
    where = path or os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    key = (path, where, _stamp(where))
    with _contexts_lock:
        if key not in _contexts:
            try:
                context = ssl.create_default_context(cafile=path) if path else httpx.create_ssl_context()
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"certificate authority: {where} cannot be read ({error})") from None
            context.sslsocket_class = DeadlineSocket
            _contexts[key] = context
        return _contexts[key]


def _stamp(path: str | None) -> int | None:
    try:
        return Path(path).stat().st_mtime_ns if path else None
    except (OSError, ValueError):
        return None


def _after_fork() -> None:
    global _contexts_lock
    _contexts_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


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
        self._context = tls_context(ca_file)
        self._proxy: httpx.Proxy | None = None
        given = proxy or proxy_for(tenant)
        try:
            if given:
                url = given if "://" in given else f"http://{given}"
                self._proxy = httpx.Proxy(url, ssl_context=self._context if url.startswith("https:") else None)
                if (self._proxy.url.port or 0) > 65_535:
                    raise ValueError("its port is above 65535")
            self._own = DeadlineTransport(**self._options())
            return
        except (ValueError, httpx.InvalidURL, ImportError) as error:
            problem = mask(str(error))
        raise ConfigurationError(f"proxy: cannot be used ({problem})")

    def _options(self) -> dict[str, Any]:
        limits = httpx.Limits(max_connections=_MANY, max_keepalive_connections=_MANY, keepalive_expiry=30)
        return {"verify": self._context, "proxy": self._proxy, "limits": limits}

    def blocking(self, given: Blocking | None) -> httpx.BaseTransport:
        """Our own transport, the one given, or ours as somebody wraps it."""
        if given is None or isinstance(given, httpx.BaseTransport):
            return given or self._own
        if not callable(given):
            raise ConfigurationError("transport: must be an httpx.BaseTransport, or a function that wraps one")
        return given(self._own)

    def asynchronous(self, given: Asynchronous | None) -> httpx.AsyncBaseTransport:
        """As `blocking`, for event loops: each has its own, but for one that is given ready-made."""
        if isinstance(given, httpx.AsyncBaseTransport):
            return given
        if given is None:
            return PerLoop(lambda: AsyncTransport(**self._options()), _FEW)
        if given == "aiohttp":
            return PerLoop(self._aiohttp(), _MANY)
        if not callable(given):
            raise ConfigurationError(
                'async_transport: must be an httpx.AsyncBaseTransport, a function that wraps one, or "aiohttp"'
            )
        return PerLoop(lambda: given(AsyncTransport(**self._options())), _FEW)

    def _aiohttp(self) -> Callable[[], httpx.AsyncBaseTransport]:
        try:
            from krebit import _aiohttp
        except ImportError:
            raise ConfigurationError("async_transport: needs pip install 'krebit[aiohttp]'") from None
        return lambda: _aiohttp.transport(**self._options())


@dataclass(slots=True)
class _Seat:
    transport: httpx.AsyncBaseTransport
    slots: "asyncio.Semaphore"
    end: AsyncGenerator[None, None] | None = None


class PerLoop(httpx.AsyncBaseTransport):
    """A transport for each event loop that it is used on: connections belong to a loop, clients need not."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport], at_once: int) -> None:
        self._make = make
        self._at_once = at_once
        self._seats: dict[asyncio.AbstractEventLoop, _Seat] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        import asyncio  # only here, where a loop runs: blocking programs do without

        loop = asyncio.get_running_loop()
        seat = self._seats.get(loop) or await self._seat(loop)
        # httpcore looks through its whole queue whenever a request ends: a thousand tasks had better wait out here.
        await seat.slots.acquire()
        try:
            response = await seat.transport.handle_async_request(request)
        except BaseException:
            seat.slots.release()
            raise
        if response.is_closed or not isinstance(response.stream, httpx.AsyncByteStream):
            seat.slots.release()
        else:
            response.stream = _Held(response.stream, seat.slots)
        return response

    async def _seat(self, loop: "asyncio.AbstractEventLoop") -> _Seat:
        import asyncio

        for other in [other for other in self._seats if other.is_closed()]:
            self._seats.pop(other, None)
        seat = self._seats[loop] = _Seat(self._make(), asyncio.Semaphore(self._at_once))
        seat.end = self._until_the_end(loop, seat.transport)
        await anext(seat.end)
        return seat

    async def _until_the_end(
        self, loop: "asyncio.AbstractEventLoop", transport: httpx.AsyncBaseTransport
    ) -> AsyncGenerator[None, None]:
        # A loop closes the generators that are open when it ends, so that asyncio.run leaves no socket behind.
        try:
            yield
        finally:
            self._seats.pop(loop, None)
            await transport.aclose()

    async def aclose(self) -> None:
        import asyncio

        seat = self._seats.get(asyncio.get_running_loop())
        if seat is not None and seat.end is not None:
            await seat.end.aclose()


class _Held(httpx.AsyncByteStream):
    """A body that gives its slot back when it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, slots: "asyncio.Semaphore") -> None:
        self._stream = stream
        self._slots: asyncio.Semaphore | None = slots

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            slots, self._slots = self._slots, None
            if slots is not None:
                slots.release()
