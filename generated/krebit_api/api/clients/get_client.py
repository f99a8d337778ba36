# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ... import errors
from ...types import Response, path_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client
    from ...models.client_record import ClientRecord
    from ...models.client_record_envelope import ClientRecordEnvelope
    from ...models.error_message import ErrorMessage


def _get_kwargs(
    id: int,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/1.0/clients/{id}".format(id=path_part(id, "id")),
    }
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ClientRecord | ClientRecordEnvelope | ErrorMessage | None:
    from ...models.client_record import ClientRecord
    from ...models.client_record_envelope import ClientRecordEnvelope
    from ...models.error_message import ErrorMessage

    if response.status_code == 200:

        def _parse_response_200(data: object) -> ClientRecord | ClientRecordEnvelope:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_0 = ClientRecordEnvelope.from_dict(data)

                return response_200_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_1 = ClientRecord.from_dict(data)

            return response_200_type_1

        response_200 = _parse_response_200(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = ErrorMessage.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorMessage.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ErrorMessage.from_dict(response.json())

        return response_404

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
) -> Response[ClientRecord | ClientRecordEnvelope | ErrorMessage]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    id: int,
    *,
    client: AuthenticatedClient,
) -> Response[ClientRecord | ClientRecordEnvelope | ErrorMessage]:
    """Get one client, with all its fields.

    The detail has every field that the tenant keeps of this client; the list has only the essential
    ones.

    Args:
        client: What sends the request.
        id: The client's number, the `id` of a client record.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        id=id,
    )
    response = client.get_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


def sync(
    id: int,
    *,
    client: AuthenticatedClient,
) -> ClientRecord | ClientRecordEnvelope | ErrorMessage | None:
    """Get one client, with all its fields.

    The detail has every field that the tenant keeps of this client; the list has only the essential
    ones.

    Args:
        client: What sends the request.
        id: The client's number, the `id` of a client record.

    Returns:
        What was read from the body; None for a status that the document does not describe.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    return sync_detailed(
        id=id,
        client=client,
    ).parsed


async def asyncio_detailed(
    id: int,
    *,
    client: AuthenticatedClient,
) -> Response[ClientRecord | ClientRecordEnvelope | ErrorMessage]:
    """Get one client, with all its fields.

    The detail has every field that the tenant keeps of this client; the list has only the essential
    ones.

    Args:
        client: What sends the request.
        id: The client's number, the `id` of a client record.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    kwargs = _get_kwargs(
        id=id,
    )
    response = await client.get_async_httpx_client().request(**kwargs)
    return _build_response(client=client, response=response)


async def asyncio(
    id: int,
    *,
    client: AuthenticatedClient,
) -> ClientRecord | ClientRecordEnvelope | ErrorMessage | None:
    """Get one client, with all its fields.

    The detail has every field that the tenant keeps of this client; the list has only the essential
    ones.

    Args:
        client: What sends the request.
        id: The client's number, the `id` of a client record.

    Returns:
        What was read from the body; None for a status that the document does not describe.

    Raises:
        errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.
        httpx.TimeoutException: The request took longer than `client` allows.
        ValueError: The body is not what the document says for this status.
    """
    return (
        await asyncio_detailed(
            id=id,
            client=client,
        )
    ).parsed
