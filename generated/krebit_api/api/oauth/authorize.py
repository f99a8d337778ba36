# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal, cast

from ... import errors
from ...types import UNSET, Response, Unset

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client
    from ...models.error_message import ErrorMessage
    from ...models.o_auth_error import OAuthError


def _get_kwargs(
    *,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["client_id"] = client_id

    params["redirect_uri"] = redirect_uri

    params["response_type"] = response_type

    params["state"] = state

    params["code_challenge"] = code_challenge

    params["code_challenge_method"] = code_challenge_method

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/oauth/authorize",
        "params": params,
    }
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorMessage | OAuthError | str | None:
    from ...models.error_message import ErrorMessage
    from ...models.o_auth_error import OAuthError

    if response.status_code == 200:
        response_200 = response.text
        return response_200

    if response.status_code == 302:
        response_302 = cast(Any, None)
        return response_302

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
) -> Response[Any | ErrorMessage | OAuthError | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
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
) -> Response[Any | ErrorMessage | OAuthError | str]:
    """Ask a user for access.

    Opened in the user's browser, never called by a program. The user signs in, consents, and the
    browser is sent back to `redirect_uri` with `code` and the same `state`, or with `error` and `state`
    when access is denied.

    Args:
        client: What sends the request.
        client_id: str
        redirect_uri: str
        response_type: Literal['code']
        state: str
        code_challenge: str | Unset
        code_challenge_method: Literal['S256'] | Unset

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        client_id=client_id,
        redirect_uri=redirect_uri,
        response_type=response_type,
        state=state,
        code_challenge=code_challenge,
        code_challenge_method=code_challenge_method,
    )
    response = client.get_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> Any | ErrorMessage | OAuthError | str | None:
    """Ask a user for access.

    Opened in the user's browser, never called by a program. The user signs in, consents, and the
    browser is sent back to `redirect_uri` with `code` and the same `state`, or with `error` and `state`
    when access is denied.

    Args:
        client: What sends the request.
        client_id: str
        redirect_uri: str
        response_type: Literal['code']
        state: str
        code_challenge: str | Unset
        code_challenge_method: Literal['S256'] | Unset

    Returns:
        What was read from the body; None for a status that the document does not describe.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    return sync_detailed(
        client=client,
        client_id=client_id,
        redirect_uri=redirect_uri,
        response_type=response_type,
        state=state,
        code_challenge=code_challenge,
        code_challenge_method=code_challenge_method,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> Response[Any | ErrorMessage | OAuthError | str]:
    """Ask a user for access.

    Opened in the user's browser, never called by a program. The user signs in, consents, and the
    browser is sent back to `redirect_uri` with `code` and the same `state`, or with `error` and `state`
    when access is denied.

    Args:
        client: What sends the request.
        client_id: str
        redirect_uri: str
        response_type: Literal['code']
        state: str
        code_challenge: str | Unset
        code_challenge_method: Literal['S256'] | Unset

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        client_id=client_id,
        redirect_uri=redirect_uri,
        response_type=response_type,
        state=state,
        code_challenge=code_challenge,
        code_challenge_method=code_challenge_method,
    )
    response = await client.get_async_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    client_id: str,
    redirect_uri: str,
    response_type: Literal["code"],
    state: str,
    code_challenge: str | Unset = UNSET,
    code_challenge_method: Literal["S256"] | Unset = UNSET,
) -> Any | ErrorMessage | OAuthError | str | None:
    """Ask a user for access.

    Opened in the user's browser, never called by a program. The user signs in, consents, and the
    browser is sent back to `redirect_uri` with `code` and the same `state`, or with `error` and `state`
    when access is denied.

    Args:
        client: What sends the request.
        client_id: str
        redirect_uri: str
        response_type: Literal['code']
        state: str
        code_challenge: str | Unset
        code_challenge_method: Literal['S256'] | Unset

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
            client_id=client_id,
            redirect_uri=redirect_uri,
            response_type=response_type,
            state=state,
            code_challenge=code_challenge,
            code_challenge_method=code_challenge_method,
        )
    ).parsed
