"""Signing in at a terminal: the browser's way back to this machine, and pasting."""

import asyncio
import gc
import http.client
import math
import signal
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from krebit.errors import ConfigurationError, LoginFailed
from krebit.oauth.console import Terminal
from krebit.oauth.loopback import loopback_address
from tests.needs import needs
from tests.oauth.support import Background, Site


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found: int = listener.getsockname()[1]
        return found


class Person:
    """Who sits at the terminal. `visits` does what a browser does with the address."""

    def __init__(
        self, visits: Callable[[str], Any] | None = None, *, pastes: Callable[[str], str] | None = None
    ) -> None:
        self.url = ""
        self.shown: list[str] = []
        self.visit: Background | None = None
        self._visits = visits
        self._pastes = pastes

    def terminal(self) -> Terminal:
        can_ask = self._pastes is not None
        return Terminal(self._browse, self._ask, self.shown.append, lambda: can_ask)

    def _browse(self, url: str) -> bool:
        self.url = url
        if self._visits is None:
            return False
        visits = self._visits
        self.visit = Background(lambda: visits(url))
        return True

    def _ask(self, prompt: str) -> str:
        assert self._pastes is not None, f"asked: {prompt}"
        (self.url,) = [line.split("\n\n")[1].strip() for line in self.shown if "sign in:\n\n" in line]
        return self._pastes(self.url)


def register(site: Site, uri: str) -> dict[str, str]:
    application = site.sandbox.register("Terminal", [uri])
    return {"client_id": application.client_id, "client_secret": application.client_secret, "redirect_uri": uri}


def follow(url: str) -> httpx.Response:
    return httpx.get(url, follow_redirects=True)


def sign_in(site: Site, uri: str, person: Person, **more: Any) -> None:
    with site.client(**register(site, uri)) as api:
        api.login(terminal=person.terminal(), **more)
        api.get_current_user()


@pytest.mark.parametrize("uri", ["http://127.0.0.1:{}/callback", "http://localhost:{}/", "http://127.0.0.1:{}/a/b?c=d"])
def test_the_way_back(site: Site, port: int, uri: str) -> None:
    person = Person(follow)
    sign_in(site, uri.format(port), person)
    assert person.visit is not None
    page: httpx.Response = person.visit.finish()
    assert page.status_code == 200
    assert "You are signed in" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    code = dict(page.url.params)["code"]
    assert code not in page.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")
    with socket.create_server(("127.0.0.1", port)):
        pass  # the port is free again


def test_with_asyncio(site: Site, port: int) -> None:
    person = Person(follow)
    settings = register(site, f"http://127.0.0.1:{port}/callback")

    async def main() -> None:
        async with site.async_client(**settings) as api:
            await api.login(terminal=person.terminal())
            await api.get_current_user()

    asyncio.run(main())


def test_many_idle_connections_do_not_crowd_out_the_way_back(site: Site, port: int) -> None:
    """A web page can open them. A queue that is full drops what comes, and each is tried again after seconds."""
    idle = list[socket.socket]()

    def visit(url: str) -> None:
        end = time.monotonic() + 20
        for _ in range(300):
            idle.append(socket.create_connection(("127.0.0.1", port), timeout=max(0.1, end - time.monotonic())))
        assert follow(url).status_code == 200

    person = Person(visit)
    try:
        sign_in(site, f"http://127.0.0.1:{port}/callback", person)
    finally:
        for each in idle:
            each.close()
    assert person.visit is not None
    person.visit.finish()


def test_stray_requests_and_idle_connections(site: Site, port: int) -> None:
    base, idle, seen = f"http://127.0.0.1:{port}", list[socket.socket](), list[tuple[int, str]]()

    def visit(url: str) -> None:
        idle.extend(socket.create_connection(("127.0.0.1", port)) for _ in range(5))
        for path in (
            "/favicon.ico",
            "/",
            "/callback/",
            "/callback",
            "/callback?code=x&state=wrong",
            "/callback?error=x",
        ):
            answer = httpx.get(base + path)
            seen.append((answer.status_code, path))
        with socket.create_connection(("127.0.0.1", port)) as rude:
            rude.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/callback")
        seen.append((connection.getresponse().status, "POST"))
        connection.close()
        assert follow(url).status_code == 200

    person = Person(visit)
    sign_in(site, f"{base}/callback", person)
    assert person.visit is not None
    person.visit.finish()
    for each in idle:
        each.close()
    assert seen == [
        (404, "/favicon.ico"),
        (404, "/"),
        (404, "/callback/"),
        (400, "/callback"),
        (400, "/callback?code=x&state=wrong"),
        (400, "/callback?error=x"),
        (501, "POST"),
    ]
    assert len(site.token_requests()) == 1


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
        )

    person = Person(visit)
    with pytest.raises(LoginFailed):
        sign_in(site, f"http://127.0.0.1:{port}/callback", person)
    assert person.visit is not None
    page = person.visit.finish()
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_nobody_comes(site: Site, port: int) -> None:
    with pytest.raises(LoginFailed, match=r"within 0\.2 s"):
        sign_in(site, f"http://127.0.0.1:{port}/callback", Person(lambda url: None), timeout=0.2)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")


def test_a_cancelled_task_stops_listening(site: Site, port: int) -> None:
    settings = register(site, f"http://127.0.0.1:{port}/callback")

    async def main() -> None:
        async with site.async_client(**settings) as api:
            listening = asyncio.Event()
            loop = asyncio.get_running_loop()
            terminal = Terminal(browser=lambda url: bool(loop.call_soon_threadsafe(listening.set)) or True)
            task = asyncio.create_task(api.login(terminal=terminal))
            await listening.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_port_that_is_taken(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/callback"
        with pytest.raises(LoginFailed, match=r"cannot listen .* paste=True"):
            sign_in(site, uri, Person(follow))


def test_no_browser(site: Site, port: int) -> None:
    """The address is shown, and listened for: somebody may open it by hand."""
    visits: list[Background] = []

    class Reader(Person):
        def terminal(self) -> Terminal:
            return Terminal(browser=lambda url: False, ask=self._ask, show=self.read)

        def read(self, text: str) -> None:
            if "Open this address" in text:
                url = text.split("\n")[1]
                visits.append(Background(lambda: follow(url)))

    sign_in(site, f"http://127.0.0.1:{port}/callback", Reader(), paste=False)
    assert visits[0].finish().status_code == 200


PASTED: dict[str, Callable[[str], str]] = {
    "the whole address": lambda location: location,
    "with white space": lambda location: f"  {location}\r",
    "the query alone": lambda location: urlsplit(location).query,
}


@pytest.mark.parametrize("pasted", PASTED.values(), ids=PASTED)
def test_pasting(site: Site, pasted: Callable[[str], str]) -> None:
    """For redirect URIs that are registered elsewhere."""
    person = Person(pastes=lambda url: pasted(httpx.get(url).headers["location"]))
    sign_in(site, "https://yourapp.example.com/oauth/callback", person)


def test_pasting_as_asked_for(site: Site) -> None:
    person = Person(pastes=lambda url: httpx.get(url).headers["location"])
    sign_in(site, "http://127.0.0.1:1/callback", person, paste=True)


def test_nobody_is_asked_to_paste_who_said_no(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="redirect_uri: is not on this machine"):
        sign_in(site, "https://a.example/callback", Person(), paste=False)


@pytest.mark.parametrize("pasted", ["", "https://a.example/", "https://a.example/?code=abc&state=wrong"])
def test_something_else_is_pasted(site: Site, pasted: str) -> None:
    with pytest.raises(LoginFailed):
        sign_in(site, "https://a.example/callback", Person(pastes=lambda url: pasted))
    assert not site.token_requests()


def test_waiting_without_an_end(site: Site, port: int) -> None:
    sign_in(site, f"http://127.0.0.1:{port}/callback", Person(follow), timeout=math.inf)


@pytest.mark.parametrize(
    "error", [EOFError(), RuntimeError("input(): lost sys.stdin"), ValueError("closed"), OSError("no terminal")]
)
def test_nothing_is_pasted(site: Site, error: Exception) -> None:
    def end(url: str) -> str:
        raise error

    with pytest.raises(LoginFailed, match="nothing was pasted"):
        sign_in(site, "https://a.example/callback", Person(pastes=end))


def test_a_time_limit_at_the_prompt_is_the_callers_own(site: Site) -> None:
    def ring(number: int, frame: Any) -> None:
        raise TimeoutError("the caller's own")

    def ask(url: str) -> str:
        signal.raise_signal(signal.SIGALRM)
        return ""

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(TimeoutError, match="the caller's own"):
            sign_in(site, "https://a.example/callback", Person(pastes=ask))
    finally:
        signal.signal(signal.SIGALRM, before)


def test_without_a_redirect_uri(site: Site) -> None:
    with site.client(redirect_uri=None) as api, pytest.raises(ConfigurationError):
        api.login()


@pytest.mark.parametrize(
    ("uri", "where"),
    [
        ("http://127.0.0.1:8765/callback", ("127.0.0.1", 8765, "/callback")),
        ("http://localhost:8765", ("localhost", 8765, "/")),
        ("http://[::1]:8765/a", ("::1", 8765, "/a")),
        ("http://127.0.0.1/callback", ("127.0.0.1", 80, "/callback")),
        ("https://127.0.0.1:8765/callback", None),
        ("http://192.168.0.1:8765/callback", None),
        ("http://localhost.example.com:8765/", None),
        ("http://127.0.0.1:99999/", None),
        ("com.example.app:/callback", None),
    ],
)
def test_where_it_listens(uri: str, where: tuple[str, int, str] | None) -> None:
    assert loopback_address(uri) == where


def test_nothing_of_it_is_printed(site: Site, port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """The address of a callback holds the code, and an HTTP server's log shows addresses."""
    sign_in(site, f"http://127.0.0.1:{port}/callback", Person(follow))
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def chromium() -> Iterator[webdriver.Chrome]:
    needs("chromium", "chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(which("chromedriver")))
    yield driver
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # selenium leaves connections to the driver open
        driver.quit()
        del driver
        gc.collect()


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
