"""What goes over the wire: the one place where a request becomes a reply or a failure."""

from contextlib import aclosing, closing
from typing import Literal, NamedTuple

import anyio
import httpx

from krebit._deadline import Deadline, current, exception, of_a_signal
from krebit._mask import mask
from krebit.errors import ConnectionFailed, DeadlineExceeded, TransportError

# A page of 100 records is about 50 KB; what is far beyond any answer of this API would only fill the memory.
MAX_BODY = 64 * 2**20
_WHAT = {
    "connect": "no connection ({}); check the tenant's domain, the network and the proxy, if there is one",
    "timeout": "no answer in time ({})",
    "certificate": "the server's certificate is not trusted ({}); for a company's or a sandbox's own authority set "
    "SSL_CERT_FILE or pass ca_file=",
    "too_large": "the answer is too large ({})",
    "broken": "the connection broke ({})",
}


class Reply(NamedTuple):
    """An answer, read whole and unpacked."""

    status: int
    headers: httpx.Headers
    body: bytes

    def __repr__(self) -> str:
        return f"Reply(status={self.status})"


class Failure(NamedTuple):
    """No whole answer. `sent` is False when the request provably never reached the server."""

    kind: Literal["connect", "timeout", "broken", "certificate", "too_large"]
    text: str
    sent: bool

    def error(self, operation: str, deadline: Deadline | None = None) -> TransportError:
        """The exception for this failure. Its text names the operation, never the request's content."""
        if self.kind == "timeout" and (deadline is None or deadline.passed()):
            return DeadlineExceeded(
                f"{operation}: no answer {f'within {deadline.seconds:g} s' if deadline else 'in time'}",
                sent=self.sent,
                operation=operation,
            )
        return ConnectionFailed(
            f"{operation}: {_WHAT[self.kind].format(self.text)}", sent=self.sent, operation=operation
        )


def _enough(body: bytearray, deadline: Deadline) -> Failure | None:
    """Why no more of an answer is read. What floods never blocks, and would pass a deadline that is held at the
    socket."""
    return (
        Failure("too_large", f"over {MAX_BODY} bytes", sent=True)
        if len(body) > MAX_BODY
        else Failure("timeout", "cut off at the deadline", sent=True)
        if deadline.passed()
        else None
    )


def failure(error: Exception, url: httpx.URL, before: BaseException | None = None) -> Failure:
    """Sort an exception of the transport. The frames it carries hold headers and bodies, so it is not kept.

    One that a signal handler raised is none of the transport's: it is raised again, and nothing is sent again.
    """
    if raised := of_a_signal(error, before):
        raise raised
    error = _told_apart(error)
    # Only httpx's own texts are known to repeat nothing of the request; h11's on what it refuses to write does.
    known = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.LocalProtocolError)
    text = (mask(str(error)) if known else "") or type(error).__name__
    if isinstance(error, httpx.ConnectError) and "certificate verify failed" in text.lower().replace("_", " "):
        return Failure("certificate", text, sent=False)
    if isinstance(error, httpx.TimeoutException):
        return Failure("timeout", text, sent=not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout))
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Failure("connect", f"to {url.netloc.decode()}: {text}", sent=False)
    return Failure("broken", text, sent=True)


def _told_apart(error: Exception) -> Exception:
    """httpx-aiohttp makes a ConnectTimeout of most of aiohttp's errors, such as of a server that hangs up."""
    causes = {kind.__name__ for kind in type(error.__cause__).__mro__}
    if (
        not isinstance(error, httpx.ConnectTimeout)
        or "ClientConnectionError" not in causes
        or "ConnectionTimeoutError" in causes
    ):
        return error
    return (httpx.ConnectError if "ClientConnectorError" in causes else httpx.ReadError)(str(error))


def _as_asked(response: httpx.Response) -> httpx.Response:
    """What is packed in another way than was asked for, or twice, stays packed: a few bytes could fill the memory."""
    if response.headers.get("Content-Encoding", "gzip").strip().lower() not in ("gzip", "deflate"):
        del response.headers["Content-Encoding"]
    return response


def transmit(transport: httpx.BaseTransport, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
    """Send once and read the whole answer, within the deadline. Raises nothing but what is none of the transport's:
    `BaseException`s, and what a signal handler raises."""
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), deadline.remaining())
    body, before = bytearray(), exception()
    current.set(deadline)
    try:
        with closing(_as_asked(transport.handle_request(request))) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if failed := _enough(body, deadline):
                    return failed
    except Exception as error:  # noqa: BLE001 - a transport may raise anything on what a server sends
        return failure(error, request.url, before)
    return Reply(response.status_code, response.headers, bytes(body))


async def atransmit(transport: httpx.AsyncBaseTransport, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
    """As `transmit`, on the event loop."""
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), deadline.remaining())
    body, before = bytearray(), exception()
    try:
        with anyio.fail_after(deadline.remaining()):
            async with aclosing(_as_asked(await transport.handle_async_request(request))) as response:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if failed := _enough(body, deadline):
                        return failed
    except TimeoutError:
        return Failure("timeout", "cancelled at the deadline", sent=True)
    except Exception as error:  # noqa: BLE001 - as above
        return failure(error, request.url, before)
    return Reply(response.status_code, response.headers, bytes(body))
