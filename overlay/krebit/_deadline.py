"""One monotonic deadline for a whole call, held at the socket.

httpx's timeouts are per read: a server that drips a byte a second passes them for ever. The blocking transport
therefore gets a network stream that cuts each operation's timeout to what is left; asynchronous calls are cancelled
from outside instead.
"""

import contextvars
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore
import httpx

_current: "contextvars.ContextVar[Deadline | None]" = contextvars.ContextVar("krebit_deadline", default=None)
# Seconds for an address that does not answer while there is another to try.
_NEXT_ADDRESS = 5.0
# A timer may fire a little before its time.
_EARLY = 0.01
# What is written at once: a socket that takes only part of it begins its timeout anew for the rest.
_PIECE = 16_384


class Deadline:
    """A point on the monotonic clock. In a `with` block it holds for the sockets of this thread's blocking calls."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    def passed(self) -> bool:
        """Whether the time is up."""
        return self.remaining() <= _EARLY

    def cut(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        """`timeout`, or what is left if that is less. Raises `late` when nothing is."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise late("the call's deadline has passed")
        return left if timeout is None else min(timeout, left)

    def read(self, stream: httpcore.NetworkStream, max_bytes: int, timeout: float | None) -> bytes:
        """Read from the stream, for no longer than is left."""
        return stream.read(max_bytes, self.cut(timeout, httpcore.ReadTimeout))

    def sleep(self, seconds: float) -> None:
        """Wait in between two attempts."""
        time.sleep(seconds)

    def __enter__(self) -> "Deadline":
        self._token = _current.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _current.reset(self._token)


class EndableDeadline(Deadline):
    """One that another thread may bring forward to now: a walk that is abandoned ends its calls so."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._reading: httpcore.NetworkStream | None = None

    def read(self, stream: httpcore.NetworkStream, max_bytes: int, timeout: float | None) -> bytes:
        with self._guard:
            self._reading = stream
        try:
            return super().read(stream, max_bytes, timeout)
        finally:
            with self._guard:
                self._reading = None

    def sleep(self, seconds: float) -> None:
        self._ended.wait(seconds)

    def end(self) -> None:
        """The deadline is now; a read that is under way returns."""
        with self._guard:
            self.at = time.monotonic()
            self._ended.set()
            # Under the guard the connection still belongs to this call, and to none that comes after it.
            sock = self._reading.get_extra_info("socket") if self._reading is not None else None
            if isinstance(sock, socket.socket):
                with suppress(OSError):
                    # Not SSLSocket's own: the reader still uses its TLS state.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _cut(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    deadline = _current.get()
    return timeout if deadline is None else deadline.cut(timeout, late)


class DeadlineSocket(ssl.SSLSocket):
    """For TLS within TLS (a proxy that is itself reached by HTTPS): httpcore reads the outer socket many times there
    for one read of the inner one, each time with the whole timeout."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        self.settimeout(_cut(self.gettimeout(), httpcore.ReadTimeout))
        return super().recv(buflen, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        self.settimeout(_cut(self.gettimeout(), httpcore.WriteTimeout))
        return super().send(data, flags)


class _Stream(httpcore.NetworkStream):
    """A stream whose every operation ends by the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline = _current.get()
        if deadline is None:
            return self._stream.read(max_bytes, timeout)
        return deadline.read(self._stream, max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _cut(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _cut(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Connects within the deadline, to each of a host's addresses in turn."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        # socket.create_connection gives every address the whole timeout: here they share it.
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"cannot resolve {host}: {error}") from None
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError(f"no address for {host}")
        for more, (*_, address) in zip(reversed(range(len(addresses))), addresses, strict=True):
            left = _cut(timeout, httpcore.ConnectTimeout)
            if left is not None and more:
                left = min(left / (more + 1), _NEXT_ADDRESS)
            try:
                return _Stream(super().connect_tcp(str(address[0]), port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's own blocking transport, over sockets that keep to the deadline."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # httpx has no argument for httpcore's public `network_backend`; a test notices if the attribute should move.
        self._pool._network_backend = _Backend()


class _AsyncStream(httpcore.AsyncNetworkStream):
    """A stream that is closed when its TLS handshake is cancelled, which httpcore leaves to the garbage collector."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self.read, self.write, self.aclose = stream.read, stream.write, stream.aclose  # type: ignore[method-assign]
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def start_tls(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        import anyio

        try:
            return _AsyncStream(await self._stream.start_tls(*arguments, **options))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise


class _AsyncBackend(httpcore.AnyIOBackend):
    async def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await super().connect_tcp(*arguments, **options))


class AsyncTransport(httpx.AsyncHTTPTransport):
    """httpx's own asynchronous transport, which leaves no connection behind when a call is cancelled."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pool._network_backend = _AsyncBackend()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except BaseException:
            await self._drop_orphans()
            raise

    async def _drop_orphans(self) -> None:
        """Close what httpcore forgets: a call that is cancelled between connecting and sending leaves a connection
        that is neither idle nor closed and that no request has, which takes one of the pool's places for ever."""
        import anyio

        taken = {id(request.connection) for request in self._pool._requests}
        orphans = [
            connection
            for connection in self._pool._connections
            if id(connection) not in taken and not connection.is_idle() and not connection.is_closed()
        ]
        for connection in orphans:
            self._pool._connections.remove(connection)
        with anyio.CancelScope(shield=True):
            for connection in orphans:
                await connection.aclose()
