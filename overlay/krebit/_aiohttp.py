"""The asynchronous transport over aiohttp; imported only when it is asked for."""

import asyncio
import base64
import functools
import ssl
from typing import Any

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from httpx_aiohttp import AiohttpTransport


class _Connection(ResponseHandler):
    """One that is given up in the midst of an answer would wait for the server's goodbye, beyond the end of the loop if
    need be."""

    close = ResponseHandler.abort


def transport(verify: ssl.SSLContext, proxy: httpx.Proxy | None, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """One for the loop that it is used on: no cookies, no retries of aiohttp's own."""

    def session() -> aiohttp.ClientSession:
        connector: Any = aiohttp.TCPConnector(
            ssl=verify, limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry
        )
        connector._factory = functools.partial(_Connection, loop=asyncio.get_running_loop())
        made = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        made._retry_connection = False  # it would send GET, PUT and DELETE again, where nobody can see it
        return made

    if proxy is not None and proxy.auth is not None:
        # As a header: httpx-aiohttp's own way is deprecated by aiohttp.
        basic = base64.b64encode(":".join(proxy.auth).encode()).decode()
        proxy = httpx.Proxy(proxy.url, headers={**proxy.headers, "Proxy-Authorization": f"Basic {basic}"})
    return AiohttpTransport(client=session, verify=verify, proxy=proxy, limits=limits)
