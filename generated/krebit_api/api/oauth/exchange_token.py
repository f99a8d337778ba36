# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from typing import Any

from ... import models
from ...client import AuthenticatedClient, Client
from ...endpoints import Answer, answer_of, body_as, request_of
from ...kinds import ANYTHING, record
from ...types import Response

_ANSWERS = (
    Answer(200, 200, "json", record(lambda: models.TokenPair), "application/json"),
    Answer(400, 400, "json", record(lambda: models.OAuthError), "application/json"),
    Answer(401, 401, "json", record(lambda: models.OAuthError), "application/json"),
    Answer(429, 429, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "text", ANYTHING, "text/html"),
)


def request(*, body: models.AuthorizationCodeGrant | models.RefreshTokenGrant) -> dict[str, Any]:
    """Return the keywords of `httpx.Client.request`. Raises ValueError for a value that cannot be sent."""
    return request_of("post", "/api/oauth/token", body=body_as("json", "application/json", body))


def sync_detailed(
    *, client: AuthenticatedClient | Client, body: models.AuthorizationCodeGrant | models.RefreshTokenGrant
) -> Response[models.ErrorMessage | models.OAuthError | models.TokenPair | str]:
    """Exchange a code or a refresh token.

    Answers a pair of tokens for an authorization code, or for a refresh token. The body is JSON.

    Refresh tokens rotate: each refresh answers a new one and revokes the old pair at once, so a new
    pair must be stored before anything else is done with it.

    Args:
        client: Sends the request.
        body: models.AuthorizationCodeGrant | models.RefreshTokenGrant

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and
            `client.raise_on_unexpected_status` is True.
        httpx.HTTPError: The request could not be sent, or took longer than `client` allows.
        ValueError: An argument cannot be sent, or the body is not what the document says for this
            status.
    """
    response = client.get_httpx_client().request(**request(body=body))
    return answer_of(response, client, _ANSWERS)


async def asyncio_detailed(
    *, client: AuthenticatedClient | Client, body: models.AuthorizationCodeGrant | models.RefreshTokenGrant
) -> Response[models.ErrorMessage | models.OAuthError | models.TokenPair | str]:
    """Do as `sync_detailed` does, awaited."""
    response = await client.get_async_httpx_client().request(**request(body=body))
    return answer_of(response, client, _ANSWERS)


def sync(
    *, client: AuthenticatedClient | Client, body: models.AuthorizationCodeGrant | models.RefreshTokenGrant
) -> models.ErrorMessage | models.OAuthError | models.TokenPair | str | None:
    """Return `parsed` of `sync_detailed`: None for a status that the document does not describe."""
    return sync_detailed(client=client, body=body).parsed


async def asyncio(
    *, client: AuthenticatedClient | Client, body: models.AuthorizationCodeGrant | models.RefreshTokenGrant
) -> models.ErrorMessage | models.OAuthError | models.TokenPair | str | None:
    """Return `parsed` of `asyncio_detailed`: None for a status that the document does not describe."""
    return (await asyncio_detailed(client=client, body=body)).parsed
