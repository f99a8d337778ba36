"""The example of a web application: its people sign in with their browsers, each in several tabs."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx
import pytest

from examples.login_starlette import MOST_ATTEMPTS, create
from tests.oauth.support import Site

REDIRECT = "http://localhost:8000/oauth/callback"
Browsers = tuple[httpx.AsyncClient, httpx.AsyncClient]


def browse(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    visit: Callable[[Browsers], Awaitable[None]],
    redirect: str = REDIRECT,
) -> None:
    """Serve the application, and visit it with the browsers of two people: cookies, no redirects by themselves."""
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
        base = redirect.removesuffix("/oauth/callback")
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=base) as anna,
            httpx.AsyncClient(transport=transport, base_url=base) as bo,
        ):
            await sign_in(anna, "17")
            await sign_in(bo, "23")
            await visit((anna, bo))

    asyncio.run(main())


async def sign_in(browser: httpx.AsyncClient, person: str) -> httpx.Response:
    answer = await browser.post("/sign-in", data={"person": person})
    assert answer.status_code == 303
    return answer


async def open_tab(browser: httpx.AsyncClient) -> str:
    """Connect in a new tab, and consent. Return where the tenant sends the browser back to."""
    answer = await browser.get("/connect")
    assert answer.status_code == 303
    async with httpx.AsyncClient(timeout=60) as outside:
        location: str = (await outside.get(answer.headers["location"])).headers["location"]
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


async def home(browser: httpx.AsyncClient) -> str:
    return (await browser.get("/")).text


def test_two_people_with_two_tabs_each(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tab's sign-in succeeds, in any order, whatever stray hits come between; and each has a login of its own."""

    async def visit(browsers: Browsers) -> None:
        anna, bo = browsers
        tabs = [(browser, await open_tab(browser)) for browser in (anna, bo, anna, bo)]
        for browser in browsers:
            assert "you are not connected" in await home(browser)
            for stray in ("", "?state=wrong&code=abc", "?error=access_denied"):
                assert (await browser.get(f"/oauth/callback{stray}")).status_code == 400
        for browser, back in (tabs[2], tabs[1], tabs[3], tabs[0]):
            ended = await browser.get(back)
            assert (ended.status_code, ended.headers["location"]) == (303, "/")
            again = await browser.get(back)
            assert again.status_code == 400
            assert again.headers["cache-control"] == "no-store"
        assert "Anna, you are connected as" in await home(anna)
        assert "Bo, you are connected as" in await home(bo)

    browse(site, monkeypatch, visit)
    assert len(site.token_requests()) == 4
    assert all(request.json()["code_verifier"] for request in site.token_requests())
    bearers = [request.headers["authorization"] for request in site.sandbox.requests if request.path.endswith("/me")]
    assert len(bearers) == len(set(bearers)) == 2


def test_somebody_elses_callback(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that was begun in another browser, or before another person signed in, connects nobody."""

    async def visit(browsers: Browsers) -> None:
        anna, bo = browsers
        back = await open_tab(anna)
        assert (await bo.get(back)).status_code == 400
        await open_tab(bo)
        assert (await bo.get(back)).status_code == 400
        await sign_in(anna, "23")
        assert (await anna.get(back)).status_code == 400
        anna.cookies.clear()
        assert (await anna.get(back)).status_code == 400
        assert (await anna.get("/connect")).headers["location"] == "/"
        assert "you are not connected" in await home(bo)

    browse(site, monkeypatch, visit)
    assert not site.token_requests()


def test_the_cookie(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is new with each sign-in, and good for nothing after the person has signed out."""

    async def visit(browsers: Browsers) -> None:
        anna, _ = browsers
        before = anna.cookies["session"]
        cookie = (await sign_in(anna, "17")).headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie
        assert anna.cookies["session"] != before
        await anna.post("/sign-out")
        assert "<form" in await home(anna)
        assert (await anna.post("/sign-in", data={"person": "nobody"})).status_code == 403

    browse(site, monkeypatch, visit)


def test_the_cookie_is_for_https_alone_where_browsers_come_by_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(browsers: Browsers) -> None:
        assert "secure" in (await sign_in(browsers[0], "17")).headers["set-cookie"].lower()

    browse(site, monkeypatch, visit, "https://yourapp.example.com/oauth/callback")


def test_denied(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.sandbox.switch(consent="deny")

    async def visit(browsers: Browsers) -> None:
        answer = await browsers[0].get(await open_tab(browsers[0]))
        assert answer.status_code == 400
        assert "access_denied" in answer.text

    browse(site, monkeypatch, visit)


def test_tabs_do_not_pile_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest stay, and one person's many take nothing from another."""

    async def visit(browsers: Browsers) -> None:
        anna, bo = browsers
        first, others = await open_tab(anna), await open_tab(bo)
        tabs = [await open_tab(anna) for _ in range(MOST_ATTEMPTS)]
        assert (await anna.get(first)).status_code == 400
        assert (await anna.get(tabs[0])).status_code == 303
        assert (await bo.get(others)).status_code == 303

    browse(site, monkeypatch, visit)
