"""Settings of a call, answers in full, and transports of one's own."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from krebit import (
    AsyncKrebit,
    ConfigurationError,
    ConnectionFailed,
    Krebit,
    MemoryTokenStore,
    NotFound,
    paginate,
)
from krebit.http.request import CallOptions, RequestBuilder, authorize
from krebit.redaction import Secret
from krebit_api.api import Operation
from krebit_sandbox import Sandbox
from tests.transport.support import Place, Way


def test_settings_of_a_call(sandbox: Sandbox, way: Way) -> None:
    headers = {"X-Trace": "abc", "User-Agent": "their-own/1"}
    Place.sandbox(sandbox).call(way, lambda api: api.with_options(headers=headers).get_current_user())
    Place.sandbox(sandbox).call(way, lambda api: api.get_current_user())

    first, second = sandbox.requests
    assert first.headers["x-trace"] == "abc"
    assert first.headers["user-agent"] == "their-own/1"
    assert "x-trace" not in second.headers
    assert second.headers["user-agent"].startswith("krebit-python/")
    assert second.headers["accept"].startswith("application/json")
    assert "cookie" not in second.headers


def test_the_header_that_stands_nearest_to_the_call_counts_whatever_its_case(sandbox: Sandbox, way: Way) -> None:
    """Of a view, of a view of it, and of `request()`; each name is sent once."""
    outer = {"Accept": "text/csv", "X-Trace": "outer"}
    place = Place.sandbox(sandbox)
    place.call(
        way, lambda api: api.with_options(headers=outer).with_options(headers={"x-trace": "b"}).get_client(12345)
    )
    place.call(way, lambda api: api.with_options(headers=outer).request("GET", "/me", headers={"Accept": "*/*"}))

    first, second = sandbox.requests
    assert (first.headers["accept"], first.headers["x-trace"]) == ("text/csv", "b")
    assert (second.headers["accept"], second.headers["x-trace"]) == ("*/*", "outer")


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": "30"},
        {"retries": -1},
        {"retries": 1.5},
        {"headers": {"Authorization": "Bearer other"}},
        {"headers": {"host": "evil.example"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": {"X-A": "one\r\nX-B: two"}},
        {"headers": {"X A": "one"}},
        {"headers": {"X-\u00e4": "one"}},
        {"headers": {"X-A": "\u00e4"}},
        {"headers": {"X-A": 5}},
    ],
    ids=str,
)
def test_settings_that_cannot_be(sandbox: Sandbox, options: dict[str, Any]) -> None:
    with Place.sandbox(sandbox).client() as api, pytest.raises(ConfigurationError):
        api.with_options(**options)


@pytest.mark.parametrize("kind", ["nan", "object", "half a pair", "set", "circle", "deep", "huge"])
def test_what_cannot_be_sent_is_a_typed_error(sandbox: Sandbox, kind: str) -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    json = {
        "nan": float("nan"),
        "object": object(),
        "half a pair": "\ud800",
        "set": {1, 2},
        "circle": circle,
        "deep": deep,
        "huge": 10**5000,
    }[kind]
    error = Place.sandbox(sandbox).error("blocking", lambda api: api.request("POST", "/x", json=json))

    assert isinstance(error, ConfigurationError)
    assert error.__context__ is None
    assert sandbox.requests == []


def test_answers_in_full(sandbox: Sandbox, way: Way) -> None:
    sandbox.switch(rate_limit=60)
    answer = Place.sandbox(sandbox).call(way, lambda api: api.with_raw_response(api.get_client, 12345))

    assert answer.status == 200
    assert answer.headers["x-ratelimit-limit"] == "60"
    assert int(answer.headers["x-ratelimit-remaining"]) < 60
    assert answer.value.id == answer.content["data"]["id"] == 12345
    assert answer.body.startswith(b'{"data"')
    assert answer.value.company_name not in repr(answer)


def test_only_operations_of_this_client_have_answers(sandbox: Sandbox) -> None:
    place = Place.sandbox(sandbox)
    other = place.async_client()
    with place.client() as api:
        calls: list[Any] = [print, api.is_signed_in, other.get_current_user]
        for call in calls:
            with pytest.raises(ConfigurationError):
                api.with_raw_response(call)


def _mock(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/me"):
        return httpx.Response(200, json={"data": {"id": 7, "name": "Made up"}})
    return httpx.Response(404, json={"message": "No query results."})


def test_httpx_mock_transports_serve_users_tests() -> None:
    place = Place.at("yourco.krebit.se")
    mock = httpx.MockTransport(_mock)
    with place.client(transport=mock) as api:
        assert api.get_current_user().name == "Made up"
        with pytest.raises(NotFound, match="No query results"):
            api.get_client(1)

    async def main() -> None:
        async with place.async_client(async_transport=mock) as api:
            assert (await api.get_current_user()).name == "Made up"

    asyncio.run(main())


class Counting(httpx.BaseTransport):
    """Somebody's own layer."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner, self.count, self.closed = inner, 0, False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.closed = True
        self.inner.close()


class AsyncCounting(httpx.AsyncBaseTransport):
    """The same, awaited."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner, self.count, self.closed = inner, 0, False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        self.closed = True
        await self.inner.aclose()


def test_a_layer_of_ones_own_around_ours(sandbox: Sandbox) -> None:
    made: list[Any] = []

    def wrap(kind: Any) -> Callable[[Any], Any]:
        def around(ours: Any) -> Any:
            made.append(kind(ours))
            return made[-1]

        return around

    place = Place.sandbox(sandbox)
    with place.client(transport=wrap(Counting)) as api:
        api.get_current_user()
    place.call("asyncio", lambda api: api.get_current_user(), async_transport=wrap(AsyncCounting))

    assert [layer.count for layer in made] == [1, 1]
    assert all(layer.closed for layer in made)
    assert isinstance(made[0].inner, httpx.HTTPTransport)
    assert isinstance(made[1].inner, httpx.AsyncHTTPTransport)


class _Foreign(httpx.MockTransport):
    def __init__(self, error: BaseException) -> None:
        super().__init__(self._raise)
        self._error = error

    def _raise(self, request: httpx.Request) -> httpx.Response:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.ReadError("reset"),
        httpx.ProxyError("503"),
        httpx.UnsupportedProtocol("x"),
        httpx.LocalProtocolError("Illegal header value b'Bearer the token'"),
        httpx.RemoteProtocolError("x"),
        httpx.DecodingError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_httpx_exceptions_of_a_transport_become_ours(way: Way, error: httpx.RequestError) -> None:
    transport: Any = _Foreign(error)
    place = Place.at("yourco.krebit.se", retries=0, transport=transport, async_transport=transport)
    raised = place.error(way, lambda api: api.get_current_user())

    assert isinstance(raised, ConnectionFailed)
    assert "token" not in str(raised)
    assert raised.__context__ is None


@pytest.mark.parametrize("error", [ValueError("x"), OSError(104, "x"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_other_exceptions_of_a_transport_come_out_as_they_are(error: BaseException) -> None:
    place = Place.at("yourco.krebit.se")
    assert place.error("blocking", lambda api: api.get_current_user(), transport=_Foreign(error)) is error


@pytest.mark.parametrize("name", ["transport", "async_transport"])
def test_what_is_no_transport(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Krebit("yourco.krebit.se", "id", "secret", **{name: 5})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["accept", "ACCEPT", "user-agent"])
def test_a_header_replaces_another_whatever_its_case(name: str) -> None:
    options = CallOptions(headers={name: "mine"})
    builder = RequestBuilder("https://tenant.example", "agent")
    arguments = {"method": "GET", "url": "/api/1.0/me", "headers": {"X-Mine": "1"}}
    request = builder.build(Operation("op", "GET", "/"), lambda: arguments, options)
    authorize(request, Secret("token"))
    assert request.headers.get_list(name) == ["mine"]


class Mine(Krebit):
    """A user's own class."""

    def __init__(self, domain: str, client_id: str, client_secret: str, **options: Any) -> None:
        super().__init__(domain, client_id, client_secret, **options)
        self.kept = {"page": 1}


def test_a_view_of_a_subclass_has_its_attributes(sandbox: Sandbox) -> None:
    seen: list[int] = []
    with Mine(**Place.sandbox(sandbox).arguments) as api:
        for view in (api.with_options(timeout=5), api.with_profile("anna"), api.with_hooks(keep_trying=lambda: True)):
            assert isinstance(view, Mine)
            assert view.kept is api.kept
        view = api.with_hooks(on_response=lambda response: seen.append(response.status))
        assert view.with_raw_response(view.get_current_user).value.id is not None
        assert next(iter(paginate(view.list_clients, limit=5))).id is not None
        assert seen == [200, 200]


def test_an_asynchronous_transport_is_closed_although_the_blocking_one_fails_to(sandbox: Sandbox) -> None:
    class Stuck(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise NotImplementedError

        def close(self) -> None:
            raise OSError("cannot be closed")

    class Closing(httpx.AsyncBaseTransport):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    closing = Closing()

    async def main() -> None:
        api = AsyncKrebit.from_env(
            sandbox.environment, store=MemoryTokenStore(), transport=Stuck(), async_transport=closing
        )
        with pytest.raises(OSError, match="cannot be closed"):
            await api.close()

    asyncio.run(main())
    assert closing.closed
