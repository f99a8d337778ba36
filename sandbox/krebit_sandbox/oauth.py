"""`/oauth/authorize`, the consent page, and `/api/oauth/token`."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from krebit_sandbox import oauth_errors
from krebit_sandbox.answers import json_answer
from krebit_sandbox.grants import Application, ChallengeMethod
from krebit_sandbox.html_pages import page
from krebit_sandbox.oauth_errors import TokenError
from krebit_sandbox.request_fields import body_fields
from krebit_sandbox.tenant import Tenant

_COOKIE: Final = "krebit_sandbox_session"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_METHODS: Final[dict[str, ChallengeMethod]] = {"S256": "S256", "plain": "plain"}
_OPEN_PAGES: Final = 1000


@dataclass(frozen=True, slots=True)
class _Consent:
    """The request that a consent page shows, and the browser session that it was shown to."""

    session: str
    application: Application
    redirect_uri: str
    state: str | None
    challenge: str | None
    method: ChallengeMethod


class OAuth:
    """The endpoints, over one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._lock = threading.Lock()
        self._consents: dict[str, _Consent] = {}

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            Route("/oauth/authorize", self._authorize, methods=["GET"]),
            Route("/oauth/consent", self._decide, methods=["POST"]),
            Route("/api/oauth/token", self._token, methods=["POST"]),
            Route("/login", self._login, methods=["GET"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        """Answer the authorization request (RFC 6749, section 4.1.1); redirect to registered addresses only."""
        asked = request.query_params
        application = self._tenant.grants.application(asked.get("client_id", ""))
        if application is None:
            reason = "No application has this client_id."
            return self._refused(request, oauth_errors.unknown_application(), reason=reason)
        redirect_uri = asked.get("redirect_uri", "")
        if redirect_uri not in application.redirect_uris:
            reason = "This redirect_uri is not registered for the application. It is compared byte for byte."
            registered = application.redirect_uris
            error = oauth_errors.missing("redirect_uri", "Invalid redirect URI")
            return self._refused(request, error, reason=reason, given=redirect_uri, registered=registered)
        state = asked.get("state")
        if asked.get("response_type") != "code":
            return _back(redirect_uri, error="unsupported_response_type", state=state)
        challenge, method = asked.get("code_challenge"), _METHODS.get(asked.get("code_challenge_method", "plain"))
        if method is None or (challenge is not None and not _CHALLENGE.fullmatch(challenge)):
            return _back(redirect_uri, error="invalid_request", state=state)
        session = request.cookies.get(_COOKIE) or secrets.token_urlsafe(32)
        consent = _Consent(session, application, redirect_uri, state, challenge, method)
        if self._tenant.switches.consent != "ask":
            return self._decided(consent, allow=self._tenant.switches.consent == "allow")
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._consents[token] = consent
            while len(self._consents) > _OPEN_PAGES:
                self._consents.pop(next(iter(self._consents)))
        user = self._tenant.companies.user()
        answer = page("authorize.html", 200, application=application, user=user, token=token, target=redirect_uri)
        answer.set_cookie(
            _COOKIE, session, path="/oauth", httponly=True, samesite="lax", secure=request.url.scheme == "https"
        )
        return answer

    def _refused(self, request: Request, error: TokenError, **values: Any) -> Response:
        """Return a page for people; for a program, which asks for no HTML, the token endpoint's JSON."""
        if "text/html" in request.headers.get("accept", ""):
            return page("error.html", error.status, **values)
        return json_answer(error.body(self._tenant.switches.error_dialect), error.status)

    async def _decide(self, request: Request) -> Response:
        """Take the form of the consent page: its token is good once, for the browser session that it was shown to."""
        fields = await body_fields(request)
        session = request.cookies.get(_COOKIE, "")
        with self._lock:
            consent = self._consents.get(str(fields.get("_token", "")))
            # A reset has forgotten the application of an earlier page.
            known = consent and self._tenant.grants.application(consent.application.client_id)
            if consent is None or not known or not compare_digest(consent.session.encode(), session.encode()):
                return page("error.html", 419, reason="This page has expired. Start the sign-in once more.")
            del self._consents[str(fields["_token"])]
        return self._decided(consent, allow=fields.get("decision") == "allow")

    def _decided(self, consent: _Consent, *, allow: bool) -> Response:
        if not allow:
            description = "The resource owner or authorization server denied the request."
            return _back(
                consent.redirect_uri, error="access_denied", error_description=description, state=consent.state
            )
        code = self._tenant.grants.issue_code(
            consent.application.client_id, consent.redirect_uri, consent.challenge, consent.method
        )
        return _back(consent.redirect_uri, code=code, state=consent.state)

    async def _token(self, request: Request) -> Response:
        fields = await body_fields(request)
        switches = self._tenant.switches
        try:
            return json_answer(self._grant(fields), headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
        except TokenError as error:
            return json_answer(error.body(switches.error_dialect), error.status)

    def _grant(self, fields: dict[str, Any]) -> dict[str, Any]:
        grants, switches = self._tenant.grants, self._tenant.switches
        grant_type = fields.get("grant_type")
        if grant_type not in ("authorization_code", "refresh_token"):
            raise oauth_errors.unsupported_grant()
        client_id, client_secret = _required(fields, "client_id"), _required(fields, "client_secret")
        application = grants.authenticate_application(client_id, client_secret)
        refresh_token: str | None
        if grant_type == "authorization_code":
            tokens = grants.exchange(
                application,
                _required(fields, "code"),
                _text(fields.get("redirect_uri")),
                _text(fields.get("code_verifier")),
                switches,
            )
            access_token, refresh_token = tokens.access_token, tokens.refresh_token
        else:
            access_token, refresh_token = grants.refresh(application, _required(fields, "refresh_token"), switches)
        answer: dict[str, Any] = {"token_type": "Bearer"}
        if switches.expires_in == "token_lifetime":
            answer["expires_in"] = int(switches.token_lifetime)
        elif switches.expires_in is not None:
            answer["expires_in"] = switches.expires_in
        answer["access_token"] = access_token
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        if switches.unknown_keys:
            answer["added_later"] = {"tenant": "sandbox"}
        return answer

    async def _login(self, request: Request) -> Response:
        return page("login.html", 200, user=self._tenant.companies.user())


def _text(value: object) -> str | None:
    """Return a parameter as text; an integer in digits, any other type as if it were missing."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _required(fields: dict[str, Any], name: str) -> str:
    value = _text(fields.get(name))
    if not value:
        raise oauth_errors.missing(name)
    return value


def _back(redirect_uri: str, **parameters: str | None) -> Response:
    """Redirect to the application, with these parameters added to those of its URI."""
    parts = urlsplit(redirect_uri)
    added = urlencode({name: value for name, value in parameters.items() if value is not None})
    query = f"{parts.query}&{added}" if parts.query else added
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 302, {"Cache-Control": "no-store"})
