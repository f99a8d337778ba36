"""A success that is not what the document says is one typed error that names the operation and the field."""

import json
import re
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krebit import ConnectionFailed, Krebit, KrebitError, UnexpectedResponse
from krebit_api.types import UNSET
from tests.transport.support import LONG, Place, RawServer, Way, answering, reply

CLIENT = {"id": 1, "company_name": "A AB", "created_at": "2024-05-01T10:00:00Z", "credit_limit": 1.5}


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        (b"<html>a proxy's page</html>", None, "JSON"),
        (b"", None, "JSON"),
        (b'{"id": 1, "na', None, "JSON"),
        (b"\xff\xfe{\x00}\x00", None, "JSON"),
        (b'{"id": NaN}', None, "JSON"),
        (b'{"id": 1, "credit_limit": -Infinity}', None, "JSON"),
        (b'{"id": 1, "credit_limit": 1e9999999999999999999999}', None, "JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", None, "JSON"),
        (b"[" * 100_000, None, "JSON"),
        (b'{"data":' * 100_000, None, "JSON"),
        (b"[]", None, "an object"),
        (b"null", None, "an object"),
        (b'"text"', None, "an object"),
        (b'{"data": null}', "data", "an object"),
        (b'{"data": [1]}', "data", "an object"),
        (b"{}", "id", "a value"),
        (b'{"data": {}}', "data.id", "a value"),
        (json.dumps({**CLIENT, "id": "one"}).encode(), "id", "an integer"),
        (json.dumps({**CLIENT, "id": True}).encode(), "id", "an integer"),
        (json.dumps({**CLIENT, "id": 1.5}).encode(), "id", "an integer"),
        (json.dumps({**CLIENT, "id": None}).encode(), "id", "an integer"),
        (json.dumps({**CLIENT, "credit_limit": [1]}).encode(), "credit_limit", "a finite decimal number"),
    ],
    ids=lambda value: value[:50].decode("latin-1") if isinstance(value, bytes) else str(value),
)
def test_what_is_no_client_record(body: bytes, field: str | None, expected: str) -> None:
    with answering(body) as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_client(1), retries=0)

    assert isinstance(error, UnexpectedResponse)
    assert error.operation == "get_client"
    assert error.field == field
    assert expected in error.expected
    assert (error.status, error.body) == (200, body)
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"data": {"id": 1}}, "data"),
        ({"data": [CLIENT, {"id": "x"}]}, "data[1].id"),
        ({"data": [CLIENT, {**CLIENT, "credit_limit": "x"}]}, "data[1].credit_limit"),
        ({"data": [CLIENT, 5]}, "data[1]"),
        ({"meta": {}}, "data"),
        ([CLIENT, []], "data[1]"),
    ],
    ids=str,
)
def test_what_is_no_page(body: Any, field: str) -> None:
    with answering(body) as server:
        error = Place.raw(server).error("blocking", lambda api: api.list_clients())

    assert isinstance(error, UnexpectedResponse)
    assert (error.operation, error.field) == ("list_clients", field)


@pytest.mark.parametrize("way", ["blocking", "asyncio", "aiohttp"])
def test_an_odd_optional_value_is_kept_and_warned_of_once_for_each_client(
    way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    odd = {**CLIENT, "created_at": "soon", "org_number": 5560360793, "country": ["SE"]}
    with answering({"data": [odd, odd], "meta": 5}) as server:
        place = Place.raw(server)
        pages = [place.call(way, lambda api: api.list_clients()) for _ in range(2)]
    page = pages[1]
    for record in page.data:
        assert (record.created_at, record.country) == (UNSET, UNSET)
        assert record.org_number == "5560360793"
        assert record.to_dict()["created_at"] == "soon"
    assert page.meta is UNSET
    warned = [record.getMessage().split(":")[0] for record in caplog.records if record.levelname == "WARNING"]
    # Two clients: each warns of each field once.
    assert sorted(warned) == sorted(["ClientRecord.created_at", "ClientRecord.country", "ClientPage.meta"] * 2)
    assert "soon" not in caplog.text


@pytest.mark.parametrize(
    ("body", "field"),
    [({"id": 1}, None), ({"data": {"a": 1}}, "data"), ([{}], "[0].id"), ({"data": [5]}, "data[0]"), ("x", None)],
    ids=str,
)
def test_what_is_no_list(body: Any, field: str | None) -> None:
    with answering(body) as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_act_data("u"))

    assert isinstance(error, UnexpectedResponse)
    assert (error.operation, error.field) == ("get_act_data", field)


def test_the_text_names_the_kind_of_thing_and_never_the_value() -> None:
    with answering({"id": "556036-0793"}) as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_client(1))

    assert str(error) == "get_client: id: expected an integer, got a string; run `krebit doctor`"
    assert error.__cause__ is None
    assert error.__context__ is None


def test_no_content_where_an_object_belongs() -> None:
    with RawServer(lambda connection, request: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        error = Place.raw(server).error("blocking", lambda api: api.get_client(1))

    assert isinstance(error, UnexpectedResponse)
    assert error.status == 204


def test_an_empty_answer_of_a_raw_request_is_none() -> None:
    with RawServer(lambda connection, request: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        assert Place.raw(server).call("blocking", lambda api: api.request("DELETE", "/webhooks/1")) is None


def _packed(data: bytes, kind: str) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, {"gzip": 31, "deflate": 15}[kind])
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("kind", ["gzip", "deflate"])
def test_packed_answers(way: Way, kind: str) -> None:
    with answering(_packed(json.dumps(CLIENT).encode(), kind), headers=(("Content-Encoding", kind),)) as server:
        assert Place.raw(server).call(way, lambda api: api.get_client(1)).company_name == "A AB"
        assert "gzip" in server.requests[0].headers["accept-encoding"]


def test_a_packed_answer_that_is_cut_short_or_no_such_thing(way: Way) -> None:
    whole = _packed(json.dumps({**CLIENT, "filler": "x" * 1000}).encode(), "gzip")
    for body in (whole[:40], b"no gzip at all"):
        with answering(body, headers=(("Content-Encoding", "gzip"),)) as server:
            error = Place.raw(server).error(way, lambda api: api.get_client(1), retries=0)
        assert isinstance(error, ConnectionFailed | UnexpectedResponse)


@cache
def _bomb() -> bytes:
    """Return a megabyte that becomes 1 GB, which is never whole in memory here."""
    packer, spaces = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * 2**24
    return b"".join(packer.compress(spaces) for _ in range(64)) + packer.flush()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_body_is_never_larger_than_the_limit(way: Way, encoding: str) -> None:
    """A bomb of 1 GB, and 80 MB as they are: no more than the limit, of 64 MB, is kept of either."""
    bomb = _bomb() if encoding == "gzip" else b" " * (80 * 2**20)
    largest = _peak()
    with answering(bomb, headers=(("Content-Encoding", encoding),)) as server:
        error = Place.raw(server).error(way, lambda api: api.get_client(1))

    assert isinstance(error, ConnectionFailed)
    assert "too large" in str(error)
    assert len(server.requests) == 1
    assert _peak() - largest < 320 * 2**20


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_headers_beyond_all_measure(way: Way) -> None:
    with answering({"id": 1}, headers=(("X-Long", "x" * 300_000),)) as server:
        error = Place.raw(server).error(way, lambda api: api.get_client(1), retries=0)

    assert isinstance(error, ConnectionFailed)
    assert "xxx" not in str(error)


# --- whatever a server sends ------------------------------------------------------------------------------------------

_LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2024-05-01T10:00:00Z", "2024-05-01 10:00:00", "1.50", "NaN", "556036-0793", 10**400])
)
_KEYS = st.text(max_size=8) | st.sampled_from(
    ["data", "id", "meta", "links", "company_name", "created_at", "credit_limit", "uuid", "organization", "secret"]
)
_JSON = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6), max_leaves=12
)
_FIELDS = re.findall(
    r"\w+",
    "name company_name org_number credit_limit created_at updated_at uuid client_id amount template_field_id order "
    "value event target secret organization email",
)
_RECORD = st.fixed_dictionaries({"id": _LEAF}, optional=dict.fromkeys(_FIELDS, _LEAF | _JSON))
_SHAPES = (
    _JSON
    | _RECORD
    | _RECORD.map(lambda record: {"data": record})
    | st.lists(_RECORD, max_size=3)
    | st.builds(lambda data, meta: {"data": data, "meta": meta}, st.lists(_RECORD, max_size=3), _JSON)
)
_BODIES = (
    _SHAPES.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda value, at: json.dumps(value).encode()[:at], _SHAPES, st.integers(0, 200))
    | st.binary(max_size=200)
)
_STATUS = st.just(200) | st.sampled_from(
    [200, 201, 204, 299, 300, 302, 304, 400, 401, 403, 404, 419, 422, 429, 500, 520, 599]
)
_CALLS = st.sampled_from(
    ["get_current_user", "list_clients", "get_client", "get_latest_act", "get_act_data", "request"]
)
_HEADERS = st.dictionaries(
    st.sampled_from(
        ["Retry-After", "Content-Type", "Location", "X-Request-Id", "Content-Encoding", "Set-Cookie", "Date"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
    | st.sampled_from(["gzip", "0", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "https://[", "text/html"]),
    max_size=3,
)


class _Now:
    """What the server is to answer at the moment."""

    data = b""
    close = False


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[tuple[Krebit, "type[_Now]"]]:
    with (
        RawServer(lambda connection, request: _say(connection), keep=True) as server,
        Place.raw(server, retries=0, timeout=5.0).client() as api,
    ):
        yield api, _Now


def _say(connection: Any) -> None:
    connection.sendall(_Now.data)
    if _Now.close:
        raise OSError("done")


def _ask(api: Krebit, call: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "get_client": (1,), "get_latest_act": (1,), "get_act_data": ("u",), "request": ("GET", "/x")
    }  # fmt: skip
    try:
        getattr(api, call)(*arguments.get(call, ()))
    except KrebitError as error:
        found: KrebitError | None = error
    else:
        found = None
    if found is not None:
        assert len(str(found)) < 5000
        assert found.__context__ is None


@pytest.mark.slow
@settings(
    max_examples=80_000 if LONG else 500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(body=_BODIES, status=_STATUS, headers=_HEADERS, call=_CALLS)
@pytest.mark.timeout(3600 if LONG else 110)
def test_nothing_but_our_errors_comes_of_any_body(
    fuzzed: tuple[Krebit, type[_Now]], body: bytes, status: int, headers: dict[str, str], call: str
) -> None:
    api, now = fuzzed
    body = b"" if status in (204, 304) else body
    now.data = reply(body, f"{status} X", tuple(headers.items()), keep=True)
    now.close = False
    _ask(api, call)


_MANGLED = st.builds(
    lambda data, at, junk, until: data[:at] + junk + data[at + until :],
    _BODIES.map(reply),
    st.integers(0, 150),
    st.binary(max_size=12)
    | st.sampled_from([b"\r\n", b"\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1 100 \r\n\r\n"]),
    st.integers(0, 40),
)


@pytest.mark.slow
@settings(
    max_examples=20_000 if LONG else 400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=_MANGLED | st.binary(max_size=300), call=_CALLS)
@pytest.mark.timeout(3600 if LONG else 110)
def test_nothing_but_our_errors_comes_of_any_bytes(fuzzed: tuple[Krebit, type[_Now]], data: bytes, call: str) -> None:
    api, now = fuzzed
    now.data, now.close = data, True
    _ask(api, call)
