# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from typing import Any

from ... import models
from ...client import AuthenticatedClient
from ...endpoints import Answer, answer_of, body_as, request_of
from ...kinds import ANYTHING, either, record
from ...types import Response

_ANSWERS = (
    Answer(
        201,
        201,
        "json",
        either(
            record(lambda: models.WebhookSubscriptionEnvelope), record(lambda: models.WebhookSubscription)
        ),
        "application/json",
    ),
    Answer(400, 400, "json", record(lambda: models.ValidationErrors), "application/json"),
    Answer(401, 401, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(403, 403, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(422, 422, "json", record(lambda: models.ValidationErrors), "application/json"),
    Answer(429, 429, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "text", ANYTHING, "text/html"),
)


def request(*, body: models.WebhookStoreRequest) -> dict[str, Any]:
    """Return the keywords of `httpx.Client.request`. Raises ValueError for a value that cannot be sent."""
    return request_of("post", "/api/1.0/webhooks", body=body_as("json", "application/json", body))


def sync_detailed(
    *, client: AuthenticatedClient, body: models.WebhookStoreRequest
) -> Response[
    models.ErrorMessage
    | models.ValidationErrors
    | models.WebhookSubscription
    | models.WebhookSubscriptionEnvelope
    | str
]:
    """Subscribe to an event.

    The answer has the secret that signs the deliveries. The server shows the secret only this once:
    store it securely. Not idempotent: two calls make two subscriptions.

    Args:
        client: Sends the request.
        body: A subscription to make.

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
    *, client: AuthenticatedClient, body: models.WebhookStoreRequest
) -> Response[
    models.ErrorMessage
    | models.ValidationErrors
    | models.WebhookSubscription
    | models.WebhookSubscriptionEnvelope
    | str
]:
    """Do as `sync_detailed` does, awaited."""
    response = await client.get_async_httpx_client().request(**request(body=body))
    return answer_of(response, client, _ANSWERS)


def sync(
    *, client: AuthenticatedClient, body: models.WebhookStoreRequest
) -> (
    models.ErrorMessage
    | models.ValidationErrors
    | models.WebhookSubscription
    | models.WebhookSubscriptionEnvelope
    | str
    | None
):
    """Return `parsed` of `sync_detailed`: None for a status that the document does not describe."""
    return sync_detailed(client=client, body=body).parsed


async def asyncio(
    *, client: AuthenticatedClient, body: models.WebhookStoreRequest
) -> (
    models.ErrorMessage
    | models.ValidationErrors
    | models.WebhookSubscription
    | models.WebhookSubscriptionEnvelope
    | str
    | None
):
    """Return `parsed` of `asyncio_detailed`: None for a status that the document does not describe."""
    return (await asyncio_detailed(client=client, body=body)).parsed
