"""What a hostile server, proxy or caller might try, beyond plain failures."""

import json
import random
import ssl
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import pytest

from krebit import ConfigurationError, Krebit, KrebitError, UnexpectedResponse
from krebit.redaction import Secret, mask
from krebit_sandbox import Sandbox
from tests.transport.proxies import DrippingProxy
from tests.transport.support import Place, RawServer, Way, answering, connections_to


def test_a_client_that_could_not_be_made_still_has_a_text() -> None:
    assert repr(object.__new__(Krebit)) == "<Krebit not made>"


def test_a_secret_of_nothing_is_empty_and_one_of_a_secret_is_the_same() -> None:
    assert not Secret(None)
    assert Secret(Secret("a")) == Secret("a") != Secret("b")
    assert str(Secret("a")) == f"{Secret('a')}" == "***"


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../oauth/token",
        "/../../oauth/token",
        "/clients/../../../oauth/authorize",
        "/api/1.0/../2.0/x",
        "/a/./b",
        "/a/..",
        "/%2e%2E/oauth",
        "/a%2f..%2fb",
        "/a\\..\\b",
        "/..?x=1",
    ],
)
def test_no_path_leads_out_of_the_api(path: str) -> None:
    with answering({}) as server:
        error = Place.raw(server).error("blocking", lambda api: api.request("GET", path))
        assert isinstance(error, ConfigurationError)
        assert server.requests == []


@pytest.mark.parametrize("uuid", ["..", ".", "../..", "%2e%2e", "a/../b"])
def test_no_argument_leads_out_of_an_operation(way: Way, uuid: str) -> None:
    with answering([]) as server:
        place = Place.raw(server)
        if uuid == "%2e%2e":  # quoted once more, so that it stays what it is
            assert place.call(way, lambda api: api.get_act_data(uuid)) == []
            assert server.requests[0].target == "/api/1.0/acts/%252e%252e/data"
            return
        assert isinstance(place.error(way, lambda api: api.get_act_data(uuid)), ConfigurationError)
        assert server.requests == []


@pytest.mark.parametrize("path", ["/a..b", "/...", "/.well-known", "/x?next=/../y", "/x/?a=.."])
def test_dots_that_lead_nowhere_else_are_taken(path: str) -> None:
    with answering({}) as server:
        Place.raw(server).call("blocking", lambda api: api.request("GET", path))
        assert server.requests[0].target == "/api/1.0" + path


def test_parameters_join_those_of_the_path() -> None:
    with answering({}) as server, Place.raw(server).client() as api:
        for params in ({"limit": 5}, {}, None):
            api.request("GET", "/clients?page=2", params=params)
        targets = [request.target for request in server.requests]

    assert targets == ["/api/1.0/clients?page=2&limit=5", "/api/1.0/clients?page=2", "/api/1.0/clients?page=2"]


@pytest.mark.parametrize("value", [" a", "a ", "a\t", "\x7f"])
def test_headers_that_could_not_be_written_are_refused_before_any_call(value: str) -> None:
    with Krebit("a.example", "id", "secret") as api, pytest.raises(ConfigurationError, match="X-A"):
        api.with_options(headers={"X-A": value})


def test_a_setting_that_does_not_exist_is_not_passed_over() -> None:
    misspelt: Any = {"timout": 5}
    with pytest.raises(TypeError, match="timout"):
        Krebit("a.example", "id", "secret", **misspelt)


def test_a_redirect_shows_no_password() -> None:
    with answering({}, "302 Found", (("Location", "https://user:hunter2@b.example/x"),)) as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_current_user())

    assert "hunter2" not in str(error)
    assert "b.example/x" in str(error)


# --- bodies -----------------------------------------------------------------------------------------------------------


@cache
def _bomb() -> bytes:
    """4 kB that become 1 MB, that becomes 1 GB."""
    packer, spaces = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * 2**24
    inner = b"".join(packer.compress(spaces) for _ in range(64)) + packer.flush()
    outer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return outer.compress(inner) + outer.flush()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,deflate", "br", "zstd", "x-unheard-of"])
def test_what_is_packed_as_nobody_asked_stays_packed(way: Way, encoding: str) -> None:
    with answering(_bomb(), headers=(("Content-Encoding", encoding),)) as server:
        error = Place.raw(server).error(way, lambda api: api.get_client(1), retries=0)

    assert isinstance(error, UnexpectedResponse)
    assert len(error.body) < 10_000


def test_the_encoding_is_not_the_callers_to_choose() -> None:
    with Krebit("a.example", "id", "secret") as api, pytest.raises(ConfigurationError, match="Accept-Encoding"):
        api.with_options(headers={"Accept-Encoding": "br"})


# --- the way ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1500], ids=["the handshake", "the answer"])
@pytest.mark.parametrize(
    # A blocking call within the TLS of a proxy is the documented exception.
    ("way", "outer"),
    [("blocking", "http"), ("asyncio", "http"), ("asyncio", "https")],
)
def test_a_proxy_that_drips_within_a_record(
    sandbox: Sandbox, server_tls: ssl.SSLContext, way: Way, outer: str, after: int
) -> None:
    """Bytes that make no whole record of TLS for a long time."""
    with DrippingProxy(after, tls=server_tls if outer == "https" else None) as proxy:
        place = Place.sandbox(sandbox, proxy=f"{outer}://localhost:{proxy.port}")
        error = place.error(way, lambda api: api.get_current_user(), timeout=0.5)

    assert isinstance(error, KrebitError)
    assert type(error).__name__ == "DeadlineExceeded"


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_a_server_that_never_says_goodbye_is_not_waited_for(
    sandbox: Sandbox, server_tls: ssl.SSLContext, way: Way
) -> None:
    def answer(connection: Any, request: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        server.stopped.wait(30)

    with RawServer(answer, tls=server_tls) as server:
        place = Place.raw(server, ca_file=sandbox.ca_file, timeout=0.3, retries=0)
        place.error(way, lambda api: api.get_current_user())
        assert connections_to(server.domain) == 0


# --- masks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see https://user:hunter2@proxy.example/", "see https://***@proxy.example/"),
        ("vat SE556036079301.", "vat ******-****."),
        ("no 556036 0793", "no ******-****"),
        ("no 556036\u20130793", "no ******-****"),
        ("call +46(0)70-123 45 67", "call +***"),
        ("call (070) 123 45 67", "call 0***"),
        ('{"token":"abc\\"def","x":1}', '{"token":***,"x":1}'),
        ("https://yourco.krebit.se/login", "https://yourco.krebit.se/login"),
        ("The limit must not be greater than 100.", "The limit must not be greater than 100."),
        ("No results for [App\\Models\\Client] 12345", "No results for [App\\Models\\Client] 12345"),
        ("from 2024-05-01 10:00:00 to 2024-06-01", "from 2024-05-01 10:00:00 to 2024-06-01"),
    ],
)  # fmt: skip
def test_masks_take_what_they_should_and_no_more(text: str, masked: str) -> None:
    assert mask(text) == masked


# --- a hundred thousand bodies ----------------------------------------------------------------------------------------

_BATCHES, _BATCH = 8, 12_500
_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "2024-05-01T10:00:00Z",
    "2024-05-01 10:00",
    "1.50",
    "556036-0793",
    [],
    {},
]
_NAMES = ["id", "uuid", "name", "email", "organization", "company_name", "credit_limit", "created_at", "updated_at"]
_NAMES += ["client_id", "amount", "type", "order", "value", "data", "meta", "links", "current_page", "total", "\u00e4"]


def _value(dice: random.Random, depth: int = 0) -> Any:
    kind = dice.random()
    if depth > 3 or kind < 0.55:
        return dice.choice(_VALUES) if kind > 0.02 else 10 ** dice.randrange(400)
    if kind < 0.65:
        return [_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    return {name: _value(dice, depth + 1) for name in dice.sample(_NAMES, dice.randrange(1, 8))}


def _body(dice: random.Random) -> bytes:
    record = {"id": dice.choice([1, "u", None]), **{name: _value(dice, 1) for name in dice.sample(_NAMES[1:], 5)}}
    shape = dice.choice([record, {"data": record}, [record], {"data": [record]}, _value(dice)])
    body = json.dumps(shape, ensure_ascii=dice.random() < 0.5).encode()
    if dice.random() < 0.4:  # cut, or with something else within
        start = dice.randrange(len(body) + 1)
        junk = dice.choice([b"", b"\xff", b"NaN", b"[" * 2000, b'"', b"1e999999999", b"\x00"])
        body = body[:start] + junk + body[start + dice.randrange(20) :]
    return body


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(_BATCHES))
def test_a_hundred_thousand_bodies_bring_out_nothing_but_our_errors(batch: int) -> None:
    """Through a transport that the test hands in: over sockets are the tests of bodies, with fewer of them."""
    dice = random.Random(batch)
    statuses = [200] * 6 + [201, 204, 206, 299, 302, 304, 400, 401, 403, 404, 419, 422, 429, 499, 500, 502, 503, 520]
    texts = ["", "0", "7", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "soon"]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/oauth/token":
            return httpx.Response(200, json={"access_token": f"token-{dice.random()}"})
        return httpx.Response(dice.choice(statuses), headers={"Retry-After": dice.choice(texts)}, content=_body(dice))

    place = Place.at("yourco.krebit.se", retries=0, transport=httpx.MockTransport(answer))
    good = errors = 0
    with place.client() as api:
        calls: list[Callable[[], object]] = [
            api.get_current_user,
            api.list_clients,
            lambda: api.get_client(1),
            lambda: api.get_latest_act(1),
            lambda: api.get_act_data("u"),
            lambda: api.request("GET", "/x"),
        ]
        for _ in range(_BATCH):
            try:
                dice.choice(calls)()
                good += 1
            except KrebitError:
                errors += 1

    assert good + errors == _BATCH
    assert _BATCHES * _BATCH == 100_000
    assert min(good, errors) > _BATCH / 20  # it is worth something only if both come out
