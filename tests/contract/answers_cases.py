"""Run by test_media.py, with a package that has the operations of media.yaml."""

import contextlib
from typing import Any

import pytest

import krebit_api.models
from krebit import UnexpectedResponse
from krebit_api.results import accept_of
from tests.transport.support import Place, RawServer, Way, answering, reply

models: Any = krebit_api.models
HTML = b"<html><title>Proxy</title></html>"
PLAIN_JSON = "application/json"


@pytest.mark.parametrize(
    ("name", "content_type", "body", "value"),
    [
        ("get_text", "text/plain", "Åsa".encode(), "Åsa"),
        ("get_text", "text/plain; charset=iso-8859-1", "Åsa".encode("latin-1"), "Åsa"),
        ("get_text", 'text/plain;Charset="windows-1252"', "€ 5".encode("cp1252"), "€ 5"),
        ("get_text", "text/plain; charset=utf-16", "Åsa".encode("utf-16"), "Åsa"),
        ("get_text", "", b"", ""),
        ("export_clients", "text/csv", b"\xef\xbb\xbfid;name\r\n", "id;name\r\n"),
        ("export_clients", "application/octet-stream", b"id;name", "id;name"),
        ("get_bytes", "application/octet-stream", b"\x00\xff", b"\x00\xff"),
        ("get_bytes", "image/png", b"\x89PNG", b"\x89PNG"),
        ("get_any", "text/html", HTML, HTML),
        ("get_report", "application/pdf", b"%PDF", b"%PDF"),
        ("get_two", "text/csv; charset=utf-8", b"a;b", "a;b"),
        ("get_nothing", "text/html", HTML, None),
        ("queue", "text/plain", b"OK", None),
        ("get_numbers", PLAIN_JSON, b"[1, 2]", [1, 2]),
        ("get_numbers", PLAIN_JSON, b'{"data": [1, 2]}', [1, 2]),
    ],
)
def test_a_body_is_what_the_document_says(way: Way, name: str, content_type: str, body: bytes, value: object) -> None:
    headers = (("Content-Type", content_type),)
    with answering(body, headers=headers) as server:
        place = Place.raw(server)
        assert place.call(way, lambda api: getattr(api, name)()) == value
        response = place.call(way, lambda api: api.with_raw_response(getattr(api, name)))
        assert (response.value, response.body, response.status) == (value, body, 200)


@pytest.mark.parametrize(
    ("name", "status", "content_type", "body", "kind"),
    [
        ("get_report", "202 Accepted", PLAIN_JSON, {"status": "queued"}, "Pending"),
        ("get_two", "200 OK", PLAIN_JSON, {"data": {"status": "queued"}}, "Pending"),
        ("get_vendor", "200 OK", "application/vnd.api+json", {"status": "queued"}, "Pending"),
        ("start", "200 OK", PLAIN_JSON, {"data": {"uuid": "u"}}, "Act"),
        ("start", "202 Accepted", PLAIN_JSON, {"status": "queued"}, "Pending"),
        ("start", "204 No Content", "", b"", "NoneType"),
        ("start", "201 Created", "text/plain", b"made", "str"),
    ],
)
def test_the_status_chooses_among_successes(
    way: Way, name: str, status: str, content_type: str, body: Any, kind: str
) -> None:
    with answering(body, status, (("Content-Type", content_type),)) as server:
        value = Place.raw(server).call(way, lambda api: getattr(api, name)())
    assert type(value).__name__ == kind


@pytest.mark.parametrize(
    ("name", "content_type", "body", "expected", "got"),
    [
        ("get_text", "text/plain", b"\xff", "text in utf-8", "other bytes"),
        ("get_text", "text/plain; charset=klingon", b"x", "text in an encoding that is known here", "charset klingon"),
        ("get_text", "text/plain; charset=base64", b"x", "text in an encoding that is known here", "charset base64"),
        # Its decoder takes hours for a megabyte.
        (
            "get_text",
            "text/plain; charset=Punycode",
            b"x",
            "text in an encoding that is known here",
            "charset punycode",
        ),
        ("get_text", "text/plain; charset=idna", b"x", "text in an encoding that is known here", "charset idna"),
        ("get_text", "text/html", HTML, "text/plain", "an HTML page"),
        ("get_report", "text/html; charset=utf-8", HTML, "application/json or application/pdf", "an HTML page"),
        ("get_bytes", "text/html", HTML, "application/octet-stream", "an HTML page"),
        ("get_numbers", PLAIN_JSON, b'[1, "x"]', "an integer", "a string"),
    ],
)
def test_anything_else_is_a_typed_error(
    way: Way, name: str, content_type: str, body: bytes, expected: str, got: str
) -> None:
    with answering(body, headers=(("Content-Type", content_type),)) as server:
        error = Place.raw(server).error(way, lambda api: getattr(api, name)())
    assert isinstance(error, UnexpectedResponse)
    assert (error.operation, error.expected, error.got, error.body) == (name, expected, got, body)


def test_a_page_that_is_sent_as_a_file_is_a_file(way: Way) -> None:
    headers = (("Content-Type", "text/html"), ("Content-Disposition", "attachment; filename=report.html"))
    with answering(HTML, headers=headers) as server:
        assert Place.raw(server).call(way, lambda api: api.get_bytes()) == HTML


@pytest.mark.parametrize(
    ("name", "accept"),
    [
        ("get_text", "text/plain, application/json;q=0.9"),
        ("get_report", "application/pdf, application/json"),
        ("get_two", "application/json, text/csv"),
        ("get_vendor", "application/vnd.api+json"),
        ("get_any", "*/*, application/json;q=0.9"),
        ("get_nothing", "application/json"),
        ("get_client", "application/json"),
    ],
)
def test_accept_names_the_documented_types(name: str, accept: str) -> None:
    with answering({"status": "x", "id": 1}) as server, Place.raw(server).client(retries=0) as api:
        arguments = (1,) if name == "get_client" else ()
        with contextlib.suppress(UnexpectedResponse):
            getattr(api, name)(*arguments)
        assert server.requests[0].headers["accept"] == accept
        api.with_options(headers={"accept": "x/y"}).get_client(1)
        assert server.requests[1].headers["accept"] == "x/y"


def test_a_header_chooses_the_type(way: Way) -> None:
    def answer(connection: Any, request: Any) -> None:
        body, kind = (b"a;b", "text/csv") if "csv" in request.headers["accept"] else ({"status": "x"}, PLAIN_JSON)
        connection.sendall(reply(body, headers=(("Content-Type", kind),)))

    with RawServer(answer) as server:
        place = Place.raw(server)
        view = {"headers": {"Accept": "text/csv"}}
        assert place.call(way, lambda api: api.with_options(**view).get_two()) == "a;b"
        assert place.call(way, lambda api: api.request("GET", "/acts", **view)) == "a;b"
        assert place.call(way, lambda api: api.with_options(**view).request("GET", "/acts")) == "a;b"
        assert place.call(way, lambda api: api.request("GET", "/acts")) == {"status": "x"}


@pytest.mark.parametrize(
    ("accept", "content_type", "body", "value"),
    [
        ("*/*", "application/pdf", b"%PDF", b"%PDF"),
        ("*/*", "text/plain", b"x", "x"),
        ("*/*", PLAIN_JSON, b'{"a": 1}', {"a": 1}),
        ("text/csv, application/json", PLAIN_JSON, b'{"a": 1}', {"a": 1}),
        ("application/json, */*", "text/html", HTML, HTML.decode()),
        ("application/pdf", "application/pdf", b"", b""),
    ],
)
def test_a_request_of_ones_own_is_read_by_its_type(accept: str, content_type: str, body: bytes, value: object) -> None:
    with answering(body, headers=(("Content-Type", content_type),)) as server, Place.raw(server).client() as api:
        assert api.request("GET", "/acts", headers={"Accept": accept}) == value
        response = api.with_raw_response(api.request, "GET", "/acts", headers={"Accept": accept})
        assert (response.value, response.content, response.body) == (value, value, body)


def test_a_page_is_never_taken_for_json(way: Way) -> None:
    with answering(HTML, headers=(("Content-Type", "text/html"),)) as server:
        error = Place.raw(server).error(way, lambda api: api.request("GET", "/acts"))
    assert isinstance(error, UnexpectedResponse)


def test_the_login_page_of_an_ended_token_is_no_answer(way: Way) -> None:
    """An answer that is not JSON is asked for as such; a Laravel application then redirects instead of a 401."""

    def answer(connection: Any, request: Any) -> None:
        login = (("Location", "https://localhost/login"), ("Content-Type", "text/html"))
        if request.target == "/api/oauth/token":
            connection.sendall(reply({"access_token": "new", "refresh_token": "r"}))
        elif request.headers["authorization"] == "Bearer new":
            connection.sendall(reply(b"a;b", headers=(("Content-Type", "text/csv"),)))
        else:
            connection.sendall(reply(HTML, "302 Found", login))

    with RawServer(answer) as server:
        assert Place.raw(server).call(way, lambda api: api.export_clients()) == "a;b"
    targets = [request.target for request in server.requests]
    assert targets == ["/api/1.0/files/csv", "/api/oauth/token", "/api/1.0/files/csv"]


def test_an_optional_body_that_is_left_out_has_no_type(way: Way) -> None:
    with answering(b"", "202 Accepted") as server:
        Place.raw(server).call(way, lambda api: api.queue())
        Place.raw(server).call(way, lambda api: api.queue(status="x"))
    without, with_body = server.requests
    assert "content-type" not in without.headers
    assert without.headers.get("content-length", "0") == "0"
    assert (with_body.headers["content-type"], with_body.body) == (PLAIN_JSON, b'{"status": "x"}')


def test_the_generated_package_alone_reads_them_too() -> None:
    import importlib

    from krebit_api import AuthenticatedClient

    bodies = {
        "get_text": ("text/plain; charset=latin-1", "Åsa".encode("latin-1"), "Åsa"),
        "export_clients": ("text/csv", b"a;b", "a;b"),
        "get_report": ("application/pdf", b"%PDF", b"%PDF"),
        "get_two": ("text/csv", b"a;b", "a;b"),
        "get_nothing": ("text/plain", b"OK", None),
    }
    for name, (content_type, body, value) in bodies.items():
        module = importlib.import_module(f"krebit_api.api.files.{name}")
        with answering(body, headers=(("Content-Type", content_type),)) as server:
            client = AuthenticatedClient(f"http://{server.domain}", "token")
            response = module.sync_detailed(client=client)
            assert (response.parsed, response.content) == (value, body)
            assert server.requests[0].headers["accept"].startswith(("text/", "application/", "*/*"))


def test_accept_without_types_is_json() -> None:
    assert accept_of([]) == accept_of(["", PLAIN_JSON]) == PLAIN_JSON
