"""The example of a web application: a sign-in by somebody's browser, and what is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx
import pytest

from examples.login_starlette import Sessions, create
from tests.oauth.support import Site

REDIRECT = "http://localhost:8000/oauth/callback"


def browse(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    visit: Callable[[httpx.AsyncClient], Awaitable[None]],
    redirect: str = REDIRECT,
) -> None:
    """Serve the application, and visit it with a browser's client: cookies, no redirects by itself."""
    application = site.sandbox.register("Web", [redirect])
    for name, value in {
        "DOMAIN": site.sandbox.domain,
        "CLIENT_ID": application.client_id,
        "CLIENT_SECRET": application.client_secret,
        "REDIRECT_URI": redirect,
    }.items():
        monkeypatch.setenv(f"KREBIT_{name}", value)
    app = create(plain_http=True, store=site.store)

    async def main() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as browser,
        ):
            await visit(browser)

    asyncio.run(main())


async def consent(answer: httpx.Response) -> str:
    """Where the tenant sends the browser to."""
    assert answer.status_code == 303
    async with httpx.AsyncClient() as outside:
        location: str = (await outside.get(answer.headers["location"])).headers["location"]
    assert location.startswith(REDIRECT)
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


def test_connecting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(browser: httpx.AsyncClient) -> None:
        assert "Not connected" in (await browser.get("/")).text
        begun = await browser.get("/connect")
        cookie = begun.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "secure" not in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        back = await consent(begun)
        ended = await browser.get(back)
        assert (ended.status_code, ended.headers["location"]) == (303, "/")
        assert "Connected as" in (await browser.get("/")).text
        again = await browser.get(back)
        assert again.status_code == 400
        assert again.headers["cache-control"] == "no-store"

    browse(site, monkeypatch, visit)
    (request,) = site.token_requests()
    assert request.json()["code_verifier"]


def test_somebody_elses_callback(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that was begun in another browser signs nobody in."""

    async def visit(browser: httpx.AsyncClient) -> None:
        begun = await browser.get("/connect")
        back = await consent(begun)
        browser.cookies.clear()
        assert (await browser.get(back)).status_code == 400
        await browser.get("/connect")
        assert (await browser.get(back)).status_code == 400
        assert "Not connected" in (await browser.get("/")).text

    browse(site, monkeypatch, visit)
    assert not site.token_requests()


def test_the_cookie_is_for_https_alone_where_browsers_come_by_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also behind a proxy, which comes to the application by plain HTTP."""

    async def visit(browser: httpx.AsyncClient) -> None:
        assert "secure" in (await browser.get("/connect")).headers["set-cookie"].lower()

    browse(site, monkeypatch, visit, "https://yourapp.example.com/oauth/callback")


def test_denied(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.sandbox.switch(consent="deny")

    async def visit(browser: httpx.AsyncClient) -> None:
        answer = await browser.get(await consent(await browser.get("/connect")))
        assert answer.status_code == 400
        assert "access_denied" in answer.text

    browse(site, monkeypatch, visit)


def test_sessions_are_taken_once_and_do_not_pile_up() -> None:
    sessions = Sessions(most=2)
    first, second, third = (sessions.begin({"number": number}) for number in range(3))
    assert sessions.end(first) == {}
    assert sessions.end(second) == {"number": 1}
    assert sessions.end(second) == {}
    assert sessions.end(third) == {"number": 2}
