# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from typing import Any

from ... import models
from ...client import AuthenticatedClient
from ...endpoints import Answer, answer_of, request_of
from ...kinds import ANYTHING, either, record, records
from ...types import Response

_ANSWERS = (
    Answer(
        200,
        200,
        "json",
        either(record(lambda: models.ActDataEnvelope), records(lambda: models.ActDataPoint)),
        "application/json",
    ),
    Answer(401, 401, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(403, 403, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(404, 404, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(429, 429, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "text", ANYTHING, "text/html"),
)


def request(uuid: str) -> dict[str, Any]:
    """Return the keywords of `httpx.Client.request`. Raises ValueError for a value that cannot be sent."""
    return request_of("get", "/api/1.0/acts/{uuid}/data", within={"uuid": uuid})


def sync_detailed(
    uuid: str, *, client: AuthenticatedClient
) -> Response[list[models.ActDataPoint] | models.ActDataEnvelope | models.ErrorMessage | str]:
    """Get the data points of an act.

    The values that were entered in the evaluation, one per field of its template.

    Args:
        client: Sends the request.
        uuid: The act's UUID, the `uuid` of an act.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and
            `client.raise_on_unexpected_status` is True.
        httpx.HTTPError: The request could not be sent, or took longer than `client` allows.
        ValueError: An argument cannot be sent, or the body is not what the document says for this
            status.
    """
    response = client.get_httpx_client().request(**request(uuid=uuid))
    return answer_of(response, client, _ANSWERS)


async def asyncio_detailed(
    uuid: str, *, client: AuthenticatedClient
) -> Response[list[models.ActDataPoint] | models.ActDataEnvelope | models.ErrorMessage | str]:
    """Do as `sync_detailed` does, awaited."""
    response = await client.get_async_httpx_client().request(**request(uuid=uuid))
    return answer_of(response, client, _ANSWERS)


def sync(
    uuid: str, *, client: AuthenticatedClient
) -> list[models.ActDataPoint] | models.ActDataEnvelope | models.ErrorMessage | str | None:
    """Return `parsed` of `sync_detailed`: None for a status that the document does not describe."""
    return sync_detailed(client=client, uuid=uuid).parsed


async def asyncio(
    uuid: str, *, client: AuthenticatedClient
) -> list[models.ActDataPoint] | models.ActDataEnvelope | models.ErrorMessage | str | None:
    """Return `parsed` of `asyncio_detailed`: None for a status that the document does not describe."""
    return (await asyncio_detailed(client=client, uuid=uuid)).parsed
