"""The way to the tenant: name, proxy, certificate and clock. One request without a token shows all of it."""

import socket
import threading
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from krebit.doctor.report import Step, failed_step
from krebit.errors import ConfigurationError, KrebitError
from krebit.http.deadline import Deadline
from krebit.http.proxies import proxy_of_environment
from krebit.http.request import CallOptions, RequestBuilder
from krebit.http.send import Failure, send
from krebit.http.transports import TransportFactory
from krebit.redaction import Secret
from krebit.resources import user_agent
from krebit.unlisted import unlisted_operation

# Seconds for a name to be found, for the request, and by which two clocks may differ.
_NAME_TIMEOUT = 5.0
_TIMEOUT = 10.0
_CLOCK_TOLERANCE = 60.0
_OFFLINE = "not checked: --offline"
_TOKEN_PATH = "/api/oauth/token"  # noqa: S105 - a path


class Answer(NamedTuple):
    """The answer to a request without a token."""

    path: str
    status: int
    date: str
    body: bytes


class WatchedTransport(httpx.BaseTransport):
    """Passes requests on.

    `tls` is the version of TLS of the latest answer. `has_renewed` says whether the token endpoint gave a new token.
    """

    def __init__(self, ours: httpx.BaseTransport) -> None:
        self._ours = ours
        self.tls: str | None = None
        self.has_renewed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer."""
        response = self._ours.handle_request(request)
        self.tls = _tls_of(response)
        if request.url.path == _TOKEN_PATH and response.status_code < 300:
            self.has_renewed = True
        return response

    def close(self) -> None:
        """Close the connections."""
        self._ours.close()


class Reached(NamedTuple):
    """The steps on the way, and the answer to a request without a token, where one came."""

    steps: list[Step]
    answer: Answer | None


def offline_steps() -> list[Step]:
    """Return the steps that are left out where no connection may be opened."""
    return [Step(name, "skip", _OFFLINE) for name in ("DNS", "proxy", "TLS", "clock")]


def unknown_tenant_steps() -> list[Step]:
    """Return the steps that are left out where nobody knows which host to reach."""
    text = "not checked: the tenant's domain is not known"
    return [Step(name, "skip", text) for name in ("DNS", "proxy", "TLS", "clock")]


def reach(domain: str, path: str, *, plain_http: bool, ca_file: str | None) -> Reached:
    """Look the tenant's name up, and send one request without a token to `path`."""
    origin = f"{'http' if plain_http else 'https'}://{domain}"
    proxy = None if plain_http else proxy_of_environment(origin)
    name = Step("DNS", "skip", "the proxy looks the name up") if proxy else _find_name(domain)
    if name.mark == "fail":
        rest = [Step(step, "skip", "not checked: the host is not found") for step in ("proxy", "TLS", "clock")]
        return Reached([name, *rest], None)
    try:
        ours = TransportFactory(origin, ca_file, Secret(None)).blocking(None)
    except ConfigurationError as problem:
        return _reached(name, proxy, problem, None, plain_http=plain_http)
    with WatchedTransport(ours) as transport:
        found = _ask_without_token(transport, origin, path)
    return _reached(name, proxy, found, transport.tls, plain_http=plain_http)


def _reached(
    name: Step, proxy: str | None, found: Answer | KrebitError, tls: str | None, *, plain_http: bool
) -> Reached:
    """Return the steps of an answer, or of the error that kept one from coming."""
    error = found if isinstance(found, KrebitError) else None
    steps = [name, _proxy_step(proxy, error), _tls_step(error, tls, plain_http=plain_http)]
    if isinstance(found, KrebitError):
        return Reached([*steps, Step("clock", "skip", "not checked: no answer came")], None)
    return Reached([*steps, _clock_step(found.date)], found)


def _find_name(domain: str) -> Step:
    parts = urlsplit(f"//{domain}")
    host = parts.hostname or ""
    found: list[Any] = []
    problem: list[str] = []

    def look_up() -> None:
        try:
            found.extend({str(address[4][0]) for address in socket.getaddrinfo(host, parts.port or 443)})
        except (OSError, UnicodeError) as error:
            problem.append(str(error))

    # The resolver takes no timeout; a daemon does not hold up the end of the program.
    thread = threading.Thread(target=look_up, name="krebit-doctor-name", daemon=True)
    thread.start()
    thread.join(_NAME_TIMEOUT)
    if found:
        count = "an address" if len(found) == 1 else f"{len(found)} addresses"
        return Step("DNS", "pass", f"{host} has {count}")
    reason = problem[0] if problem else f"no answer within {_NAME_TIMEOUT:g} s"
    repair = "check the domain for a typing error; if it is right, check this machine's network and name server"
    return Step("DNS", "fail", f"{host} is not found ({reason})", repair)


def _ask_without_token(transport: httpx.BaseTransport, origin: str, path: str) -> Answer | KrebitError:
    """Send one request, as the client would. Return its answer, or the error that kept one from coming."""
    options = CallOptions()
    operation, arguments, _ = unlisted_operation(origin, options, "GET", path, None)
    request = RequestBuilder(origin, user_agent()).build(operation, arguments, options)
    deadline = Deadline(_TIMEOUT)
    outcome = send(transport, request, deadline)
    if isinstance(outcome, Failure):
        return outcome.error(operation.id, deadline)
    return Answer(path, outcome.status, outcome.headers.get("date", ""), outcome.body)


def _proxy_step(proxy: str | None, error: KrebitError | None) -> Step:
    if error is not None and _is_of_proxy(error):
        return _failed("proxy", error)
    if proxy is None:
        return Step("proxy", "pass", "no proxy is used")
    shown = proxy.rpartition("@")[2].rpartition("://")[2]
    return Step("proxy", "pass", f"{shown}, from HTTPS_PROXY or the system's settings")


def _is_of_proxy(error: KrebitError) -> bool:
    return "proxy" in str(error).partition("; ")[0]


def _tls_step(error: KrebitError | None, tls: str | None, *, plain_http: bool) -> Step:
    if error is not None and _is_of_proxy(error):
        return Step("TLS", "skip", "not checked: no connection through the proxy")
    if error is not None:
        return _failed("TLS", error)
    if plain_http:
        return Step("TLS", "skip", "plain HTTP, to this machine")
    return Step("TLS", "pass", f"{tls or 'encrypted'}, the certificate is trusted")


def _clock_step(date: str) -> Step:
    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = time.time() - moment.timestamp()
    except (ValueError, TypeError, OverflowError):
        return Step("clock", "skip", "not compared: the server sends no Date")
    if abs(seconds) <= _CLOCK_TOLERANCE:
        return Step("clock", "pass", "agrees with the server's")
    side = "ahead of" if seconds > 0 else "behind"
    text = f"this machine's clock is {abs(seconds):.0f} s {side} the server's"
    return Step("clock", "warn", text, "set it right, for example with: timedatectl set-ntp true")


def _failed(name: str, error: KrebitError) -> Step:
    """Return the step of an error, without the name of the request."""
    text = str(error)
    operation, _, rest = text.partition(": ")
    problem = rest if operation.startswith("GET ") else text
    return failed_step(name, problem, otherwise="check this machine's network, and try again later")


def _tls_of(response: httpx.Response) -> str | None:
    stream = response.extensions.get("network_stream")
    connection = None if stream is None else stream.get_extra_info("ssl_object")
    return None if connection is None else str(connection.version())
