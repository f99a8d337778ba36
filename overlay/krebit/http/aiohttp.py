"""The asynchronous transport over aiohttp. Imported only when it is asked for.

The one file that uses private parts of aiohttp, for three things that it has no argument for:

- a TLS connection that is given up in the middle of an answer goes on reading until the server ends it
  (https://github.com/aio-libs/aiohttp/issues/6762): `_Connection` aborts it instead;
- aiohttp sends GET, PUT and DELETE again by itself when a kept connection breaks
  (https://github.com/aio-libs/aiohttp/issues/10790), where our count of attempts does not see it;
- it takes the next idle connection after one that was lost, as httpcore does: see `krebit.http.pool`.
"""
# ruff: noqa: SLF001

import asyncio
import base64
import functools
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from krebit.http.pool import KEEPALIVE_SECONDS, MAX_CONNECTIONS, naming_proxy


class _Connection(ResponseHandler):
    close = ResponseHandler.abort

    def is_connected(self) -> bool:
        """Return whether a kept connection can be used again.

        aiohttp does not look for bytes that came while nobody waited for them: they would be the next answer
        (https://github.com/aio-libs/aiohttp/issues/13656).
        """
        return super().is_connected() and not self.should_close


@contextmanager
def _httpx_exceptions() -> Iterator[None]:
    """Raise httpx's exceptions for those of aiohttp's that httpx-aiohttp lets through or takes for a ConnectTimeout.

    It makes a ConnectTimeout of most of aiohttp's errors, such as a server that hangs up: see `AIOHTTP_EXC_MAP` in
    https://github.com/karpetrosyan/httpx-aiohttp/blob/0.1.9/httpx_aiohttp/transport.py
    """
    try:
        yield
    except httpx.ConnectTimeout as error:
        cause = error.__cause__
        if isinstance(cause, aiohttp.ConnectionTimeoutError) or not isinstance(cause, aiohttp.ClientConnectionError):
            raise
        if isinstance(cause, aiohttp.ClientProxyConnectionError):
            raise httpx.ProxyError(str(error)) from None
        if isinstance(cause, aiohttp.ClientConnectorError):
            raise httpx.ConnectError(str(error)) from None
        raise httpx.ReadError(str(error)) from None
    except aiohttp.ClientHttpProxyError as error:
        raise httpx.ProxyError(f"{error.status} {error.message}") from None
    except aiohttp.ClientError as error:
        raise httpx.RemoteProtocolError(type(error).__name__) from error


class _Stream(httpx.AsyncByteStream):
    """A response's body that raises httpx's exceptions."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_exceptions():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        with _httpx_exceptions():
            await self._stream.aclose()


class _Transport(AiohttpTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            with naming_proxy(self.proxy), _httpx_exceptions():
                response = await super().handle_async_request(request)
        except httpx.TransportError:
            self._close_idle()
            raise
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Stream(response.stream)
        return response

    def _close_idle(self) -> None:
        """Close the connections that no request uses: when one is lost, the others may be too."""
        connector = self.client.connector if isinstance(self.client, aiohttp.ClientSession) else None
        for kept in list(connector._conns.values()) if connector else ():
            for connection, _ in kept:
                connection.close()


def _send_as_it_is(send: Callable[..., Any], method: str, url: str, **arguments: Any) -> Any:
    """Send a request with the URL and the headers that it has.

    aiohttp unpacks a `%2C` in a URL, and gives a POST without a body a media type. See
    https://docs.aiohttp.org/en/stable/client_quickstart.html#passing-parameters-in-urls
    """
    return send(method, URL(url, encoded=True), skip_auto_headers=["Content-Type"], **arguments)


def make_transport(
    context: ssl.SSLContext, proxy: httpx.Proxy | None, size: int = MAX_CONNECTIONS
) -> httpx.AsyncBaseTransport:
    """Return a transport for the loop that it is first used on: no cookies, no retries of aiohttp's own.

    It has at most `size` connections.
    """

    def session() -> aiohttp.ClientSession:
        connector: Any = aiohttp.TCPConnector(ssl=context, limit=size, keepalive_timeout=KEEPALIVE_SECONDS)
        connector._factory = functools.partial(_Connection, loop=asyncio.get_running_loop())
        made = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # aiohttp would add a Content-Type to a request without a body.
            skip_auto_headers=["Content-Type"],
        )
        made._retry_connection = False
        # Not by a subclass, of which aiohttp disapproves, nor as usual, since its debug mode warns of that.
        object.__setattr__(made, "request", functools.partial(_send_as_it_is, made.request))
        return made

    limits = httpx.Limits(max_connections=size, keepalive_expiry=KEEPALIVE_SECONDS)
    return _Transport(client=session, verify=context, proxy=_with_header(proxy), limits=limits)


def _with_header(proxy: httpx.Proxy | None) -> httpx.Proxy | None:
    """Return the proxy with its credentials as a header: httpx-aiohttp's own way is deprecated by aiohttp."""
    if proxy is None or proxy.auth is None:
        return proxy
    basic = base64.b64encode(":".join(proxy.auth).encode()).decode()
    return httpx.Proxy(proxy.url, headers={**proxy.headers, "Proxy-Authorization": f"Basic {basic}"})
