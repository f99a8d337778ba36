"""Signing in at a terminal: the browser's way back to this machine."""

import asyncio
import http.client
import math
import socket
import time

import httpx
import pytest

from krebit.errors import LoginFailed
from krebit.oauth.console import Terminal
from krebit.oauth.loopback import loopback_address
from tests.needs import needs_ipv6
from tests.oauth.person import Person, follow, register, sign_in
from tests.oauth.support import Background, Site
from tests.ports import port

__all__ = ["port"]


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
            answer = httpx.get(base + path, timeout=60)
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
        with pytest.raises(LoginFailed, match=r"cannot listen .*paste=True"):
            sign_in(site, uri, Person(follow))


def test_a_port_that_somebody_has_at_the_other_address_of_localhost(site: Site, port: int) -> None:
    """A browser may take that one, and would bring the code there."""
    needs_ipv6()
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        with pytest.raises(LoginFailed, match=r"cannot listen at ::1, port .*paste=True"):
            sign_in(site, f"http://localhost:{port}/callback", Person(follow))
        with socket.create_server(("127.0.0.1", port)):
            pass  # the port is free again


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


def test_waiting_without_an_end(site: Site, port: int) -> None:
    sign_in(site, f"http://127.0.0.1:{port}/callback", Person(follow), timeout=math.inf)


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
