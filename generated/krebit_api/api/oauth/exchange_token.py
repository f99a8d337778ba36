# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ... import errors
from ...types import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client
    from ...models.authorization_code_grant import AuthorizationCodeGrant
    from ...models.error_message import ErrorMessage
    from ...models.o_auth_error import OAuthError
    from ...models.refresh_token_grant import RefreshTokenGrant
    from ...models.token_pair import TokenPair


def _get_kwargs(
    *,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> dict[str, Any]:
    from ...models.authorization_code_grant import AuthorizationCodeGrant

    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/oauth/token",
    }

    if isinstance(body, AuthorizationCodeGrant):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorMessage | OAuthError | TokenPair | None:
    from ...models.error_message import ErrorMessage
    from ...models.o_auth_error import OAuthError
    from ...models.token_pair import TokenPair

    if response.status_code == 200:
        response_200 = TokenPair.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = OAuthError.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = OAuthError.from_dict(response.json())

        return response_401

    if response.status_code == 429:
        response_429 = ErrorMessage.from_dict(response.json())

        return response_429

    if 500 <= response.status_code <= 599:
        response_5xx = ErrorMessage.from_dict(response.json())

        return response_5xx

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorMessage | OAuthError | TokenPair]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> Response[ErrorMessage | OAuthError | TokenPair]:
    """Exchange a code or a refresh token.

    Answers a pair of tokens for an authorization code, or for a refresh token. The body is JSON.

    Refresh tokens rotate: each refresh answers a new one and revokes the old pair at once, so a new
    pair must be stored before anything else is done with it.

    Args:
        client: What sends the request.
        body: AuthorizationCodeGrant | RefreshTokenGrant

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        body=body,
    )
    response = client.get_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> ErrorMessage | OAuthError | TokenPair | None:
    """Exchange a code or a refresh token.

    Answers a pair of tokens for an authorization code, or for a refresh token. The body is JSON.

    Refresh tokens rotate: each refresh answers a new one and revokes the old pair at once, so a new
    pair must be stored before anything else is done with it.

    Args:
        client: What sends the request.
        body: AuthorizationCodeGrant | RefreshTokenGrant

    Returns:
        What was read from the body; None for a status that the document does not describe.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> Response[ErrorMessage | OAuthError | TokenPair]:
    """Exchange a code or a refresh token.

    Answers a pair of tokens for an authorization code, or for a refresh token. The body is JSON.

    Refresh tokens rotate: each refresh answers a new one and revokes the old pair at once, so a new
    pair must be stored before anything else is done with it.

    Args:
        client: What sends the request.
        body: AuthorizationCodeGrant | RefreshTokenGrant

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        body=body,
    )
    response = await client.get_async_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> ErrorMessage | OAuthError | TokenPair | None:
    """Exchange a code or a refresh token.

    Answers a pair of tokens for an authorization code, or for a refresh token. The body is JSON.

    Refresh tokens rotate: each refresh answers a new one and revokes the old pair at once, so a new
    pair must be stored before anything else is done with it.

    Args:
        client: What sends the request.
        body: AuthorizationCodeGrant | RefreshTokenGrant

    Returns:
        What was read from the body; None for a status that the document does not describe.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
