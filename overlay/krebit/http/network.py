"""Network backends for httpcore that hold a call's deadline at the socket.

httpx's timeouts are for each read: a server that sends a byte a second never exceeds them. The blocking backend cuts
the timeout of each operation to the time that is left. Asynchronous calls are cancelled from outside instead.

Two steps are not bounded: the resolver's, since `socket.getaddrinfo` takes no timeout, and TLS inside the TLS of an
HTTPS proxy, where httpcore reads from the socket by itself.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import anyio
import httpcore

from krebit.http.deadline import Deadline, current_deadline

T = TypeVar("T")
# Seconds for an address that does not answer while there is another one to try.
_NEXT_ADDRESS = 5.0
# Bytes written at once. A socket that takes only a part of them begins its timeout anew for the rest.
_PIECE = 16_384
_FOR_EVER = 86_400.0


def _seconds_left(timeout: float | None) -> float:
    """Return `timeout`, or the time that the call has left if that is less."""
    deadline = current_deadline.get()
    seconds = _FOR_EVER if timeout is None else timeout
    return seconds if deadline is None else min(seconds, deadline.remaining())


def _in_time(operation: Callable[[float], T], timeout: float | None, late: type[httpcore.TimeoutException]) -> T:
    """Run a socket operation with `timeout`, or with the time that the call has left if that is less.

    Raises `late` when no time is left. An exception that a signal handler raised inside the operation comes out as it
    is: a handler's TimeoutError would otherwise be taken for the socket's.
    """
    seconds = _seconds_left(timeout)
    if seconds <= 0:
        raise late("the call's deadline has passed")
    limit = Deadline(seconds)
    try:
        return operation(seconds)
    except late as error:
        cause = error.__cause__
        # A TimeoutError with a number is the kernel's (ETIMEDOUT), not a handler's.
        if isinstance(cause, TimeoutError) and cause.errno is None and not limit.passed():
            raise cause from None
        raise


class DeadlineStream(httpcore.NetworkStream):
    """A stream whose every operation ends by the deadline of the call.

    `has_surplus` marks a stream with more bytes than its answer: they are not the answer to the next request. The
    stream then says that it can be read, and httpcore's pool uses no such connection again.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self.has_surplus = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return _in_time(lambda seconds: self._stream.read(max_bytes, seconds), timeout, httpcore.ReadTimeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._write_piece(buffer[start : start + _PIECE], timeout)

    def _write_piece(self, piece: bytes, timeout: float | None) -> None:
        _in_time(lambda seconds: self._stream.write(piece, seconds), timeout, httpcore.WriteTimeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        encrypted = _in_time(
            lambda seconds: self._stream.start_tls(ssl_context, server_hostname, seconds),
            timeout,
            httpcore.ConnectTimeout,
        )
        return DeadlineStream(encrypted)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self.has_surplus:
            return True
        return self._stream.get_extra_info(info)


@contextmanager
def _proxy_errors(is_proxy: bool) -> Iterator[None]:
    """Raise httpcore.ProxyError where the host that takes no connection is the proxy."""
    try:
        yield
    except httpcore.ConnectError as error:
        if not is_proxy:
            raise
        raise httpcore.ProxyError(f"no connection ({error})") from None


class DeadlineBackend(httpcore.SyncBackend):
    """Connect within the call's deadline, to each of a host's addresses in turn.

    `is_proxy` says that the host is a proxy's, not the tenant's.
    """

    def __init__(self, *, is_proxy: bool = False) -> None:
        self._is_proxy = is_proxy

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        with _proxy_errors(self._is_proxy):
            return self._connect(host, port, timeout, local_address, socket_options)

    def _connect(
        self,
        host: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.NetworkStream:
        connect = super().connect_tcp

        def connect_to(address: str, longest: float | None) -> httpcore.NetworkStream:
            stream = _in_time(
                lambda seconds: connect(address, port, seconds, local_address, socket_options),
                longest,
                httpcore.ConnectTimeout,
            )
            return DeadlineStream(stream)

        # socket.create_connection gives every address the whole timeout; here they share it.
        *others, last = _addresses(host, port)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return connect_to(address, _share(timeout))
        return connect_to(last, timeout)


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host, one at least. Raises httpcore.ConnectError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"cannot resolve {host}: {error}") from None
    return [str(address[0]) for *_, address in found]


def _share(timeout: float | None) -> float:
    """Return the seconds for an address that is not the last one."""
    return min(_NEXT_ADDRESS, _seconds_left(timeout) / 2)


class AsyncStream(httpcore.AsyncNetworkStream):
    """A stream that is closed when its TLS handshake is cancelled.

    httpcore closes it after an error alone (https://github.com/encode/httpcore/pull/443), and leaves it open after a
    cancellation until the server ends it. `has_surplus` is as in `DeadlineStream`.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        # Looked up once: the pool asks each idle connection at every call, and anyio takes long to find it.
        self._tls = stream.get_extra_info("ssl_object")
        self.has_surplus = False
        # Bound directly, because a method in between would slow down every call.
        self.read = stream.read  # type: ignore[method-assign]
        self.write = stream.write  # type: ignore[method-assign]

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and (self.has_surplus or _has_decrypted(self._tls)):
            return True
        return self._stream.get_extra_info(info)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        try:
            return AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            # Unshielded, closing would itself be cancelled before it reaches the socket.
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise


def _has_decrypted(tls: object) -> bool:
    """Return whether a TLS object holds bytes between two calls. The socket does not show them."""
    if not isinstance(tls, ssl.SSLObject):
        return False
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        pass  # the other side has closed it
    return True


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Connect by anyio, and hand out streams that a cancelled handshake does not leave open."""

    def __init__(self, *, is_proxy: bool = False) -> None:
        self._is_proxy = is_proxy
        self._backend: Any = httpcore.AnyIOBackend()

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _proxy_errors(self._is_proxy):
            stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return AsyncStream(stream)
