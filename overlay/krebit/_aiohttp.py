"""The asynchronous transport over aiohttp; imported only when it is asked for."""

import base64
import contextlib
import ssl
import weakref
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport


class _Connector(aiohttp.TCPConnector):
    """Knows its connections: one that is given up in the midst of an answer goes on waiting for the server's goodbye,
    beyond the end of the loop if need be."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    async def connect(self, *arguments: Any, **options: Any) -> Any:
        connection = await super().connect(*arguments, **options)
        with contextlib.suppress(TypeError):  # another loop's transports need not take weak references
            self._known.add(connection.transport)
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        await super().close(abort_ssl=abort_ssl)
        for transport in self._known:
            transport.abort()


def transport(verify: ssl.SSLContext, proxy: httpx.Proxy | None, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """One for the loop that it is used on: no cookies, no retries of aiohttp's own."""

    def session() -> aiohttp.ClientSession:
        connector = _Connector(ssl=verify, limit=limits.max_connections, keepalive_timeout=limits.keepalive_expiry)
        made = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        made._retry_connection = False  # it would send GET, PUT and DELETE again, where nobody can see it
        return made

    if proxy is not None and proxy.auth is not None:
        # As a header: httpx-aiohttp's own way is deprecated by aiohttp.
        basic = base64.b64encode(":".join(proxy.auth).encode()).decode()
        proxy = httpx.Proxy(proxy.url, headers={**proxy.headers, "Proxy-Authorization": f"Basic {basic}"})
    return AiohttpTransport(client=session, verify=verify, proxy=proxy, limits=limits)
