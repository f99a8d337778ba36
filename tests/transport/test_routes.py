"""The way to the tenant: proxies, authorities, and domains that are refused before a socket is opened."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from krebit import ConfigurationError, ConnectionFailed, Krebit, TransportError, errors
from krebit_sandbox import Sandbox
from tests.transport.proxies import Proxy
from tests.transport.support import Place, Way, answering


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


def test_a_proxy_that_refuses(sandbox: Sandbox, way: Way) -> None:
    with Proxy(refuse=b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        place = Place.sandbox(sandbox, proxy=f"http://user:hunter2@localhost:{proxy.port}")
        error = place.error(way, me, retries=0)

    assert isinstance(error, ConnectionFailed)
    assert "hunter2" not in str(error)
    assert sandbox.requests == []


def test_no_proxy_there(sandbox: Sandbox, way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = Place.sandbox(sandbox, proxy=f"http://localhost:{port}").error(way, me, retries=0)

    assert isinstance(error, ConnectionFailed)
    assert not error.sent


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


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff" * 100])
def test_what_is_no_authority(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"authority\.pem"):
        Krebit("yourco.krebit.se", "id", "secret", ca_file=path)


# --- domains ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "domain",
    [
        "http://yourco.krebit.se",
        "ftp://yourco.krebit.se",
        "yourco.krebit.se/api",
        "yourco.krebit.se//",
        "https://yourco.krebit.se/api/1.0",
        "user:hunter2@yourco.krebit.se",
        "https://user@yourco.krebit.se",
        "yourco.krebit.se:0",
        "yourco.krebit.se:65536",
        "yourco.krebit.se:99999999999999999999",
        "yourco.krebit.se:",
        "yourco.krebit.se:\u0664\u0664\u0663",
        "yourco.krebit.se:443:443",
        "your co.krebit.se",
        " yourco.krebit.se",
        "yourco.krebit.se\n",
        "yourco.krebit.se\x00",
        "y\u043eurco.krebit.se",
        "yourco.\u212arebit.se",
        "yourco\u3002krebit.se",
        "yourco.krebit.se?x",
        "yourco.krebit.se#x",
        "yourco.krebit.se\\@evil.example",
        "yourco..krebit.se",
        "-yourco.krebit.se",
        "[::1",
        "[zz]",
        "",
        "https://",
        "a" * 300,
    ],
)
def test_domains_that_are_refused(domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(ConfigurationError, match=r"^domain: ") as caught:
        Krebit(domain, "id", "secret")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "domain"),
    [
        ("yourco.krebit.se", "yourco.krebit.se"),
        ("https://yourco.krebit.se", "yourco.krebit.se"),
        ("https://yourco.krebit.se/", "yourco.krebit.se"),
        ("HTTPS://YourCo.Krebit.SE", "yourco.krebit.se"),
        ("yourco.krebit.se:8443", "yourco.krebit.se:8443"),
        ("[::1]:8443", "[::1]:8443"),
    ],
)
def test_domains_that_are_forgiven(given: str, domain: str) -> None:
    with Krebit(given, "id", "secret") as api:
        assert f"<Krebit {domain}," in repr(api)


@pytest.mark.parametrize("profile", ["", "a" * 101, "a\nb"])
def test_every_setting_that_is_wrong_is_named_as_it_was_given(profile: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Krebit("", "id of mine", "secret", redirect_uri="/callback", profile=profile)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "domain",
        "client_id",
        "redirect_uri",
        "profile",
    ]
    variables = {"KREBIT_DOMAIN": "yourco.krebit.se", "KREBIT_CLIENT_ID": "id", "KREBIT_API": "https://other.krebit.se"}
    with pytest.raises(ConfigurationError) as caught:
        Krebit.from_env(variables, profile=profile)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "KREBIT_CLIENT_SECRET",
        "profile",
        "KREBIT_API",
    ]


@pytest.mark.parametrize("domain", ["yourco.krebit.se", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"])
def test_plain_http_is_for_this_machine_alone(domain: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="plain HTTP"):
        Krebit(domain, "id", "secret", plain_http=True)


def test_plain_http_has_to_be_asked_for(way: Way) -> None:
    with answering({"id": 1}) as server:
        assert Place.raw(server).call(way, me).id == 1
        error = Place.at(server.domain, retries=0, timeout=0.5).error(way, me)

    assert isinstance(error, TransportError)
    assert len(server.requests) == 1
