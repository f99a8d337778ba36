# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from typing import Any

from ... import models
from ...client import AuthenticatedClient
from ...endpoints import Answer, answer_of, request_of
from ...kinds import ANYTHING, either, record
from ...types import Response

_ANSWERS = (
    Answer(
        200,
        200,
        "json",
        either(record(lambda: models.ClientRecordEnvelope), record(lambda: models.ClientRecord)),
        "application/json",
    ),
    Answer(401, 401, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(403, 403, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(404, 404, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(429, 429, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "text", ANYTHING, "text/html"),
)


def request(id: int) -> dict[str, Any]:
    """Return the keywords of `httpx.Client.request`. Raises ValueError for a value that cannot be sent."""
    return request_of("get", "/api/1.0/clients/{id}", within={"id": id})


def sync_detailed(
    id: int, *, client: AuthenticatedClient
) -> Response[models.ClientRecord | models.ClientRecordEnvelope | models.ErrorMessage | str]:
    """Get one client, with all its fields.

    This record has every field that the tenant keeps of the client. A record of the list has only the
    essential fields.

    Args:
        client: Sends the request.
        id: The client's number, the `id` of a client record.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and
            `client.raise_on_unexpected_status` is True.
        httpx.HTTPError: The request could not be sent, or took longer than `client` allows.
        ValueError: An argument cannot be sent, or the body is not what the document says for this
            status.
    """
    response = client.get_httpx_client().request(**request(id=id))
    return answer_of(response, client, _ANSWERS)


async def asyncio_detailed(
    id: int, *, client: AuthenticatedClient
) -> Response[models.ClientRecord | models.ClientRecordEnvelope | models.ErrorMessage | str]:
    """Do as `sync_detailed` does, awaited."""
    response = await client.get_async_httpx_client().request(**request(id=id))
    return answer_of(response, client, _ANSWERS)


def sync(
    id: int, *, client: AuthenticatedClient
) -> models.ClientRecord | models.ClientRecordEnvelope | models.ErrorMessage | str | None:
    """Return `parsed` of `sync_detailed`: None for a status that the document does not describe."""
    return sync_detailed(client=client, id=id).parsed


async def asyncio(
    id: int, *, client: AuthenticatedClient
) -> models.ClientRecord | models.ClientRecordEnvelope | models.ErrorMessage | str | None:
    """Return `parsed` of `asyncio_detailed`: None for a status that the document does not describe."""
    return (await asyncio_detailed(client=client, id=id)).parsed
