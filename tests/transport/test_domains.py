"""The domain and the other settings of a tenant: refused before a socket is opened, or forgiven."""

import socket

import pytest

from krebit import ConfigurationError, Krebit, TransportError
from tests.transport.support import Place, Way, answering


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


@pytest.mark.parametrize(
    "domain",
    [
        "yourco.krebit.se",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "attacker.localhost",
        "127.0.0.999",
    ],
)
def test_plain_http_is_for_this_machine_alone(domain: str) -> None:
    with pytest.raises(ConfigurationError, match="plain HTTP"):
        Krebit(domain, "id", "secret", plain_http=True)


def test_plain_http_has_to_be_asked_for(way: Way) -> None:
    with answering({"id": 1}) as server:
        assert Place.raw(server).call(way, lambda api: api.get_current_user()).id == 1
        error = Place.at(server.domain, retries=0, timeout=0.5).error(way, lambda api: api.get_current_user())

    assert isinstance(error, TransportError)
    assert len(server.requests) == 1
