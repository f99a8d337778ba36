"""The signature of a delivery: `X-Signature` is the hex HMAC-SHA256 of the raw body, with the subscription's secret.

Nothing else is signed: neither a time nor `X-Client-Id`, which routes and proves nothing (webhooks guide).
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from krebit.errors import ConfigurationError, WebhookError

Secret: TypeAlias = str | bytes
SecretsLike: TypeAlias = Secret | Iterable[Secret] | Mapping[str, Secret | Iterable[Secret]]
Headers: TypeAlias = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]

_DIGITS = re.compile(rb"(?:sha256=)?\s*([0-9A-Fa-f]{64})")


def sign(body: bytes, secret: Secret) -> str:
    """Return the `X-Signature` that Krebit sends with `body`: 64 lower-case hex digits. For tests of your receiver."""
    return hmac.digest(_key(secret), body, "sha256").hex()


def signers(secrets: SecretsLike) -> list[tuple[str, hmac.HMAC]]:
    """Return who may sign a delivery: for each secret, the subscription's name and an HMAC to copy.

    An HMAC neither shows its secret nor can be pickled. Raises ConfigurationError for no secret, a blank secret, and a
    name that is not a text.
    """
    named: Mapping[Any, object] = secrets if isinstance(secrets, Mapping) else {"": secrets}
    if not all(isinstance(name, str) for name in named):
        raise ConfigurationError("the name of a webhook's subscription must be a text")
    keys = [(name, _key(secret)) for name, some in named.items() for secret in _several(some)]
    if not keys:
        raise ConfigurationError("no webhook secret is configured")
    return [(name, hmac.new(key, digestmod="sha256")) for name, key in keys]


def signer(body: bytes | bytearray, headers: Headers, among: Iterable[tuple[str, hmac.HMAC]]) -> str:
    """Return the name of the subscription whose secret signed `body`.

    Raises WebhookError with the reason "signature".
    """
    if not body or not isinstance(body, bytes | bytearray):
        # The same JSON, decoded or serialised anew, has other bytes and so another signature.
        raise WebhookError("the body is empty, or not the bytes that were received", reason="signature")
    found = _signatures(headers)
    digits = _DIGITS.fullmatch(found[0]) if len(found) == 1 else None
    if digits is None:
        raise WebhookError("there must be one X-Signature header, of 64 hex digits", reason="signature")
    signature = bytes.fromhex(digits[1].decode())
    for name, keyed in among:
        mac = keyed.copy()
        mac.update(body)
        if hmac.compare_digest(mac.digest(), signature):
            return name
    raise WebhookError("no known secret gives this body the signature it came with", reason="signature")


def _signatures(headers: Headers) -> list[bytes]:
    """Return the value of each X-Signature header, without white space around it."""
    items: Any = getattr(headers, "items", None)  # which more than mappings have, `email.message.Message` for one
    try:
        pairs: Any = headers if items is None else items()
        return [_ascii(value).strip() for name, value in pairs if _ascii(name).lower() == b"x-signature"]
    except (TypeError, ValueError):
        return []


def _several(secrets: object) -> Iterable[object]:
    """Return each of a subscription's secrets."""
    if isinstance(secrets, Iterable) and not isinstance(secrets, str | bytes):
        return secrets
    return [secrets]


def _key(secret: object) -> bytes:
    """Return the bytes exactly as given: a newline belongs to a secret, and so do undecodable bytes of a variable."""
    if isinstance(secret, str | bytes) and secret.strip():
        try:
            return secret.encode("utf-8", "surrogateescape") if isinstance(secret, str) else secret
        except UnicodeEncodeError:
            pass  # raised outside: the cause would show the secret
    raise ConfigurationError("a webhook secret is empty, blank, or a text that cannot be encoded")


def _ascii(text: object) -> bytes:
    """Return a header's text. A character beyond ASCII becomes `?`, which no name and no hex number contains."""
    if isinstance(text, str):
        return text.encode("ascii", "replace")
    return text if isinstance(text, bytes) else b""
