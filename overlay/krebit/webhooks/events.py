"""What a delivery says: a typed event, or the open base type for whatever is not known yet."""

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


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified delivery.

    `event`: what happened, such as `act.created`; empty if the payload does not say · `id`: the payload's own, or None
    · `subscription`: the name, given with the secrets, of the one that signed it · `payload`: all that was sent, with
    fractions as `Decimal` · `body`: the bytes that were signed. The repr leaves these two out: they hold personal data.
    """

    event: str
    id: str | int | None
    subscription: str
    payload: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the body, in hex."""
        return sha256(self.body).hexdigest()

    @property
    def key(self) -> str:
        """What it is remembered by: the subscription with the id, or the body's hash where there is no id. ASCII."""
        return json.dumps([self.subscription, *(["body", self.digest] if self.id is None else ["id", self.id])])


@dataclass(frozen=True, slots=True)
class ActCreated(WebhookEvent):
    """`act.created`: a client was assessed. `data` is the act; read its amount with `krebit.money`."""

    data: Act = field(repr=False)


def verify(body: bytes, headers: Headers, secrets: SecretsLike) -> WebhookEvent:
    """The event that was delivered, if one of `secrets` signed it.

    `body` is what came, byte for byte; `headers` a mapping or pairs, str or bytes, in any case; `secrets` one secret,
    or several while rotating. Raises WebhookError, with the reason "signature" (answer 401) or "payload" (authentic,
    but not a JSON object: answer 400), and ConfigurationError for a blank secret.
    """
    among = signers(secrets)
    del secrets  # a traceback that shows local variables must not show them
    return parse(body, signer(body, headers, among))


def parse(body: bytes | bytearray, subscription: str) -> WebhookEvent:
    """The event in a body that has been verified. Raises WebhookError with the reason "payload"."""
    try:
        payload = _strict.decode(body.decode("utf-8"))
    except (ValueError, ArithmeticError, RecursionError):
        payload = None  # raised outside: the cause would show the body
    if not isinstance(payload, dict):
        raise WebhookError("the body is not a JSON object in UTF-8", reason="payload")
    event, identity = payload.get("event"), payload.get("id")
    if not isinstance(identity, str | int) or isinstance(identity, bool) or identity == "":
        identity = None
    known = (event if isinstance(event, str) else "", identity, subscription, payload, bytes(body))
    if event == "act.created":
        with suppress(Mismatch):  # another shape than the document says: then the event stays untyped
            return ActCreated(*known, Act.from_dict(payload.get("data", {})))
    return WebhookEvent(*known)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):  # two readers would see two different events (RFC 8259, section 4)
        raise ValueError("duplicate key")
    return members


# NaN and Infinity are not JSON, and no `int` either: ValueError.
_strict = json.JSONDecoder(parse_float=Decimal, parse_constant=int, object_pairs_hook=_members)
