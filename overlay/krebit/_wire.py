"""What goes over the wire: the one place where a request becomes a reply or a failure."""

import zlib
from dataclasses import dataclass, field
from typing import Literal

import httpx

from krebit._deadline import Deadline
from krebit._mask import mask
from krebit.errors import ConnectionFailed, DeadlineExceeded, TransportError

# A page of 100 records is about 50 KB; what is far beyond any answer of this API would only fill the memory.
MAX_BODY = 64 * 2**20
_AUTHORITY = "for a company's or a sandbox's own authority set SSL_CERT_FILE or pass ca_file="


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read whole and unpacked."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """No whole answer. `sent` is False when the request provably never reached the server."""

    kind: Literal["connect", "timeout", "broken", "certificate", "too_large"]
    text: str
    sent: bool

    def error(self, operation: str, deadline: Deadline | None = None) -> TransportError:
        """The exception for this failure. Its text names the operation, never the request's content."""
        if self.kind == "timeout" and (deadline is None or deadline.passed()):
            within = f" within {deadline.seconds:g} s" if deadline else " in time"
            return DeadlineExceeded(f"{operation}: no answer{within}", sent=self.sent, operation=operation)
        what, hint = {
            "connect": ("no connection", ""),
            "timeout": ("no answer in time", ""),
            "certificate": ("the server's certificate is not trusted", f"; {_AUTHORITY}"),
            "too_large": ("the answer is too large", ""),
            "broken": ("the connection broke", ""),
        }[self.kind]
        return ConnectionFailed(f"{operation}: {what} ({self.text}){hint}", sent=self.sent, operation=operation)


def failure(error: Exception, url: httpx.URL) -> Failure:
    """Sort an exception of the transport. The frames it carries hold headers and bodies, so it is not kept."""
    error = _told_apart(error)
    # Only httpx's own texts are known to repeat nothing of the request; h11's on what it refuses to write does.
    known = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.LocalProtocolError)
    text = (mask(str(error)) if known else "") or type(error).__name__
    if isinstance(error, httpx.ConnectError) and "certificate verify failed" in text.lower().replace("_", " "):
        return Failure("certificate", text, sent=False)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Failure("timeout", text, sent=False)
    if isinstance(error, httpx.TimeoutException):
        return Failure("timeout", text, sent=True)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Failure("connect", f"to {url.netloc.decode()}: {text}", sent=False)
    return Failure("broken", text, sent=True)


def _told_apart(error: Exception) -> Exception:
    """httpx-aiohttp makes a ConnectTimeout of most of aiohttp's errors, such as of a server that hangs up."""
    cause = type(error.__cause__)
    if not isinstance(error, httpx.ConnectTimeout) or not cause.__module__.startswith("aiohttp"):
        return error
    names = {kind.__name__ for kind in cause.__mro__}
    if "ClientConnectorError" in names:
        return httpx.ConnectError(str(error))
    return error if "ConnectionTimeoutError" in names else httpx.ReadError(str(error))


class _Body:
    """A body as it comes in. Unpacked here, because httpx unpacks a chunk whole, however large it becomes."""

    def __init__(self, response: httpx.Response) -> None:
        packed = response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate")
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None  # 32: zlib's header or gzip's
        self._data = bytearray()

    def add(self, chunk: bytes) -> Failure | None:
        """Take a chunk in, or say why not."""
        room = MAX_BODY - len(self._data) + 1
        self._data += self._unpacker.decompress(chunk, room) if self._unpacker else chunk[:room]
        return Failure("too_large", f"over {MAX_BODY} bytes", sent=True) if len(self._data) > MAX_BODY else None

    def reply(self, response: httpx.Response) -> Reply | Failure:
        """The whole answer."""
        if self._unpacker and self._data and not self._unpacker.eof:
            return Failure("broken", "the packed body is cut short", sent=True)
        return Reply(response.status_code, response.headers, bytes(self._data))


def transmit(transport: httpx.BaseTransport, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
    """Send once and read the whole answer, within the deadline. Nothing but `BaseException`s comes out."""
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), deadline.remaining())
    try:
        with deadline:
            response = transport.handle_request(request)
            try:
                if response.is_stream_consumed:  # made up or kept by the transport, not read from a socket
                    return Reply(response.status_code, response.headers, response.content)
                body = _Body(response)
                for chunk in response.iter_raw():
                    if problem := body.add(chunk):
                        return problem
                    if deadline.remaining() == 0:
                        return Failure("timeout", "the body did not end", sent=True)
            finally:
                response.close()
    except Exception as error:  # noqa: BLE001 - a transport may raise anything on what a server sends
        return failure(error, request.url)
    return body.reply(response)


async def atransmit(transport: httpx.AsyncBaseTransport, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
    """As `transmit`, on the event loop."""
    import anyio

    left = deadline.remaining()
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), left)
    try:
        with anyio.fail_after(left):
            response = await transport.handle_async_request(request)
            try:
                if response.is_stream_consumed:
                    return Reply(response.status_code, response.headers, response.content)
                body = _Body(response)
                async for chunk in response.aiter_raw():
                    if problem := body.add(chunk):
                        return problem
            finally:
                await response.aclose()
    except TimeoutError:
        return Failure("timeout", "cancelled at the deadline", sent=True)
    except Exception as error:  # noqa: BLE001 - as above
        return failure(error, request.url)
    return body.reply(response)
