# Generated from openapi.yaml by `make regenerate`; do not edit.
from __future__ import annotations

from typing import Any

from ... import models
from ...client import AuthenticatedClient
from ...endpoints import Answer, answer_of, request_of
from ...kinds import ANYTHING, record
from ...types import Response, Unset

_ANSWERS = (
    Answer(200, 200, "json", record(lambda: models.ClientPage), "application/json"),
    Answer(400, 400, "json", record(lambda: models.ValidationErrors), "application/json"),
    Answer(401, 401, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(403, 403, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(422, 422, "json", record(lambda: models.ValidationErrors), "application/json"),
    Answer(429, 429, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "json", record(lambda: models.ErrorMessage), "application/json"),
    Answer(500, 599, "text", ANYTHING, "text/html"),
)


def request(*, limit: int | Unset = 10, page: int | Unset = 1) -> dict[str, Any]:
    """Return the keywords of `httpx.Client.request`. Raises ValueError for a value that cannot be sent."""
    return request_of("get", "/api/1.0/clients", query={"limit": limit, "page": page})


def sync_detailed(
    *, client: AuthenticatedClient, limit: int | Unset = 10, page: int | Unset = 1
) -> Response[models.ClientPage | models.ErrorMessage | models.ValidationErrors | str]:
    """List clients, one page at a time.

    The records hold the essential fields, and a single client has all fields. Metadata of the page
    stand beside `data`, in one of several shapes. Without metadata, a page shorter than `limit` is the
    last.

    Args:
        client: Sends the request.
        limit: Records per page.
        page: Number of the page, from 1. A page beyond the end is empty.

    Returns:
        Status, headers and body, with what was read from it in `parsed`.

    Raises:
        errors.UnexpectedStatus: The status is not described, and
            `client.raise_on_unexpected_status` is True.
        httpx.HTTPError: The request could not be sent, or took longer than `client` allows.
        ValueError: An argument cannot be sent, or the body is not what the document says for this
            status.
    """
    response = client.get_httpx_client().request(**request(limit=limit, page=page))
    return answer_of(response, client, _ANSWERS)


async def asyncio_detailed(
    *, client: AuthenticatedClient, limit: int | Unset = 10, page: int | Unset = 1
) -> Response[models.ClientPage | models.ErrorMessage | models.ValidationErrors | str]:
    """Do as `sync_detailed` does, awaited."""
    response = await client.get_async_httpx_client().request(**request(limit=limit, page=page))
    return answer_of(response, client, _ANSWERS)


def sync(
    *, client: AuthenticatedClient, limit: int | Unset = 10, page: int | Unset = 1
) -> models.ClientPage | models.ErrorMessage | models.ValidationErrors | str | None:
    """Return `parsed` of `sync_detailed`: None for a status that the document does not describe."""
    return sync_detailed(client=client, limit=limit, page=page).parsed


async def asyncio(
    *, client: AuthenticatedClient, limit: int | Unset = 10, page: int | Unset = 1
) -> models.ClientPage | models.ErrorMessage | models.ValidationErrors | str | None:
    """Return `parsed` of `asyncio_detailed`: None for a status that the document does not describe."""
    return (await asyncio_detailed(client=client, limit=limit, page=page)).parsed
