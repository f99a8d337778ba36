"""One monotonic deadline for a whole call, held at the socket.

httpx's timeouts are per read: a server that drips a byte a second passes them for ever. The blocking transport
therefore gets a network stream that cuts each operation's timeout to what is left; asynchronous calls are cancelled
from outside instead.
"""

import contextvars
import functools
import math
import signal
import socket
import ssl
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from sys import exception as exception  # _wire asks for it too
from typing import Any, cast

import anyio
import httpcore
import httpx

# What this thread's blocking calls keep to.
current: "contextvars.ContextVar[Deadline | None]" = contextvars.ContextVar("krebit_deadline", default=None)
# Seconds for an address that does not answer while there is another to try.
_NEXT_ADDRESS = 5.0
# Seconds after which a read looks whether the deadline is still the same.
_GLANCE = 0.25
# A timer may fire a little before its time.
_EARLY = 0.01
# What is written at once: a socket that takes only part of it begins its timeout anew for the rest.
_PIECE = 16_384


class Deadline:
    """A point on the monotonic clock."""

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

    def end(self) -> None:
        """Bring it forward to now; from any thread. A read that is under way returns within a quarter of a second."""
        self.at = time.monotonic()


def _cut(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    deadline = current.get()
    return timeout if deadline is None else deadline.cut(timeout, late)


def of_a_signal(error: BaseException | None, before: BaseException | None) -> BaseException | None:
    """What a signal handler raised, such as a time limit, where that is behind `error`, and is no older: `before` was
    being handled when the call began, and Python chains it to whatever is raised meanwhile. Handlers are known by their
    code: an object that is called for one is not."""
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    frames = traceback.walk_tb(error.__traceback__ if error else None)
    return error and (
        None
        if error is before
        else error
        if any(frame.f_code in handlers for frame, _ in frames)
        else of_a_signal(error.__context__, before)
    )


class _Stream(httpcore.NetworkStream):
    """A stream whose every operation ends by the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self.close, self.get_extra_info = stream.close, stream.get_extra_info  # type: ignore[method-assign]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline, before = current.get(), exception()
        while deadline is not None:
            left = deadline.cut(timeout, httpcore.ReadTimeout)
            try:
                return self._stream.read(max_bytes, min(left, _GLANCE))
            except httpcore.ReadTimeout as error:  # somebody may have brought the deadline forward meanwhile
                if of_a_signal(error, before):
                    raise
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _cut(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        outer = self.get_extra_info("socket")
        if isinstance(outer, ssl.SSLSocket):
            # TLS within TLS: httpcore receives until a whole record has come, and begins the timeout anew each time.
            outer.recv = functools.partial(_receive, outer, outer.recv)  # type: ignore[method-assign]
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _cut(timeout, httpcore.ConnectTimeout)))


def _receive(outer: ssl.SSLSocket, receive: Callable[[int], bytes], size: int) -> bytes:
    outer.settimeout(_cut(outer.gettimeout(), httpcore.ReadTimeout))
    return receive(size)


class Backend(httpcore.SyncBackend):
    """Connects within the deadline, to each of a host's addresses in turn."""

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.NetworkStream:
        # socket.create_connection gives every address the whole timeout: here they share it.
        try:
            *others, last = [str(found[-1][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"cannot resolve {host}: {error}") from None
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                share = min((_cut(timeout, httpcore.ConnectTimeout) or math.inf) / 2, _NEXT_ADDRESS)
                return _Stream(super().connect_tcp(address, port, share, *arguments, **options))
        return _Stream(super().connect_tcp(last, port, _cut(timeout, httpcore.ConnectTimeout), *arguments, **options))


class AsyncBackend(httpcore.AnyIOBackend):
    """Closes a stream whose TLS handshake is cancelled, which httpcore leaves open until the server ends it."""

    async def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        # Without anyio, which is ours to install, httpcore has a class of that name that can nothing.
        stream: Any = await super().connect_tcp(*arguments, **options)  # pyright: ignore[reportAttributeAccessIssue]
        stream.start_tls = functools.partial(_start_tls, stream, stream.start_tls)
        return cast("httpcore.AsyncNetworkStream", stream)


async def _start_tls(stream: httpcore.AsyncNetworkStream, start_tls: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return await start_tls(*arguments, **options)
    except BaseException:
        with anyio.CancelScope(shield=True):  # it is only at its second step that closing does not wait for the server
            await stream.aclose()
        raise


class AsyncTransport(httpx.AsyncHTTPTransport):
    """httpx's own asynchronous transport, which leaves nothing in its pool when a call is cancelled.

    What httpcore forgets takes one of the pool's places for ever: a connection, neither idle nor closed, whose call was
    cancelled between connecting and sending; and a request whose closing was cancelled half-way, which is not taken up
    again.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await super().handle_async_request(request)
        except BaseException:
            await self._sweep()
            raise
        stream: Any = response.stream
        stream.aclose = functools.partial(
            self._close,
            # Tools that record or make up answers put streams of their own there.
            getattr(getattr(stream, "_httpcore_stream", None), "_pool_request", None),
            stream.aclose,
        )
        return response

    async def _close(self, request: Any, close: Callable[[], Awaitable[None]]) -> None:
        try:
            await close()
        finally:
            await self._sweep(request)

    async def _sweep(self, *ended: Any) -> None:
        pool: Any = self._pool
        pool._requests = [request for request in pool._requests if request not in ended]
        taken = [request.connection for request in pool._requests]
        orphans = [one for one in pool._connections if not (one.is_idle() or one.is_closed() or one in taken)]
        pool._connections = [one for one in pool._connections if one not in orphans]
        await pool._close_connections([*orphans, *pool._assign_requests_to_connections()])
