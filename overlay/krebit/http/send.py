"""Send a request once: the one place where it becomes a whole answer or a failure."""

import re
import sys
from contextlib import aclosing, closing
from typing import Literal, NamedTuple, Protocol, TypeAlias

import anyio
import anyio.to_thread
import httpx

from krebit.errors import ConnectionFailed, DeadlineExceeded, TransportError
from krebit.http.deadline import Deadline, current_deadline
from krebit.redaction import mask

# A page of 100 records is about 50 KB. An answer far beyond any of this API would only fill the memory.
MAX_BODY = 64 * 2**20
_DESCRIPTIONS = {
    "connect": "no connection ({}); check the tenant's domain, the network and the proxy, if there is one",
    "timeout": "no answer in time ({})",
    "proxy": "the proxy let nothing through ({}); check HTTPS_PROXY, NO_PROXY or proxy=, and the proxy itself",
    "proxy_credentials": "the proxy refused its credentials ({}); check user and password in HTTPS_PROXY or proxy=",
    "certificate": "the server's certificate is not trusted ({}); if your company or the sandbox has an "
    "authority of its own, set SSL_CERT_FILE, or in Python pass ca_file=",
    "certificate_expired": "the server's certificate is out of date ({}); whoever runs the server must renew it, "
    "unless this machine's clock is wrong",
    "certificate_host": "the server's certificate is for another host ({}); check the tenant's domain, and "
    "the name server if it is right",
    "too_large": "the answer is too large ({})",
    "broken": "the connection broke ({}); check the network and the proxy, if there is one",
}


FailureKind: TypeAlias = Literal[
    "connect",
    "timeout",
    "broken",
    "proxy",
    "proxy_credentials",
    "certificate",
    "certificate_expired",
    "certificate_host",
    "too_large",
]
# Failures that another attempt would meet again. Repeating a wrong password may even lock the account.
LASTING: frozenset[FailureKind] = frozenset(
    ("proxy_credentials", "certificate", "certificate_expired", "certificate_host", "too_large")
)


class Reply:
    """An answer, read whole and decompressed.

    No tuple: error trackers would show it element by element, and a body may hold a secret.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: httpx.Headers, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"Reply(status={self.status})"


class Failure(NamedTuple):
    """No whole answer. `sent` is False when the request provably never reached the server."""

    kind: FailureKind
    text: str
    sent: bool

    def error(self, operation: str, deadline: Deadline | None = None) -> TransportError:
        """Return the exception for this failure. Its text names the operation, never the request's content."""
        if self.kind == "timeout" and (deadline is None or deadline.passed()):
            within = f"within {deadline.seconds:g} s" if deadline else "in time"
            problem = f"{operation}: no answer {within}; set a longer timeout"
            return DeadlineExceeded(problem, sent=self.sent, operation=operation)
        description = _DESCRIPTIONS[self.kind].format(self.text)
        return ConnectionFailed(f"{operation}: {description}", sent=self.sent, operation=operation)


# The extension of a request whose success is not kept in memory.
SINK = "krebit.sink"
_CUT_OFF = Failure("timeout", "cut off at the deadline", sent=True)
_TOO_SHORT = Failure("broken", "less came than was announced", sent=True)


class Sink(Protocol):
    """Takes the body of a success instead of the memory."""

    @property
    def is_full(self) -> bool:
        """Return whether enough has come to be written with `flush`."""
        ...

    @property
    def is_whole(self) -> bool:
        """Return whether all the announced bytes have come."""
        ...

    def begin(self, response: httpx.Response) -> bool:
        """Return whether this answer is taken, and begin anew with it."""
        ...

    def add(self, chunk: bytes) -> None:
        """Take some bytes."""

    def flush(self) -> None:
        """Write what has been taken."""


def send(
    transport: httpx.BaseTransport, request: httpx.Request, deadline: Deadline, longest_silence: float | None = None
) -> Reply | Failure:
    """Send once and read the whole answer, within the deadline.

    Give up after `longest_silence` seconds in which no byte comes, where it is given. Raises only exceptions that are
    not the transport's, such as KeyboardInterrupt.
    """
    request.extensions["timeout"] = _timeouts(deadline, longest_silence)
    outer_deadline = current_deadline.set(deadline)
    outer_error = sys.exception()
    try:
        return _exchange(transport, request, deadline)
    except httpx.RequestError as error:
        return failure_of(error, request.url)
    except BaseException as error:
        _drop_frames(error, outer_error)
        raise
    finally:
        # A signal handler may call within a call: the outer call gets its deadline back.
        current_deadline.reset(outer_deadline)


def _exchange(transport: httpx.BaseTransport, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
    body = bytearray()
    sink: Sink | None = request.extensions.get(SINK)
    with closing(_plainly_encoded(transport.handle_request(request))) as response:
        if sink is not None and sink.begin(response):
            for chunk in response.iter_bytes():
                sink.add(chunk)
                if deadline.passed():
                    return _CUT_OFF
                if sink.is_full:
                    sink.flush()
            sink.flush()
            return Reply(response.status_code, response.headers, b"") if sink.is_whole else _TOO_SHORT
        for chunk in response.iter_bytes():
            body += chunk
            if failure := _too_much(body, deadline):
                return failure
    return Reply(response.status_code, response.headers, bytes(body))


async def send_async(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    deadline: Deadline,
    longest_silence: float | None = None,
) -> Reply | Failure:
    """Do the same as `send`, on the event loop."""
    request.extensions["timeout"] = _timeouts(deadline, longest_silence)
    outer_error = sys.exception()
    try:
        with anyio.fail_after(deadline.remaining()):
            return await _exchange_async(transport, request, deadline)
    except TimeoutError:
        return Failure("timeout", "cancelled at the deadline", sent=True)
    except httpx.RequestError as error:
        return failure_of(error, request.url)
    except BaseException as error:
        _drop_frames(error, outer_error)
        raise


async def _exchange_async(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, deadline: Deadline
) -> Reply | Failure:
    body = bytearray()
    sink: Sink | None = request.extensions.get(SINK)
    async with aclosing(_plainly_encoded(await transport.handle_async_request(request))) as response:
        if sink is not None and sink.begin(response):
            threads = anyio.CapacityLimiter(1)
            async for chunk in response.aiter_bytes():
                sink.add(chunk)
                if sink.is_full:
                    await anyio.to_thread.run_sync(sink.flush, limiter=threads)
            await anyio.to_thread.run_sync(sink.flush, limiter=threads)
            return Reply(response.status_code, response.headers, b"") if sink.is_whole else _TOO_SHORT
        async for chunk in response.aiter_bytes():
            body += chunk
            if failure := _too_much(body, deadline):
                return failure
    return Reply(response.status_code, response.headers, bytes(body))


def _drop_frames(error: BaseException, outer: BaseException | None) -> None:
    """Take the frames below from an exception that passes through, such as KeyboardInterrupt.

    Their local variables hold the token and the body, and error trackers serialise them. `outer` is the exception that
    the caller is handling: it and those before it keep their frames.
    """
    found: BaseException | None = error
    seen: list[BaseException] = []
    while found is not None and found is not outer and found not in seen:
        found.__traceback__ = None
        seen.append(found)
        found = found.__context__


def failure_of(error: httpx.RequestError, url: httpx.URL) -> Failure:
    """Return the failure that an exception of the transport means.

    The exception itself is not kept: its frames hold headers and bodies.
    """
    text = _shown(error)
    if isinstance(error, httpx.ConnectError) and "certificate verify failed" in text.lower().replace("_", " "):
        return Failure(_certificate_kind(text), text, sent=False)
    if isinstance(error, httpx.ProxyError):
        return Failure("proxy_credentials" if re.search(r"\b407\b", text) else "proxy", text, sent=False)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Failure("timeout", text, sent=False)
    if isinstance(error, httpx.TimeoutException):
        return Failure("timeout", text, sent=True)
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Failure("connect", f"to {url.netloc.decode()}: {text}", sent=False)
    return Failure("broken", text, sent=True)


def _certificate_kind(text: str) -> FailureKind:
    if "expired" in text or "not yet valid" in text:
        return "certificate_expired"
    if "mismatch" in text:
        return "certificate_host"
    return "certificate"


def _shown(error: httpx.RequestError) -> str:
    """Return the exception's text, or its type where the text may repeat the request, as h11's refusals do."""
    safe = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.LocalProtocolError)
    return (mask(str(error)) if safe else "") or type(error).__name__


def _timeouts(deadline: Deadline, longest_silence: float | None) -> dict[str, float]:
    remaining = deadline.remaining()
    silence = remaining if longest_silence is None else min(longest_silence, remaining)
    return {"connect": silence, "read": silence, "write": silence, "pool": remaining}


def _too_much(body: bytearray, deadline: Deadline) -> Failure | None:
    """Return why no more of an answer is read, or None. An answer that never pauses meets no timeout of the socket."""
    if len(body) > MAX_BODY:
        return Failure("too_large", f"over {MAX_BODY} bytes", sent=True)
    if deadline.passed():
        return _CUT_OFF
    return None


def _plainly_encoded(response: httpx.Response) -> httpx.Response:
    """Keep a body compressed that is not gzip or deflate, or compressed twice: unpacked, it could fill the memory."""
    if response.headers.get("Content-Encoding", "gzip").strip().lower() not in ("gzip", "deflate"):
        del response.headers["Content-Encoding"]
    return response
