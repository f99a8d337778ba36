# Generated from openapi.yaml by `make regenerate`; do not edit.
"""Every operation of the API as a typed method that hands over to one abstract method, `_send`.

Endpoint modules and models are loaded by the first call that needs them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from ..types import Unset, read_many, read_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ..models.act import Act
    from ..models.act_data_point import ActDataPoint
    from ..models.client_page import ClientPage
    from ..models.client_record import ClientRecord
    from ..models.current_user import CurrentUser
    from ..models.webhook_store_request import WebhookStoreRequest
    from ..models.webhook_subscription import WebhookSubscription


class Model(Protocol):
    """A class that is read from a JSON object."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self: ...


T = TypeVar("T")
M = TypeVar("M", bound=Model)


class Operation(NamedTuple):
    """Which operation of the document is called, for errors and logs."""

    id: str
    method: str
    path: str


class Result(NamedTuple, Generic[T]):
    """How a success of an operation is read: `read` takes its JSON, and raises Mismatch where that is another."""

    model: type[Model] | None
    read: Callable[[Any], T]


def one(model: type[M], *required: str, optional: tuple[str, ...] = ()) -> Result[M]:
    """An object, bare or in an envelope.

    A bare one may have a key `data` too. It is known by the keys that it must have, or, if it need not have any, by one of
    those that it may have.
    """

    def read(content: Any) -> M:
        if not isinstance(content, dict) or "data" not in content:
            return model.from_dict(content)
        bare = content.keys() >= {*required} if required else not content.keys().isdisjoint(optional)
        return model.from_dict(content) if bare else read_one(model.from_dict, content["data"], "data")

    return Result(model, read)


def page_of(model: type[M]) -> Result[M]:
    """An object whose own `data` holds the records, or these as a bare list."""
    return Result(
        model, lambda content: model.from_dict({"data": content} if isinstance(content, list) else content)
    )


def many(model: type[M]) -> Result[list[M]]:
    """A list of objects, bare or in an envelope."""

    def read(content: Any) -> list[M]:
        name = "data" if isinstance(content, dict) and "data" in content else ""
        return read_many(model.from_dict, content["data"] if name else content, name)

    return Result(model, read)


NOTHING: Result[None] = Result(None, lambda _: None)
RAW: Result[Any] = Result(None, lambda content: content)

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
)


class Operations(ABC):
    """The operations of the API."""

    __slots__ = ()

    @abstractmethod
    def _send(self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]) -> T:
        """Send what `request` makes of the arguments (keywords of `httpx.Client.request`) and return what its success holds.

        It raises AttributeError, TypeError or ValueError for arguments that cannot be sent.
        """

    def get_current_user(
        self,
    ) -> CurrentUser:
        """Get the user who is signed in.

        An answer of 200 also proves that the access token is valid for this tenant.
        """
        from ..models.current_user import CurrentUser
        from .users.get_current_user import _get_kwargs

        return self._send(
            Operation("get_current_user", "GET", "/api/1.0/me"),
            lambda: _get_kwargs(),
            one(CurrentUser, "id"),
        )

    def list_clients(self, *, limit: int | Unset = 10, page: int | Unset = 1) -> ClientPage:
        """List clients, one page at a time.

        The records hold the essential fields; a single client has all. Metadata of the page stand beside
        `data`, in one of several shapes. Where there are none, a page shorter than `limit` is the last.

        Args:
            limit: Records per page.
            page: Number of the page, from 1. A page beyond the end is empty.

        Returns:
            One page of clients. The metadata stand in `meta` and `links`, or flat beside `data`
            (`current_page`, `per_page`, `last_page`, `total`, `next_page_url` and so on, kept as additional
            properties), or are missing (all three inferred).
        """
        from ..models.client_page import ClientPage
        from .clients.list_clients import _get_kwargs

        return self._send(
            Operation("list_clients", "GET", "/api/1.0/clients"),
            lambda: _get_kwargs(limit=limit, page=page),
            page_of(ClientPage),
        )

    def get_client(self, id: int) -> ClientRecord:
        """Get one client, with all its fields.

        The detail has every field that the tenant keeps of this client; the list has only the essential
        ones.

        Args:
            id: The client's number, the `id` of a client record.
        """
        from ..models.client_record import ClientRecord
        from .clients.get_client import _get_kwargs

        return self._send(
            Operation("get_client", "GET", "/api/1.0/clients/{id}"),
            lambda: _get_kwargs(id=id),
            one(ClientRecord, "id"),
        )

    def get_latest_act(self, id: int) -> Act:
        """Get a client's most recent act.

        An act is a financial evaluation of a client. A client that has none is answered with 404
        (inferred).

        Args:
            id: The client's number, the `id` of a client record.
        """
        from ..models.act import Act
        from .acts.get_latest_act import _get_kwargs

        return self._send(
            Operation("get_latest_act", "GET", "/api/1.0/clients/{id}/acts/latest"),
            lambda: _get_kwargs(id=id),
            one(Act, "uuid"),
        )

    def get_act_data(self, uuid: str) -> list[ActDataPoint]:
        """Get the data points of an act.

        The values that were entered in the evaluation, one per field of its template.

        Args:
            uuid: The act's UUID, the `uuid` of an act.
        """
        from ..models.act_data_point import ActDataPoint
        from .acts.get_act_data import _get_kwargs

        return self._send(
            Operation("get_act_data", "GET", "/api/1.0/acts/{uuid}/data"),
            lambda: _get_kwargs(uuid=uuid),
            many(ActDataPoint),
        )

    def create_webhook(self, *, body: WebhookStoreRequest) -> WebhookSubscription:
        """Subscribe to an event.

        Answers the subscription with the secret that signs its deliveries. The secret is shown this once:
        store it securely. Not idempotent: two calls make two subscriptions.

        Args:
            body: A subscription to make.
        """
        from ..models.webhook_subscription import WebhookSubscription
        from .webhooks.create_webhook import _get_kwargs

        return self._send(
            Operation("create_webhook", "POST", "/api/1.0/webhooks"),
            lambda: _get_kwargs(body=body),
            one(WebhookSubscription, "secret"),
        )


class AsyncOperations(ABC):
    """The operations of the API, awaited."""

    __slots__ = ()

    @abstractmethod
    def _send(
        self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]
    ) -> Awaitable[T]:
        """Send what `request` makes of the arguments (keywords of `httpx.Client.request`) and return what its success holds.

        It raises AttributeError, TypeError or ValueError for arguments that cannot be sent.
        """

    async def get_current_user(
        self,
    ) -> CurrentUser:
        """Get the user who is signed in.

        An answer of 200 also proves that the access token is valid for this tenant.
        """
        from ..models.current_user import CurrentUser
        from .users.get_current_user import _get_kwargs

        return await self._send(
            Operation("get_current_user", "GET", "/api/1.0/me"),
            lambda: _get_kwargs(),
            one(CurrentUser, "id"),
        )

    async def list_clients(self, *, limit: int | Unset = 10, page: int | Unset = 1) -> ClientPage:
        """List clients, one page at a time.

        The records hold the essential fields; a single client has all. Metadata of the page stand beside
        `data`, in one of several shapes. Where there are none, a page shorter than `limit` is the last.

        Args:
            limit: Records per page.
            page: Number of the page, from 1. A page beyond the end is empty.

        Returns:
            One page of clients. The metadata stand in `meta` and `links`, or flat beside `data`
            (`current_page`, `per_page`, `last_page`, `total`, `next_page_url` and so on, kept as additional
            properties), or are missing (all three inferred).
        """
        from ..models.client_page import ClientPage
        from .clients.list_clients import _get_kwargs

        return await self._send(
            Operation("list_clients", "GET", "/api/1.0/clients"),
            lambda: _get_kwargs(limit=limit, page=page),
            page_of(ClientPage),
        )

    async def get_client(self, id: int) -> ClientRecord:
        """Get one client, with all its fields.

        The detail has every field that the tenant keeps of this client; the list has only the essential
        ones.

        Args:
            id: The client's number, the `id` of a client record.
        """
        from ..models.client_record import ClientRecord
        from .clients.get_client import _get_kwargs

        return await self._send(
            Operation("get_client", "GET", "/api/1.0/clients/{id}"),
            lambda: _get_kwargs(id=id),
            one(ClientRecord, "id"),
        )

    async def get_latest_act(self, id: int) -> Act:
        """Get a client's most recent act.

        An act is a financial evaluation of a client. A client that has none is answered with 404
        (inferred).

        Args:
            id: The client's number, the `id` of a client record.
        """
        from ..models.act import Act
        from .acts.get_latest_act import _get_kwargs

        return await self._send(
            Operation("get_latest_act", "GET", "/api/1.0/clients/{id}/acts/latest"),
            lambda: _get_kwargs(id=id),
            one(Act, "uuid"),
        )

    async def get_act_data(self, uuid: str) -> list[ActDataPoint]:
        """Get the data points of an act.

        The values that were entered in the evaluation, one per field of its template.

        Args:
            uuid: The act's UUID, the `uuid` of an act.
        """
        from ..models.act_data_point import ActDataPoint
        from .acts.get_act_data import _get_kwargs

        return await self._send(
            Operation("get_act_data", "GET", "/api/1.0/acts/{uuid}/data"),
            lambda: _get_kwargs(uuid=uuid),
            many(ActDataPoint),
        )

    async def create_webhook(self, *, body: WebhookStoreRequest) -> WebhookSubscription:
        """Subscribe to an event.

        Answers the subscription with the secret that signs its deliveries. The secret is shown this once:
        store it securely. Not idempotent: two calls make two subscriptions.

        Args:
            body: A subscription to make.
        """
        from ..models.webhook_subscription import WebhookSubscription
        from .webhooks.create_webhook import _get_kwargs

        return await self._send(
            Operation("create_webhook", "POST", "/api/1.0/webhooks"),
            lambda: _get_kwargs(body=body),
            one(WebhookSubscription, "secret"),
        )
