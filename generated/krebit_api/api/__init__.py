# Generated from openapi.yaml by `make regenerate`; do not edit.
"""Every operation of the API as a typed method that hands over to one abstract method, `_send`.

Endpoint modules and models are loaded by the first call that needs them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from .. import models
from ..operations import Operation, body_of, optional_body_of
from ..results import NOTHING, RAW, Model, Result, many, one, page_of
from ..types import UNSET, File, Payload, Unset

T = TypeVar("T")

__all__ = (
    "NOTHING",
    "RAW",
    "AsyncOperations",
    "Model",
    "Operation",
    "Operations",
    "Result",
    "many",
    "one",
    "page_of",
    "optional_body_of",
    "File",
    "Payload",
)


class Operations(ABC):
    """The operations of the API."""

    __slots__ = ()

    @abstractmethod
    def _send(self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]) -> T:
        """Send what `request` makes of the arguments (keywords of `httpx.Client.request`); return what its success holds.

        `request` raises TypeError or ValueError for arguments that cannot be sent.
        """

    def get_current_user(self) -> models.CurrentUser:
        """Get the user who is signed in.

        An answer of 200 also proves that the access token is valid for this tenant.
        """
        from .users.get_current_user import request

        return self._send(
            Operation("get_current_user", "GET", "/api/1.0/me"),
            lambda: request(),
            one(models.CurrentUser, "id"),
        )

    def list_clients(self, *, limit: int | Unset = 10, page: int | Unset = 1) -> models.ClientPage:
        """List clients, one page at a time.

        The records hold the essential fields, and a single client has all fields. Metadata of the page
        stand beside `data`, in one of several shapes. Without metadata, a page shorter than `limit` is the
        last.

        Args:
            limit: Records per page.
            page: Number of the page, from 1. A page beyond the end is empty.

        Returns:
            One page of clients. The metadata stand in `meta` and `links`, or flat beside `data`
                (`current_page`, `per_page`, `last_page`, `total`, `next_page_url` and so on, kept as
                additional properties), or are missing (all three inferred).
        """
        from .clients.list_clients import request

        return self._send(
            Operation("list_clients", "GET", "/api/1.0/clients"),
            lambda: request(limit=limit, page=page),
            page_of(models.ClientPage),
        )

    def get_client(self, id: int) -> models.ClientRecord:
        """Get one client, with all its fields.

        This record has every field that the tenant keeps of the client. A record of the list has only the
        essential fields.

        Args:
            id: The client's number, the `id` of a client record.
        """
        from .clients.get_client import request

        return self._send(
            Operation("get_client", "GET", "/api/1.0/clients/{id}"),
            lambda: request(id=id),
            one(models.ClientRecord, "id"),
        )

    def get_latest_act(self, id: int) -> models.Act:
        """Get a client's most recent act.

        An act is a financial evaluation of a client. For a client without an act the answer is 404
        (inferred).

        Args:
            id: The client's number, the `id` of a client record.
        """
        from .acts.get_latest_act import request

        return self._send(
            Operation("get_latest_act", "GET", "/api/1.0/clients/{id}/acts/latest"),
            lambda: request(id=id),
            one(models.Act, "uuid"),
        )

    def get_act_data(self, uuid: str) -> list[models.ActDataPoint]:
        """Get the data points of an act.

        The values that were entered in the evaluation, one per field of its template.

        Args:
            uuid: The act's UUID, the `uuid` of an act.
        """
        from .acts.get_act_data import request

        return self._send(
            Operation("get_act_data", "GET", "/api/1.0/acts/{uuid}/data"),
            lambda: request(uuid=uuid),
            many(models.ActDataPoint),
        )

    @overload
    def create_webhook(self, *, body: models.WebhookStoreRequest) -> models.WebhookSubscription: ...
    @overload
    def create_webhook(self, *, event: str, target: str) -> models.WebhookSubscription: ...
    def create_webhook(
        self,
        *,
        body: models.WebhookStoreRequest | Unset = UNSET,
        event: str | Unset = UNSET,
        target: str | Unset = UNSET,
    ) -> models.WebhookSubscription:
        """Subscribe to an event.

        The answer has the secret that signs the deliveries. The server shows the secret only this once:
        store it securely. Not idempotent: two calls make two subscriptions.

        Args:
            event: The event to subscribe to. The API reference of a tenant has its list of events.
            target: The URL that events are posted to.
            body: Instead of event, target: A subscription to make.
        """
        from .webhooks.create_webhook import request

        return self._send(
            Operation("create_webhook", "POST", "/api/1.0/webhooks"),
            lambda: request(
                body=body_of(
                    models.WebhookStoreRequest, body, ("event", "target"), event=event, target=target
                )
            ),
            one(models.WebhookSubscription, "secret"),
        )


class AsyncOperations(ABC):
    """The operations of the API, awaited."""

    __slots__ = ()

    @abstractmethod
    def _send(
        self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]
    ) -> Awaitable[T]:
        """Send what `request` makes of the arguments (keywords of `httpx.Client.request`); return what its success holds.

        `request` raises TypeError or ValueError for arguments that cannot be sent.
        """

    async def get_current_user(self) -> models.CurrentUser:
        """Get the user who is signed in.

        An answer of 200 also proves that the access token is valid for this tenant.
        """
        from .users.get_current_user import request

        return await self._send(
            Operation("get_current_user", "GET", "/api/1.0/me"),
            lambda: request(),
            one(models.CurrentUser, "id"),
        )

    async def list_clients(self, *, limit: int | Unset = 10, page: int | Unset = 1) -> models.ClientPage:
        """List clients, one page at a time.

        The records hold the essential fields, and a single client has all fields. Metadata of the page
        stand beside `data`, in one of several shapes. Without metadata, a page shorter than `limit` is the
        last.

        Args:
            limit: Records per page.
            page: Number of the page, from 1. A page beyond the end is empty.

        Returns:
            One page of clients. The metadata stand in `meta` and `links`, or flat beside `data`
                (`current_page`, `per_page`, `last_page`, `total`, `next_page_url` and so on, kept as
                additional properties), or are missing (all three inferred).
        """
        from .clients.list_clients import request

        return await self._send(
            Operation("list_clients", "GET", "/api/1.0/clients"),
            lambda: request(limit=limit, page=page),
            page_of(models.ClientPage),
        )

    async def get_client(self, id: int) -> models.ClientRecord:
        """Get one client, with all its fields.

        This record has every field that the tenant keeps of the client. A record of the list has only the
        essential fields.

        Args:
            id: The client's number, the `id` of a client record.
        """
        from .clients.get_client import request

        return await self._send(
            Operation("get_client", "GET", "/api/1.0/clients/{id}"),
            lambda: request(id=id),
            one(models.ClientRecord, "id"),
        )

    async def get_latest_act(self, id: int) -> models.Act:
        """Get a client's most recent act.

        An act is a financial evaluation of a client. For a client without an act the answer is 404
        (inferred).

        Args:
            id: The client's number, the `id` of a client record.
        """
        from .acts.get_latest_act import request

        return await self._send(
            Operation("get_latest_act", "GET", "/api/1.0/clients/{id}/acts/latest"),
            lambda: request(id=id),
            one(models.Act, "uuid"),
        )

    async def get_act_data(self, uuid: str) -> list[models.ActDataPoint]:
        """Get the data points of an act.

        The values that were entered in the evaluation, one per field of its template.

        Args:
            uuid: The act's UUID, the `uuid` of an act.
        """
        from .acts.get_act_data import request

        return await self._send(
            Operation("get_act_data", "GET", "/api/1.0/acts/{uuid}/data"),
            lambda: request(uuid=uuid),
            many(models.ActDataPoint),
        )

    @overload
    async def create_webhook(self, *, body: models.WebhookStoreRequest) -> models.WebhookSubscription: ...
    @overload
    async def create_webhook(self, *, event: str, target: str) -> models.WebhookSubscription: ...
    async def create_webhook(
        self,
        *,
        body: models.WebhookStoreRequest | Unset = UNSET,
        event: str | Unset = UNSET,
        target: str | Unset = UNSET,
    ) -> models.WebhookSubscription:
        """Subscribe to an event.

        The answer has the secret that signs the deliveries. The server shows the secret only this once:
        store it securely. Not idempotent: two calls make two subscriptions.

        Args:
            event: The event to subscribe to. The API reference of a tenant has its list of events.
            target: The URL that events are posted to.
            body: Instead of event, target: A subscription to make.
        """
        from .webhooks.create_webhook import request

        return await self._send(
            Operation("create_webhook", "POST", "/api/1.0/webhooks"),
            lambda: request(
                body=body_of(
                    models.WebhookStoreRequest, body, ("event", "target"), event=event, target=target
                )
            ),
            one(models.WebhookSubscription, "secret"),
        )
