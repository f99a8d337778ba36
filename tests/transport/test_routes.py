"""The way to the tenant: proxies and certificate authorities."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from krebit import ConfigurationError, ConnectionFailed, Krebit
from krebit.http.proxies import is_exempt
from krebit_sandbox import Sandbox
from tests.ports import closed_port
from tests.transport.proxies import Proxy
from tests.transport.support import Place, RawRequest, RawServer, Way, answering, reply


def me(api: Any) -> Any:
    return api.get_current_user()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_from_the_environment(sandbox: Sandbox, way: Way, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv(name, f"http://localhost:{proxy.port}")
        assert Place.sandbox(sandbox, fresh=True).call(way, me).id is not None

        assert set(proxy.targets) == {sandbox.domain}
        assert all(b"Bearer" not in head and b"authorization" not in head.lower() for head in proxy.heads)
        # The token endpoint is asked over the same proxy.
        assert len(proxy.targets) == (1 if way == "blocking" else 2)


@pytest.mark.parametrize("value", ["localhost", "*", "example.com,localhost", "DOMAIN"])
def test_exceptions_from_the_proxy(sandbox: Sandbox, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", value.replace("DOMAIN", sandbox.domain))
        assert Place.sandbox(sandbox).call("blocking", me).id is not None
        assert proxy.targets == []


def test_a_proxy_that_is_given_goes_before_the_environment(
    sandbox: Sandbox, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:1")
    monkeypatch.setenv("NO_PROXY", "*")
    with Proxy() as proxy:
        assert Place.sandbox(sandbox).call(way, me, proxy=f"http://user:pass@localhost:{proxy.port}").id is not None
        assert proxy.targets == [sandbox.domain]
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in proxy.heads[0].replace(b"proxy-auth", b"Proxy-Auth")


@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_a_proxy_that_is_reached_by_tls(sandbox: Sandbox, way: Way, server_tls: ssl.SSLContext) -> None:
    with Proxy(tls=server_tls) as proxy:
        assert Place.sandbox(sandbox).call(way, me, proxy=f"https://localhost:{proxy.port}").id is not None
        assert proxy.targets == [sandbox.domain]


def test_plain_http_goes_through_no_proxy(way: Way) -> None:
    """It is for this machine alone, and a proxy would read the secret."""
    with answering({"id": 1}) as server, Proxy() as proxy:
        assert Place.raw(server).call(way, me, proxy=f"http://localhost:{proxy.port}").id == 1
        assert proxy.targets == []


REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("fresh", [False, True], ids=["a call", "a refresh"])
def test_a_proxys_refusal_of_its_credentials_is_tried_once(sandbox: Sandbox, way: Way, fresh: bool) -> None:
    """Presented again and again they lock an account."""
    with Proxy(refuse=REFUSED) as proxy:
        place = Place.sandbox(sandbox, fresh=fresh, proxy=f"http://user:hunter2@localhost:{proxy.port}")
        error = place.error(way, me)

        assert isinstance(error, ConnectionFailed)
        assert not error.sent
        assert "credentials" in str(error)
        assert f"localhost:{proxy.port}" in str(error)
        assert "hunter2" not in str(error)
        assert len(proxy.targets) == 1
    assert sandbox.requests == []


def test_a_proxy_that_refuses_for_another_reason(sandbox: Sandbox, way: Way) -> None:
    with Proxy(refuse=b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as proxy:
        error = Place.sandbox(sandbox, proxy=f"http://localhost:{proxy.port}").error(way, me)

        assert isinstance(error, ConnectionFailed)
        assert f"the proxy let nothing through (localhost:{proxy.port}: 503" in str(error)
        assert len(proxy.targets) == 3


def test_no_proxy_there(sandbox: Sandbox, way: Way) -> None:
    with closed_port() as port:
        error = Place.sandbox(sandbox, proxy=f"http://localhost:{port}").error(way, me, retries=0)

    assert isinstance(error, ConnectionFailed)
    assert not error.sent
    assert f"the proxy let nothing through (localhost:{port}: " in str(error)


@pytest.mark.parametrize(
    ("host", "port", "value", "exempt"),
    [
        ("yourco.krebit.se", 443, "*", True),
        ("yourco.krebit.se", 443, "yourco.krebit.se", True),
        ("yourco.krebit.se", 443, "krebit.se", True),
        ("yourco.krebit.se", 443, ".krebit.se", True),
        ("yourco.krebit.se", 443, "*.krebit.se", True),
        ("yourco.krebit.se", 443, " a.example ,\tYOURCO.Krebit.SE ", True),
        ("yourco.krebit.se", 443, "a.example yourco.krebit.se", True),
        ("yourco.krebit.se", 443, "yourco.krebit.se:443", True),
        ("yourco.krebit.se", 8443, "*.krebit.se:8443", True),
        ("yourco.krebit.se", 443, "yourco.krebit.se:8443", False),
        ("notkrebit.se", 443, "krebit.se", False),
        ("krebit.se.evil.example", 443, "krebit.se", False),
        ("yourco.krebit.se", 443, "", False),
        ("yourco.krebit.se", 443, ",. ,*.,", False),
        ("yourco.krebit.se", 443, "10.0.0.0/8", False),
        ("127.0.0.1", 443, "127.0.0.0/8", True),
        ("127.0.0.1", 443, "127.0.0.1", True),
        ("127.0.0.1", 443, "127.0.0.1:443", True),
        ("127.0.0.1", 443, "127.0.0.1:80", False),
        ("128.0.0.1", 443, "127.0.0.0/8", False),
        ("10.1.2.3", 443, "10.1.2.9/8", True),
        ("127.0.0.1", 443, "127.0.0.0/99", False),
        ("::1", 443, "::1", True),
        ("::1", 443, "[::1]", True),
        ("::1", 8443, "[::1]:8443", True),
        ("::1", 443, "[::1]:8443", False),
        ("0:0:0:0:0:0:0:1", 443, "::1", True),
        ("fd00::5", 443, "fd00::/8", True),
        ("fe00::5", 443, "fd00::/8", False),
        ("::1", 443, "127.0.0.0/8", False),
    ],
)
def test_hosts_that_need_no_proxy(host: str, port: int, value: str, exempt: bool) -> None:
    assert is_exempt(host, port, value) == exempt


@pytest.mark.parametrize("proxy", ["ftp://user:hunter2@proxy:1", "http://:::", "socks9://a"])
def test_what_is_no_proxy(proxy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Krebit("yourco.krebit.se", "id", "secret", proxy=proxy)

    assert "proxy" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


# --- certificate authorities ------------------------------------------------------------------------------------------


def test_an_authority_from_the_environment(sandbox: Sandbox, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sandbox.ca_file is not None
    monkeypatch.setenv("SSL_CERT_FILE", sandbox.ca_file)
    assert Place.sandbox(sandbox, ca_file=None).call(way, me).id is not None


def test_an_authority_that_is_not_trusted(sandbox: Sandbox, way: Way) -> None:
    error = Place.sandbox(sandbox, ca_file=None).error(way, me)

    assert isinstance(error, ConnectionFailed)
    assert not error.sent
    assert "SSL_CERT_FILE" in str(error)
    assert "ca_file=" in str(error)
    assert sandbox.requests == []


def test_a_certificate_for_another_host(sandbox: Sandbox, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place.sandbox(sandbox)
    place.arguments["domain"] = "other.localhost:" + sandbox.domain.partition(":")[2]
    from tests.transport.support import store_for

    place.arguments["store"] = store_for(place.arguments["domain"], sandbox.application.client_id)
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: real(str(host).replace("other.", ""), *rest, **more)
    )

    error = place.error(way, me)

    assert isinstance(error, ConnectionFailed)
    assert not error.sent
    assert sandbox.requests == []


def _own_tls(authority: trustme.CA, **options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", **options).configure_cert(context)
    return context


def test_an_authority_that_is_replaced_on_disk(way: Way, tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    for _ in range(2):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(file))
        with RawServer(_user, tls=_own_tls(authority)) as server:
            assert Place.at(server.domain, ca_file=file).call(way, me).id == 1


def _user(connection: socket.socket, request: RawRequest) -> None:
    connection.sendall(reply({"id": 1}))


@pytest.mark.parametrize("cause", ["expired", "not yet valid", "another host", "unknown"])
def test_the_message_fits_the_cause(way: Way, tmp_path: Path, cause: str) -> None:
    authority, file = trustme.CA(), tmp_path / "authority.pem"
    (trustme.CA() if cause == "unknown" else authority).cert_pem.write_to_path(str(file))
    options: dict[str, Any] = {}
    if cause == "expired":
        options["not_after"] = datetime.now(UTC) - timedelta(days=1)
        options["not_before"] = datetime.now(UTC) - timedelta(days=2)
    if cause == "not yet valid":
        options["not_before"] = datetime.now(UTC) + timedelta(days=1)
    with RawServer(_user, tls=_own_tls(authority, **options)) as server:
        domain = server.domain.replace("localhost", "127.0.0.1") if cause == "another host" else server.domain
        error = Place.at(domain, ca_file=file).error(way, me)

    assert isinstance(error, ConnectionFailed)
    assert not error.sent
    assert server.requests == []
    assert ("SSL_CERT_FILE" in str(error)) == (cause == "unknown")
    fitting = {
        "expired": "out of date",
        "not yet valid": "clock",
        "another host": "another host",
        "unknown": "ca_file=",
    }
    assert fitting[cause] in str(error)


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff" * 100])
def test_what_is_no_authority(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"authority\.pem"):
        Krebit("yourco.krebit.se", "id", "secret", ca_file=path)
