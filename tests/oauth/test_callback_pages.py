"""The pages that the callback's server shows: ours whatever was asked, with nothing repeated."""

import socket
from contextlib import suppress

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from krebit.errors import LoginFailed
from tests.browser import chromium
from tests.oauth.person import Person, follow, sign_in
from tests.oauth.support import Site
from tests.ports import port

__all__ = ["chromium", "port"]

CODE = "a-code-that-nobody-repeats"
OUR_HEADERS = ("content-security-policy: default-src 'none'", "cache-control: no-store", "referrer-policy: no-referrer")
NOT_UNDERSTOOD = {
    "POST": b"POST /callback?code=%b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "HEAD": b"HEAD /callback?code=%b HTTP/1.1\r\nHost: a\r\n\r\n",
    "an unknown method": b"%b /callback HTTP/1.1\r\nHost: a\r\n\r\n",
    "one word": b"%b\r\n\r\n",
    "two words": b"PUT /callback?code=%b\r\n\r\n",
    "four words": b"GET /callback?code=%b HTTP/1.1 more\r\n\r\n",
    "no version": b"GET /callback?code=%b HTTPS/1.1\r\n\r\n",
    "a version to come": b"GET /callback?code=%b HTTP/3.0\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01 %b\r\n\r\n",
    "a long line": b"GET /callback?code=%b" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    "a long header": b"GET /callback?code=%b HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "too many headers": b"GET /callback?code=%b HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("request_", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_every_answer_is_a_page_of_ours(site: Site, port: int, request_: bytes) -> None:
    """It has our headers and repeats nothing, whatever the request was; and it ends no sign-in."""
    parts: list[bytes] = []

    def visit(url: str) -> None:
        # The server closes before it has read a request that is too long: the connection ends with a reset.
        with (
            suppress(ConnectionResetError, BrokenPipeError),
            socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
        ):
            connection.sendall(request_.replace(b"%b", CODE.encode()))
            while part := connection.recv(65_536):
                parts.append(part)
        follow(url)

    person = Person(visit)
    sign_in(site, f"http://127.0.0.1:{port}/callback", person)
    assert person.visit is not None
    person.visit.finish()
    answer = b"".join(parts).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.0 ")
    assert int(head.split()[1]) >= 400
    assert all(header in head.lower() for header in OUR_HEADERS)
    assert CODE not in answer
    assert ("<!doctype html>" in body) == (not request_.startswith(b"HEAD"))


def test_the_servers_refusal_is_shown_and_raised(site: Site, port: int) -> None:
    site.sandbox.switch(consent="deny")
    person = Person(follow)
    with pytest.raises(LoginFailed, match="access_denied") as caught:
        sign_in(site, f"http://127.0.0.1:{port}/callback", person)
    assert caught.value.error == "access_denied"
    assert person.visit is not None
    page = person.visit.finish()
    assert page.status_code == 400
    assert "denied the request" in page.text


def test_what_the_server_says_is_escaped(site: Site, port: int) -> None:
    def visit(url: str) -> httpx.Response:
        state = dict(httpx.URL(url).params)["state"]
        text = "<script>alert(1)</script>"
        return httpx.get(
            f"http://127.0.0.1:{port}/callback",
            params={"error": "access_denied", "error_description": text, "state": state},
            timeout=60,
        )

    person = Person(visit)
    with pytest.raises(LoginFailed):
        sign_in(site, f"http://127.0.0.1:{port}/callback", person)
    assert person.visit is not None
    page = person.visit.finish()
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_nothing_of_it_is_printed(site: Site, port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """The address of a callback holds the code, and an HTTP server's log shows addresses."""
    sign_in(site, f"http://127.0.0.1:{port}/callback", Person(follow))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("button", "heading"), [("allow", "You are signed in"), ("deny", "Not signed in")])
def test_in_a_real_browser(site: Site, port: int, chromium: webdriver.Chrome, button: str, heading: str) -> None:
    site.sandbox.switch(consent="ask")

    def visit(url: str) -> str:
        chromium.get(url)
        chromium.find_element(By.CSS_SELECTOR, f"button[value={button}]").click()
        WebDriverWait(chromium, 20).until(lambda driver: driver.title == heading)
        return chromium.find_element(By.TAG_NAME, "p").text

    person = Person(visit)
    uri = f"http://127.0.0.1:{port}/callback"
    if button == "allow":
        sign_in(site, uri, person)
    else:
        with pytest.raises(LoginFailed, match="denied"):
            sign_in(site, uri, person)
    assert person.visit is not None
    assert person.visit.finish()
