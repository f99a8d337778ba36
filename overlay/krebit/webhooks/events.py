"""What a delivery says: a typed event, or the open base type for whatever is not known yet."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from krebit.errors import WebhookError
from krebit.webhooks.signature import Headers, Secrets, SecretsLike

if TYPE_CHECKING:
    from krebit_api.models import Act

_LONGEST_ID = 100  # characters of JSON: so that a key fits into anybody's indexed column


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
        if self.id is None:
            return json.dumps([self.subscription, "body", self.digest])
        text = json.dumps(self.id)
        if len(text) > _LONGEST_ID:
            return json.dumps([self.subscription, "long id", sha256(text.encode()).hexdigest()])
        return json.dumps([self.subscription, "id", self.id])


@dataclass(frozen=True, slots=True)
class ActCreated(WebhookEvent):
    """`act.created`: a client was assessed. `data` is the act; read its amount with `krebit.money`."""

    data: "Act" = field(repr=False)


def verify(body: bytes, headers: Headers, secrets: SecretsLike) -> WebhookEvent:
    """The event that was delivered, if one of `secrets` signed it.

    `body` is what came, byte for byte; `headers` a mapping or pairs, str or bytes, in any case; `secrets` one secret,
    or several while rotating. Raises WebhookError, with the reason "signature" (answer 401) or "payload" (authentic,
    but not a JSON object: answer 400), and ConfigurationError for a blank secret.
    """
    return parse(body, Secrets(secrets).signer(body, headers))


def parse(body: bytes | bytearray, subscription: str) -> WebhookEvent:
    """The event in a body that has been verified. Raises WebhookError with the reason "payload"."""
    payload = _object(body)
    event, identity = payload.get("event"), payload.get("id")
    event = event if isinstance(event, str) else ""
    if not isinstance(identity, str | int) or isinstance(identity, bool) or identity == "":
        identity = None
    if event == "act.created" and (act := _act(payload)) is not None:
        return ActCreated(event, identity, subscription, payload, bytes(body), act)
    return WebhookEvent(event, identity, subscription, payload, bytes(body))


def _act(payload: dict[str, Any]) -> "Act | None":
    """The act, or None if the payload has another shape than the document says: then the event stays untyped."""
    from krebit_api.models import Act

    from krebit._body import Mismatch
    from krebit._fields import read_leniently

    data = payload.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("uuid"), str):
        return None
    try:
        return Act.from_dict(data)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        pass
    try:
        act: Act = read_leniently(Act, data, "data")  # other forms of time
    except Mismatch:
        return None
    return act


def _object(body: bytes | bytearray) -> dict[str, Any]:
    try:
        payload = _strict.decode(body.decode("utf-8"))
    except (ValueError, ArithmeticError, RecursionError):
        payload = None  # raised outside: the cause would show the body
    if not isinstance(payload, dict):
        raise WebhookError("the body is not a JSON object in UTF-8", reason="payload")
    return payload


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):  # two readers would see two different events (RFC 8259, section 4)
        raise ValueError("duplicate key")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_strict = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_members)
