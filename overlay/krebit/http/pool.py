"""httpx's transports over connection pools of our own. The one file that uses private parts of httpx and httpcore.

- httpx has no argument for httpcore's `network_backend` (https://github.com/encode/httpx/discussions/3180), so the
  transports set their `_pool`. They stay subclasses of httpx's transports, because OpenTelemetry and tools that record
  or make up answers hook into those classes.
- httpcore takes bytes behind an answer for the answer to the next request
  (https://github.com/encode/httpx/issues/1474). Both transports mark such a connection, so that it is not used again.
- httpcore 1.0 loses places of its asynchronous pool when calls are cancelled
  (https://github.com/encode/httpcore/issues/1093). A connection whose call was cancelled between connecting and
  sending, and a request whose closing was cancelled half-way, keep a place for ever. `AsyncTransport` sweeps them up.
- httpcore looks at every idle connection twice a request (https://github.com/encode/httpcore/pull/928): with threads a
  call takes a third longer. `_Pool` looks at those it needs.
- httpcore takes the next idle connection after one that was lost, as urllib3 does
  (https://github.com/urllib3/urllib3/issues/3184). After a sleep of this machine all are lost, and each attempt would
  fail. Both transports close the idle ones after a failure.
- httpcore gives an idle connection to each request that asks before the first one has made it busy
  (https://github.com/encode/httpcore/issues/822 and 1110). `_AsyncPool` gives it to one.

Delete this file on a move to a client that has none of these problems.
"""
# ruff: noqa: SLF001

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import httpcore
import httpx

from krebit.clock import monotonic
from krebit.http.network import AsyncBackend, AsyncStream, DeadlineBackend, DeadlineStream

# Calls that are under way at once.
MAX_CONNECTIONS = 100
# Some more, so that a refresh never waits for a call that waits for the refresh.
_POOL_SIZE = MAX_CONNECTIONS + 10
KEEPALIVE_SECONDS = 30.0


def _pool_options(context: ssl.SSLContext, proxy: httpx.Proxy | None, size: int) -> dict[str, Any]:
    """Return the arguments of a pool. Raises ImportError for a SOCKS proxy without socksio."""
    if proxy is not None and proxy.url.scheme.startswith("socks"):
        import_module("socksio")  # httpcore imports it at the first call, when it is too late to say so
    return {
        "ssl_context": context,
        "proxy": proxy and httpcore.Proxy(str(proxy.url), proxy.raw_auth, proxy.headers.raw, proxy.ssl_context),
        "max_connections": size,
        # As many connections are kept as are opened: each one that is not kept costs a TLS handshake.
        "max_keepalive_connections": size,
        "keepalive_expiry": KEEPALIVE_SECONDS,
    }


@contextmanager
def naming_proxy(proxy: httpx.Proxy | None) -> Iterator[None]:
    """Add the proxy's address to an exception that the proxy caused."""
    try:
        yield
    except httpx.ProxyError as error:
        assert proxy is not None
        raise httpx.ProxyError(f"{proxy.url.netloc.decode()}: {error}") from None


def _take_idle(pool: Any) -> list[Any]:
    """Take the connections that no request uses out of a pool, and return them."""
    owned = {id(request.connection) for request in pool._requests}
    idle = [each for each in pool._connections if each.is_idle() and id(each) not in owned]
    taken = {id(each) for each in idle}
    pool._connections = [each for each in pool._connections if id(each) not in taken]
    return idle


@contextmanager
def _hidden(pool: Any, connections: list[Any]) -> Iterator[None]:
    """Hide some connections while a pool assigns requests. They keep their order, before new connections."""
    order = {id(each): place for place, each in enumerate(pool._connections)}
    hidden = {id(each) for each in connections}
    most = pool._max_connections
    pool._connections = [each for each in pool._connections if id(each) not in hidden]
    pool._max_connections = most - len(connections)
    try:
        yield
    finally:
        pool._connections = sorted([*connections, *pool._connections], key=lambda each: order.get(id(each), len(order)))
        pool._max_connections = most


class _Pool(httpcore.ConnectionPool):
    """A pool that looks at one idle connection for each waiting request, and once a second at all of them.

    To look at a socket means to let another thread run.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._next_look_at_all = 0.0

    def _assign_requests_to_connections(self) -> Any:
        now = monotonic()
        if now > self._next_look_at_all:
            self._next_look_at_all = now + 1.0
            return super()._assign_requests_to_connections()
        waiting = sum(request.is_queued() for request in self._requests)
        if not waiting:  # a response has ended; connections that have closed are removed at the next request
            return []
        idle = [connection for connection in self._connections if connection.is_idle()]
        with _hidden(self, idle[waiting:]):
            return super()._assign_requests_to_connections()

    def close_idle(self) -> None:
        """Close the connections that no request uses."""
        with self._optional_thread_lock:
            idle = _take_idle(self)
        self._close_connections(idle)


class Transport(httpx.HTTPTransport):
    """Send over a pool whose sockets keep to the call's deadline."""

    def __init__(self, context: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        backend = DeadlineBackend(is_proxy=proxy is not None)
        self._proxy = proxy
        pool = _Pool(**_pool_options(context, proxy, _POOL_SIZE), network_backend=backend)
        self._pool = pool
        self._close_idle = pool.close_idle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            with naming_proxy(self._proxy):
                response = super().handle_request(request)
        except httpx.TransportError:
            self._close_idle()
            raise
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _CheckedStream(response.stream, response.extensions.get("network_stream"))
        return response


class _CheckedStream(httpx.SyncByteStream):
    """A response's body that looks for bytes behind it when it is closed."""

    def __init__(self, stream: httpx.SyncByteStream, network_stream: object) -> None:
        self._stream = stream
        self._network_stream = network_stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        _mark_surplus(self._stream, self._network_stream)
        self._stream.close()


def _mark_surplus(stream: object, network_stream: object) -> None:
    """Mark the connection of a response that has ended where more bytes came than its own."""
    # Tools that make up answers put streams of their own there.
    pooled = getattr(stream, "_httpcore_stream", None)
    connection = getattr(getattr(pooled, "_stream", None), "_connection", None)
    parser = getattr(connection, "_h11_state", None)
    if parser is not None and isinstance(network_stream, DeadlineStream | AsyncStream):
        network_stream.has_surplus = bool(parser.trailing_data[0])


class _AsyncPool(httpcore.AsyncConnectionPool):
    """A pool that gives an idle connection to one request at a time.

    A request takes some turns of the loop to make its connection busy. The others that httpcore has given the same
    connection come back to the queue: of thousands of calls some wait for as long as all the others take.
    """

    def _assign_requests_to_connections(self) -> Any:
        owned = {id(request.connection): request.connection for request in self._requests if request.connection}
        with _hidden(self, [connection for connection in self._connections if id(connection) in owned]):
            return super()._assign_requests_to_connections()

    async def close_idle(self) -> None:
        """Close the connections that no request uses."""
        await self._close_connections(_take_idle(self))


class AsyncTransport(httpx.AsyncHTTPTransport):
    """Send over a pool of `size` connections that loses none of its places when a call is cancelled."""

    def __init__(self, context: ssl.SSLContext, proxy: httpx.Proxy | None, size: int = _POOL_SIZE) -> None:
        backend = AsyncBackend(is_proxy=proxy is not None)
        self._proxy = proxy
        pool = _AsyncPool(**_pool_options(context, proxy, size), network_backend=backend)
        self._pool = pool
        self._close_idle = pool.close_idle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            with naming_proxy(self._proxy):
                response = await super().handle_async_request(request)
        except httpx.TransportError:
            await self.sweep()
            await self._close_idle()
            raise
        except BaseException:
            await self.sweep()
            raise
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _SweptStream(response.stream, response.extensions.get("network_stream"), self)
        return response

    async def sweep(self, ended: object = None) -> None:
        """Take out of the pool each connection that no request owns, and the request that has `ended`."""
        pool = self._pool
        waiting = [request for request in pool._requests if request is not ended]
        owned = {id(request.connection) for request in waiting}
        orphans = [
            connection
            for connection in pool._connections
            if not (id(connection) in owned or connection.is_idle() or connection.is_closed())
        ]
        if not orphans and len(waiting) == len(pool._requests):
            return
        pool._requests = waiting
        pool._connections = [connection for connection in pool._connections if connection not in orphans]
        await pool._close_connections([*orphans, *pool._assign_requests_to_connections()])


class _SweptStream(httpx.AsyncByteStream):
    """A response's body that looks for bytes behind it and sweeps the pool when it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, network_stream: object, transport: AsyncTransport) -> None:
        self._stream = stream
        self._network_stream = network_stream
        self._transport = transport

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        # Tools that make up answers put streams of their own there.
        inner = getattr(self._stream, "_httpcore_stream", None)
        _mark_surplus(self._stream, self._network_stream)
        try:
            await self._stream.aclose()
        finally:
            await self._transport.sweep(getattr(inner, "_pool_request", None))
