"""A web application that is connected to a Krebit tenant by one of its people, in their browser.

    pip install krebit starlette uvicorn
    uvicorn examples.login_starlette:app --port 8000 --no-access-log

The server's own log of requests is off: it would hold whole addresses, and the callback's holds the authorization code.
Reads the quickstart's variables; KREBIT_REDIRECT_URI must end in /oauth/callback and be registered for the application.
"""

import html
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from krebit import AsyncKrebit
from krebit.errors import KrebitError, LoginFailed, LoginRequired
from krebit.oauth.sign_in import LoginAttempt

COOKIE = "session"


class Sessions:
    """What is kept for a browser, at the server: a sign-in's PKCE verifier must not lie in a cookie that can be read.

    In memory, for one process. With several, keep them where all see them.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._most = most

    def begin(self, content: dict[str, Any]) -> str:
        """Keep something; the name under which it is kept comes back."""
        name = secrets.token_urlsafe(32)
        self._kept[name] = content
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return name

    def end(self, name: str) -> dict[str, Any]:
        """Take it back: a sign-in is good once."""
        return self._kept.pop(name, {})


def create(**options: Any) -> Starlette:
    """The application. `options` are those of the client, beside the environment's."""
    sessions = Sessions()

    async def home(request: Request) -> Response:
        api: AsyncKrebit = request.app.state.api
        try:
            user = await api.get_current_user()
        except LoginRequired:
            return page('Not connected. <a href="/connect">Connect to Krebit</a>')
        return page(f"Connected as {html.escape(str(user.name))}.")

    async def connect(request: Request) -> Response:
        api: AsyncKrebit = request.app.state.api
        attempt = api.start_login()
        answer = RedirectResponse(attempt.url, 303)
        answer.set_cookie(
            COOKIE,
            sessions.begin({"attempt": attempt.to_dict()}),
            max_age=600,
            httponly=True,
            samesite="lax",  # "strict" would not come back with the redirect from the tenant
            secure=attempt.redirect_uri.startswith("https:"),  # as browsers see it: behind a proxy this is plain HTTP
        )
        return answer

    async def callback(request: Request) -> Response:
        api: AsyncKrebit = request.app.state.api
        kept = sessions.end(request.cookies.get(COOKIE, ""))
        try:
            attempt = LoginAttempt.from_dict(kept.get("attempt", {}))
            await api.finish_login(str(request.url), attempt=attempt)
        except LoginFailed as error:
            return page(f"{html.escape(str(error))}. <a href='/connect'>Try again</a>", 400)
        except KrebitError as error:
            return page(f"Krebit cannot be reached or refused this application: {html.escape(str(error))}.", 502)
        # Away from the address that holds the code.
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE)
        return answer

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncKrebit.from_env(**options) as api:
            app.state.api = api
            yield

    routes = [Route("/", home), Route("/connect", connect), Route("/oauth/callback", callback)]
    return Starlette(routes=routes, lifespan=lifespan)


def page(text: str, status: int = 200) -> HTMLResponse:
    """A page that no cache keeps and that sends its address nowhere."""
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(f"<!doctype html><title>Krebit</title><p>{text}</p>", status, headers)


app = create()
