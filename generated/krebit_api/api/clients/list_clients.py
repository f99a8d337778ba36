# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ... import errors
from ...types import UNSET, Response, Unset

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client
    from ...models.client_page import ClientPage
    from ...models.error_message import ErrorMessage
    from ...models.validation_errors import ValidationErrors


def _get_kwargs(
    *,
    limit: int | Unset = 10,
    page: int | Unset = 1,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["page"] = page

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/1.0/clients",
        "params": params,
    }
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ClientPage | ErrorMessage | ValidationErrors | None:
    from ...models.client_page import ClientPage
    from ...models.error_message import ErrorMessage
    from ...models.validation_errors import ValidationErrors

    if response.status_code == 200:
        response_200 = ClientPage.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ValidationErrors.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorMessage.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorMessage.from_dict(response.json())

        return response_403

    if response.status_code == 422:
        response_422 = ValidationErrors.from_dict(response.json())

        return response_422

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
) -> Response[ClientPage | ErrorMessage | ValidationErrors]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 10,
    page: int | Unset = 1,
) -> Response[ClientPage | ErrorMessage | ValidationErrors]:
    """List clients, one page at a time.

    The records hold the essential fields; a single client has all. Metadata of the page stand beside
    `data`, in one of several shapes. Where there are none, a page shorter than `limit` is the last.

    Args:
        client: What sends the request.
        limit: Records per page.
        page: Number of the page, from 1. A page beyond the end is empty.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        limit=limit,
        page=page,
    )
    response = client.get_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 10,
    page: int | Unset = 1,
) -> ClientPage | ErrorMessage | ValidationErrors | None:
    """List clients, one page at a time.

    The records hold the essential fields; a single client has all. Metadata of the page stand beside
    `data`, in one of several shapes. Where there are none, a page shorter than `limit` is the last.

    Args:
        client: What sends the request.
        limit: Records per page.
        page: Number of the page, from 1. A page beyond the end is empty.

    Returns:
        What was read from the body; None for a status that the document does not describe.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    return sync_detailed(
        client=client,
        limit=limit,
        page=page,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 10,
    page: int | Unset = 1,
) -> Response[ClientPage | ErrorMessage | ValidationErrors]:
    """List clients, one page at a time.

    The records hold the essential fields; a single client has all. Metadata of the page stand beside
    `data`, in one of several shapes. Where there are none, a page shorter than `limit` is the last.

    Args:
        client: What sends the request.
        limit: Records per page.
        page: Number of the page, from 1. A page beyond the end is empty.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        limit=limit,
        page=page,
    )
    response = await client.get_async_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 10,
    page: int | Unset = 1,
) -> ClientPage | ErrorMessage | ValidationErrors | None:
    """List clients, one page at a time.

    The records hold the essential fields; a single client has all. Metadata of the page stand beside
    `data`, in one of several shapes. Where there are none, a page shorter than `limit` is the last.

    Args:
        client: What sends the request.
        limit: Records per page.
        page: Number of the page, from 1. A page beyond the end is empty.

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
            limit=limit,
            page=page,
        )
    ).parsed
