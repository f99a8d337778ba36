"""What the tests of the sandbox share: a plain HTTP client, and the two token requests of the quickstart."""

import base64
import hashlib
import re
import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from krebit_sandbox import Application, Sandbox

VERIFIER = "a-verifier-of-forty-three-characters-or-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def http_client(sandbox: Sandbox, *, signed_in: bool = True, timeout: float | httpx.Timeout = 60.0) -> httpx.Client:
    """A client that knows nothing of Krebit but the sandbox's address and, signed in, an access token."""
    verify = ssl.create_default_context(cafile=sandbox.ca_file) if sandbox.ca_file else False
    headers = {"Accept": "application/json"}
    if signed_in:
        headers["Authorization"] = f"Bearer {sandbox.issue_tokens().access_token}"
    return httpx.Client(base_url=sandbox.url, verify=verify, headers=headers, timeout=timeout, trust_env=False)


def exchange(api: httpx.Client, sandbox: Sandbox, code: str, /, **changes: Any) -> httpx.Response:
    """Exchange a code; a field that is changed to None is left out."""
    application: Application = changes.pop("application", sandbox.application)
    fields = {
        "grant_type": "authorization_code",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "redirect_uri": application.redirect_uris[0],
        "code": code,
        **changes,
    }
    return api.post("/api/oauth/token", json={name: value for name, value in fields.items() if value is not None})


def refresh(api: httpx.Client, sandbox: Sandbox, refresh_token: str, /, **changes: Any) -> httpx.Response:
    """Refresh; a field that is changed to None is left out."""
    application: Application = changes.pop("application", sandbox.application)
    fields = {
        "grant_type": "refresh_token",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "refresh_token": refresh_token,
        **changes,
    }
    return api.post("/api/oauth/token", json={name: value for name, value in fields.items() if value is not None})


def authorize_query(sandbox: Sandbox, **changes: str) -> dict[str, str]:
    """The parameters of the authorization address."""
    return {
        "client_id": sandbox.application.client_id,
        "redirect_uri": sandbox.application.redirect_uris[0],
        "response_type": "code",
        "state": "the-state",
        **changes,
    }


def form_token(page: httpx.Response) -> str:
    """What the form of a consent page is told apart by."""
    found = re.search(r'name="_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


def callback_query(response: httpx.Response) -> dict[str, str]:
    """What the redirect back to the application carries."""
    assert response.status_code == 302, response.text
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}
