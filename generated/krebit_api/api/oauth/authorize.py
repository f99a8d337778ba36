# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from typing import Any, Literal

from ... import models
from ...client import AuthenticatedClient, Client
from ...endpoints import Answer, answer_of, request_of
from ...kinds import ANYTHING, NULL, record
from ...types import UNSET, Response, Unset

_ANSWERS = (
    Answer(200, 200, "text", ANYTHING, "text/html"),
    Answer(302, 302, "nothing", NULL, ""),
    Answer(400, 400, "json", record(lambda: models.OAuthError), "application/json"),
    Answer(401, 401, "json", record(lambda: models.OAuthError), "application/json"),
    Answer(429, 429, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "text", ANYTHING, "text/html"),
)


def request(
    *,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keywords of `httpx.Client.request`. Raises ValueError for a value that cannot be sent."""
    return request_of(
        "get",
        "/oauth/authorize",
        query={
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "response_type": response_type,
            "state": state,
            "code_challenge": code_challenge,
            "code_challenge_method": code_challenge_method,
        },
        accept="text/html, application/json;q=0.9",
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> Response[models.ErrorMessage | models.OAuthError | str]:
    """Ask a user for access.

    Opened in the user's browser, never called by a program. The user signs in, consents, and the
    browser is sent back to `redirect_uri` with `code` and the same `state`, or with `error` and `state`
    when access is denied.

    Args:
        client: Sends the request.
        client_id: The application's identifier, from `/developer/my-apps` in the tenant.
        redirect_uri: Where the browser is sent back to. Compared byte for byte with the
            application's registered URIs.
        response_type: Always `code`.
        state: A cryptographically strong random value, kept until the callback and compared there.
        code_challenge: The PKCE challenge, BASE64URL(SHA256(verifier)) without padding. Checked in
            the exchange if it was sent here.
        code_challenge_method: How the challenge was made.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and
            `client.raise_on_unexpected_status` is True.
        httpx.HTTPError: The request could not be sent, or took longer than `client` allows.
        ValueError: An argument cannot be sent, or the body is not what the document says for this
            status.
    """
    response = client.get_httpx_client().request(
        **request(
            client_id=client_id,
            redirect_uri=redirect_uri,
            response_type=response_type,
            state=state,
            code_challenge=code_challenge,
            code_challenge_method=code_challenge_method,
        )
    )
    return answer_of(response, client, _ANSWERS)


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> Response[models.ErrorMessage | models.OAuthError | str]:
    """Do as `sync_detailed` does, awaited."""
    response = await client.get_async_httpx_client().request(
        **request(
            client_id=client_id,
            redirect_uri=redirect_uri,
            response_type=response_type,
            state=state,
            code_challenge=code_challenge,
            code_challenge_method=code_challenge_method,
        )
    )
    return answer_of(response, client, _ANSWERS)


def sync(
    *,
    client: AuthenticatedClient | Client,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> models.ErrorMessage | models.OAuthError | str | None:
    """Return `parsed` of `sync_detailed`: None for a status that the document does not describe."""
    return sync_detailed(
        client=client,
        client_id=client_id,
        redirect_uri=redirect_uri,
        response_type=response_type,
        state=state,
        code_challenge=code_challenge,
        code_challenge_method=code_challenge_method,
    ).parsed


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> models.ErrorMessage | models.OAuthError | str | None:
    """Return `parsed` of `asyncio_detailed`: None for a status that the document does not describe."""
    return (
        await asyncio_detailed(
            client=client,
            client_id=client_id,
            redirect_uri=redirect_uri,
            response_type=response_type,
            state=state,
            code_challenge=code_challenge,
            code_challenge_method=code_challenge_method,
        )
    ).parsed
