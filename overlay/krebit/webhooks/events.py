"""The content of a delivery: a typed event, or the base type for an event that this library does not know."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from krebit.errors import WebhookError
from krebit.webhooks.signature import Headers, SecretsLike, signer, signers
from krebit_api.models import Act
from krebit_api.types import Mismatch

_LONG = 200


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified delivery.

    `event`: the event's name, such as `act.created`, or "" · `id`: the payload's own, or None · `subscription`: the
    name, given with the secrets, of the subscription that signed it · `payload`: the whole content, with fractions as
    `Decimal` · `body`: the signed bytes. The repr leaves the last two out: they hold personal data.
    """

    event: str
    id: str | int | None
    subscription: str
    payload: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the body, in hex."""
        return sha256(self.body).hexdigest()

    @property
    def key(self) -> str:
        """Return the delivery's name in an inbox: the subscription with the id, or with the body's hash if it has none.

        It is ASCII, and short whatever the id is.
        """
        if self.id is None:
            return json.dumps([self.subscription, "body", self.digest])
        identity = json.dumps(self.id)
        if len(identity) > _LONG:
            return json.dumps([self.subscription, "long id", sha256(identity.encode()).hexdigest()])
        return json.dumps([self.subscription, "id", self.id])


@dataclass(frozen=True, slots=True)
class ActCreated(WebhookEvent):
    """`act.created`: a client was assessed. `data` is the act."""

    data: Act = field(repr=False)


def verify(body: bytes, headers: Headers, secrets: SecretsLike) -> WebhookEvent:
    """Return the delivered event if one of `secrets` signed it.

    `body` is the received bytes, unchanged; `headers` a mapping or pairs, str or bytes, in any case; `secrets` one
    secret, or several while you change it. Raises WebhookError with the reason "signature" (answer 401) or "payload"
    (authentic, but not a JSON object: answer 400), and ConfigurationError for a blank secret.
    """
    try:
        among = signers(secrets)
    finally:
        del secrets  # a traceback that shows local variables must not show them
    return parse(body, signer(body, headers, among))


def parse(body: bytes | bytearray, subscription: str) -> WebhookEvent:
    """Return the event in a verified body. Raises WebhookError with the reason "payload"."""
    try:
        payload = _strict.decode(body.decode("utf-8"))
    except (ValueError, ArithmeticError, RecursionError):
        payload = None  # the error is raised below: here its context would show the body
    if not isinstance(payload, dict):
        raise WebhookError("the body is not a JSON object in UTF-8", reason="payload")
    event = payload.get("event")
    name = event if isinstance(event, str) else ""
    known = (name, _identity(payload), subscription, payload, bytes(body))
    if name == "act.created":
        with suppress(Mismatch):  # an act of another shape than the document's leaves the event untyped
            return ActCreated(*known, Act.from_dict(payload.get("data", {})))
    return WebhookEvent(*known)


def parse_stored(key: str, body: bytes) -> WebhookEvent:
    """Return the event that an inbox keeps under `key`."""
    subscription: str = json.loads(key)[0]
    return parse(body, subscription)


def _identity(payload: dict[str, Any]) -> str | int | None:
    """Return the payload's id, or None if that is neither a text nor an integer."""
    found = payload.get("id")
    if isinstance(found, bool) or found == "":
        return None
    return found if isinstance(found, str | int) else None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):  # two readers would see two different events (RFC 8259, section 4)
        raise ValueError("duplicate key")
    return members


# `int` refuses NaN and Infinity, which are not JSON, with a ValueError.
_strict = json.JSONDecoder(parse_float=Decimal, parse_constant=int, object_pairs_hook=_members)
