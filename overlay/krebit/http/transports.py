"""Make the transports to a tenant: trusted authorities, the proxy, one asynchronous transport for each event loop."""

import functools
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

import httpx

from krebit.errors import ConfigurationError
from krebit.http.event_loops import PerEventLoop
from krebit.http.pool import AsyncTransport, Transport
from krebit.http.proxies import proxy_of_environment
from krebit.redaction import Secret, is_password_cut

BlockingTransport: TypeAlias = httpx.BaseTransport | Callable[[httpx.BaseTransport], httpx.BaseTransport]
AsynchronousTransport: TypeAlias = (
    httpx.AsyncBaseTransport | Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] | Literal["aiohttp"]
)


class TransportFactory:
    """Makes the transports to one tenant, all on one TLS context. Opens no socket.

    Raises ConfigurationError for an authority or a proxy that cannot be used.
    """

    def __init__(self, origin: str, ca_file: str | os.PathLike[str] | None, proxy: Secret) -> None:
        self._context = _tls_context_of(_path_of(ca_file) if ca_file else None)
        # Plain HTTP is for this machine: a proxy on another one would read the secrets.
        is_encrypted = origin.startswith("https:")
        url = proxy or Secret(proxy_of_environment(origin))
        self._proxy = _parse_proxy(url, self._context) if url and is_encrypted else None

    def blocking(self, given: BlockingTransport | None) -> httpx.BaseTransport:
        """Return our own transport, the one given, or ours wrapped by the function given."""
        found: object = given
        if given is None:
            found = self._own()
        elif callable(given):
            found = given(self._own())
        if not isinstance(found, httpx.BaseTransport):
            raise ConfigurationError("transport: must be an httpx.BaseTransport, or a function that wraps one")
        return found

    def asynchronous(self, given: AsynchronousTransport | None) -> httpx.AsyncBaseTransport:
        """Do as `blocking`, for event loops. Each loop gets a transport of its own, unless one is given ready-made."""
        if isinstance(given, httpx.AsyncBaseTransport):
            return given
        if given is None:
            return LoopTransports(self._own_async)
        if callable(given):
            wrap = given
            return LoopTransports(lambda: wrap(self._own_async()))
        if given == "aiohttp":
            return LoopTransports(self._over_aiohttp())
        raise ConfigurationError(
            'async_transport: must be an httpx.AsyncBaseTransport, a function that wraps one, or "aiohttp"'
        )

    def _own(self) -> httpx.BaseTransport:
        try:
            return Transport(self._context, self._proxy)
        except ImportError as error:
            raise ConfigurationError(f"proxy: cannot be used ({error}); call pip install 'httpx[socks]'") from None

    def _own_async(self) -> httpx.AsyncBaseTransport:
        return AsyncTransport(self._context, self._proxy)

    def _over_aiohttp(self) -> Callable[[], httpx.AsyncBaseTransport]:
        try:
            from krebit.http.aiohttp import make_transport
        except ImportError:
            raise ConfigurationError("async_transport: needs pip install 'krebit[aiohttp]'") from None
        return lambda: make_transport(self._context, self._proxy)


class LoopTransports(httpx.AsyncBaseTransport):
    """One transport for each event loop: connections belong to a loop, clients need not.

    The transport of a loop that is closed drops out at the next use, and its sockets with it.
    """

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._transports = PerEventLoop(make)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transports.get().handle_async_request(request)

    async def aclose(self) -> None:
        transport = self._transports.pop()
        if transport is not None:
            await transport.aclose()


def _path_of(ca_file: str | os.PathLike[str]) -> str:
    try:
        return os.fsdecode(ca_file)
    except TypeError:
        raise ConfigurationError("ca_file: must be the path of a file") from None


def _tls_context_of(ca_file: str | None) -> ssl.SSLContext:
    cert_file, cert_dir = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return _tls_context(ca_file, cert_file, cert_dir, _versions(ca_file, cert_file, cert_dir))


def _versions(*paths: str | None) -> tuple[object, ...]:
    """Return a value that changes when a file is replaced or written to."""
    found: list[object] = []
    for path in filter(None, paths):
        with suppress(OSError, ValueError):
            status = Path(path).stat()
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


@functools.lru_cache(maxsize=8)
def _tls_context(
    ca_file: str | None, cert_file: str | None, cert_dir: str | None, versions: tuple[object, ...]
) -> ssl.SSLContext:
    """Return the TLS context for an authority.

    Made once for each version of its file: reading one takes longer than the first call.
    """
    del versions
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        source = ca_file or f"{cert_file or cert_dir} (SSL_CERT_FILE, SSL_CERT_DIR)"
        text = f"certificate authority: {source} cannot be read ({error}); name another file, or unset it"
        raise ConfigurationError(text) from None


def _parse_proxy(secret: Secret, context: ssl.SSLContext) -> httpx.Proxy:
    try:
        return _make_proxy(secret.reveal(), context)
    except (ValueError, httpx.InvalidURL):  # their texts may show a part of the password
        pass
    # Raised here, where no frame of the traceback holds the address: there may be a password in it.
    raise ConfigurationError(
        "proxy: the address is not one such as http://proxy.example:3128; a password with special characters needs "
        "percent-encoding"
    )


def _make_proxy(url: str, context: ssl.SSLContext) -> httpx.Proxy:
    if "://" not in url:
        url = f"http://{url}"
    if is_password_cut(url):
        raise ValueError("its password is not percent-encoded")
    return httpx.Proxy(url, ssl_context=context if url.startswith("https:") else None)
