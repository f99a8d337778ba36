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
    from ...models.error_message import ErrorMessage
    from ...models.validation_errors import ValidationErrors
    from ...models.webhook_store_request import WebhookStoreRequest
    from ...models.webhook_subscription import WebhookSubscription
    from ...models.webhook_subscription_envelope import WebhookSubscriptionEnvelope


def _get_kwargs(
    *,
    body: WebhookStoreRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/1.0/webhooks",
    }
    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorMessage | ValidationErrors | WebhookSubscription | WebhookSubscriptionEnvelope | None:
    from ...models.error_message import ErrorMessage
    from ...models.validation_errors import ValidationErrors
    from ...models.webhook_subscription import WebhookSubscription
    from ...models.webhook_subscription_envelope import WebhookSubscriptionEnvelope

    if response.status_code == 201:

        def _parse_response_201(data: object) -> WebhookSubscription | WebhookSubscriptionEnvelope:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_201_type_0 = WebhookSubscriptionEnvelope.from_dict(data)

                return response_201_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_201_type_1 = WebhookSubscription.from_dict(data)

            return response_201_type_1

        response_201 = _parse_response_201(response.json())

        return response_201

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
) -> Response[ErrorMessage | ValidationErrors | WebhookSubscription | WebhookSubscriptionEnvelope]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: WebhookStoreRequest,
) -> Response[ErrorMessage | ValidationErrors | WebhookSubscription | WebhookSubscriptionEnvelope]:
    """Subscribe to an event.

    Answers the subscription with the secret that signs its deliveries. The secret is shown this once:
    store it securely. Not idempotent: two calls make two subscriptions.

    Args:
        client: What sends the request.
        body: A subscription to make.

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
    client: AuthenticatedClient,
    body: WebhookStoreRequest,
) -> ErrorMessage | ValidationErrors | WebhookSubscription | WebhookSubscriptionEnvelope | None:
    """Subscribe to an event.

    Answers the subscription with the secret that signs its deliveries. The secret is shown this once:
    store it securely. Not idempotent: two calls make two subscriptions.

    Args:
        client: What sends the request.
        body: A subscription to make.

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
    client: AuthenticatedClient,
    body: WebhookStoreRequest,
) -> Response[ErrorMessage | ValidationErrors | WebhookSubscription | WebhookSubscriptionEnvelope]:
    """Subscribe to an event.

    Answers the subscription with the secret that signs its deliveries. The secret is shown this once:
    store it securely. Not idempotent: two calls make two subscriptions.

    Args:
        client: What sends the request.
        body: A subscription to make.

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
    client: AuthenticatedClient,
    body: WebhookStoreRequest,
) -> ErrorMessage | ValidationErrors | WebhookSubscription | WebhookSubscriptionEnvelope | None:
    """Subscribe to an event.

    Answers the subscription with the secret that signs its deliveries. The secret is shown this once:
    store it securely. Not idempotent: two calls make two subscriptions.

    Args:
        client: What sends the request.
        body: A subscription to make.

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
