"""A web application whose people each connect their own Krebit login, in their browser.

    pip install starlette uvicorn
    uvicorn examples.login_starlette:app --port 8000 --no-access-log

The server's own log of requests is off: it would hold whole addresses, and the callback's holds the authorization code.
Reads the quickstart's variables; KREBIT_REDIRECT_URI must end in /oauth/callback and be registered for the application.
"""

import html
import os
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from krebit import AsyncKrebit, KrebitError, LoginAttempt, LoginFailed, LoginRequired

COOKIE = "session"
# How many sign-ins one person may have under way at the same time, each in a tab.
MOST_ATTEMPTS = 10
# In place of your own accounts: the id of each person, and the name.
PEOPLE = {"17": "Anna", "23": "Bo"}


@dataclass
class Session:
    """The server's part of one browser's session: the person's id, and the sign-ins under way by their state."""

    person: str
    attempts: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)

    def keep(self, attempt: LoginAttempt) -> None:
        """Keep a sign-in. It holds the PKCE verifier, which must not lie in a cookie that can be read."""
        self.attempts[attempt.state] = attempt.to_dict()
        while len(self.attempts) > MOST_ATTEMPTS:
            self.attempts.popitem(last=False)

    def take(self, state: str) -> LoginAttempt:
        """Remove the sign-in of this state and return it. Raises LoginFailed when there is none."""
        return LoginAttempt.from_dict(self.attempts.pop(state, None))


class Sessions:
    """The sessions by their cookies, in memory. With several processes, keep them where all see them."""

    def __init__(self) -> None:
        self._kept: dict[str, Session] = {}

    def begin(self, person: str) -> str:
        """Begin a session of a person who has just signed in. Return its cookie, which is new (no session fixation)."""
        cookie = secrets.token_urlsafe(32)
        self._kept[cookie] = Session(person)
        return cookie

    def of(self, request: Request) -> Session | None:
        """Return the session of a request, or None."""
        return self._kept.get(request.cookies.get(COOKIE, ""))

    def end(self, request: Request) -> None:
        """End the session of a request."""
        self._kept.pop(request.cookies.get(COOKIE, ""), None)


async def home(request: Request) -> Response:
    session = sessions_of(request).of(request)
    if session is None:
        return page('<form method="post" action="/sign-in"><input name="person"><button>Sign in</button></form>')
    try:
        user = await krebit_of(request, session).get_current_user()
    except LoginRequired:
        return page(f'{PEOPLE[session.person]}, you are not connected. <a href="/connect">Connect to Krebit</a>')
    return page(f"{PEOPLE[session.person]}, you are connected as {html.escape(str(user.name))}.")


async def sign_in(request: Request) -> Response:
    """Sign a person in by the id alone. Put your own sign-in in its place, with a password or whatever you have."""
    person = parse_qs((await request.body()).decode("ascii", "replace")).get("person", [""])[0]
    if person not in PEOPLE:
        return page("Nobody of that id is known here.", 403)
    sessions_of(request).end(request)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE,
        sessions_of(request).begin(person),
        httponly=True,
        samesite="lax",  # "strict" would not come back with the redirect from the tenant
        # As browsers see this application: behind a proxy it is served by plain HTTP.
        secure=os.environ["KREBIT_REDIRECT_URI"].startswith("https:"),
    )
    return answer


async def sign_out(request: Request) -> Response:
    sessions_of(request).end(request)
    return RedirectResponse("/", 303)


async def connect(request: Request) -> Response:
    session = sessions_of(request).of(request)
    if session is None:
        return RedirectResponse("/", 303)
    attempt = krebit_of(request, session).start_login()
    session.keep(attempt)
    return RedirectResponse(attempt.url, 303)


async def callback(request: Request) -> Response:
    session = sessions_of(request).of(request)
    if session is None:
        return page('Sign in first, and <a href="/">begin again</a>.', 400)
    try:
        attempt = session.take(request.query_params.get("state", ""))
        await krebit_of(request, session).finish_login(str(request.url), attempt=attempt)
    except LoginFailed as error:
        return page(f"{html.escape(str(error))}. <a href='/connect'>Try again</a>", 400)
    except KrebitError as error:
        return page(f"Krebit cannot be reached or refused this application: {html.escape(str(error))}.", 502)
    # Away from the address that holds the code.
    return RedirectResponse("/", 303)


def sessions_of(request: Request) -> Sessions:
    """Return the application's sessions."""
    sessions: Sessions = request.app.state.sessions
    return sessions


def krebit_of(request: Request, session: Session) -> AsyncKrebit:
    """Return the client with this person's login. Its profile is named after our own id of the person."""
    api: AsyncKrebit = request.app.state.api
    return api.with_profile(f"person-{session.person}")


def create(**options: Any) -> Starlette:
    """Return the application. `options` are those of the client, beside the environment's."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncKrebit.from_env(**options) as api:
            app.state.api = api
            app.state.sessions = Sessions()
            yield

    routes = [
        Route("/", home),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/connect", connect),
        Route("/oauth/callback", callback),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def page(text: str, status: int = 200) -> HTMLResponse:
    """Return a page that no cache keeps and that sends its address nowhere."""
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(f"<!doctype html><title>Krebit</title><p>{text}</p>", status, headers)


app = create()
