"""The way to the tenant: name, proxy, certificate and clock. One request without a token shows all of it."""

import socket
import threading
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from krebit.client import Krebit
from krebit.doctor.report import Step, failed_step
from krebit.errors import ConfigurationError, KrebitError, TransportError
from krebit.http.proxies import proxy_of_environment
from krebit.redaction import Secret
from krebit.stores import Login, LoginKey
from krebit.stores.memory import MemoryTokenStore

# Seconds for a name to be found, for the request, and by which two clocks may differ.
_NAME_TIMEOUT = 5.0
_TIMEOUT = 10.0
_CLOCK_TOLERANCE = 60.0
_OFFLINE = "not checked: --offline"
_TOKEN_PATH = "/api/oauth/token"  # noqa: S105 - a path


class Answer(NamedTuple):
    """The answer to a request, as far as it is kept: its body only where the request had no token."""

    path: str
    status: int
    date: str
    body: bytes


class WatchedTransport(httpx.BaseTransport):
    """Passes requests on, and keeps what came. `is_anonymous` takes the token from them."""

    def __init__(self, ours: httpx.BaseTransport, *, is_anonymous: bool = False) -> None:
        self._ours = ours
        self._is_anonymous = is_anonymous
        self.answers: list[Answer] = []
        self.tls: str | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and keep path, status and time of its answer."""
        if self._is_anonymous:
            del request.headers["Authorization"]
        response = self._ours.handle_request(request)
        self.tls = _tls_of(response)
        body = response.read() if self._is_anonymous else b""
        self.answers.append(Answer(request.url.path, response.status_code, response.headers.get("date", ""), body))
        return response

    def close(self) -> None:
        """Close the connections."""
        self._ours.close()

    @property
    def has_renewed(self) -> bool:
        """Whether the token endpoint gave a new token."""
        return any(answer.path == _TOKEN_PATH and answer.status < 300 for answer in self.answers)


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
    watched: list[WatchedTransport] = []
    error = _send_without_token(domain, path, plain_http=plain_http, ca_file=ca_file, watched=watched)
    answers = watched[0].answers if watched else []
    tls = watched[0].tls if watched else None
    steps = [name, _proxy_step(proxy, error), _tls_step(error, tls, plain_http=plain_http)]
    if not answers:
        return Reached([*steps, Step("clock", "skip", "not checked: no answer came")], None)
    return Reached([*steps, _clock_step(answers[0].date)], answers[0])


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
    repair = "check KREBIT_DOMAIN for a typing error; if it is right, check this machine's network and name server"
    return Step("DNS", "fail", f"{host} is not found ({reason})", repair)


def _send_without_token(
    domain: str, path: str, *, plain_http: bool, ca_file: str | None, watched: list[WatchedTransport]
) -> KrebitError | None:
    """Send one request, over the client's own transport. Return the error that kept an answer from coming."""

    def watch(ours: httpx.BaseTransport) -> httpx.BaseTransport:
        watched.append(WatchedTransport(ours, is_anonymous=True))
        return watched[-1]

    store = MemoryTokenStore()
    try:
        options: dict[str, Any] = {} if ca_file is None else {"ca_file": ca_file}
        api = Krebit(
            domain,
            "doctor",
            "doctor",
            plain_http=plain_http,
            store=store,
            transport=watch,
            timeout=_TIMEOUT,
            retries=0,
            **options,
        )
    except ConfigurationError as error:
        return error
    # The client asks for no token where it has one. The transport takes it from the request.
    key = LoginKey(domain.lower(), "doctor")
    with store.lease(key, patience=_TIMEOUT) as lease:
        lease.save(Login.empty()._replace(access_token=Secret("none")))
    with api:
        try:
            api.request("GET", path)
        except TransportError as error:
            return error
        except KrebitError:
            return None  # whatever came, it came from the tenant
    return None


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
