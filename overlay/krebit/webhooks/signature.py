"""The signature of a delivery: `X-Signature` is the hex HMAC-SHA256 of the raw body, with the subscription's secret.

Nothing else is signed, neither a time nor `X-Client-Id`: that header routes and proves nothing (webhooks guide).
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from krebit.errors import ConfigurationError, WebhookError
from krebit.redaction import Secret

SecretLike: TypeAlias = str | bytes
SecretsLike: TypeAlias = SecretLike | Iterable[SecretLike] | Mapping[str, SecretLike | Iterable[SecretLike]]
Headers: TypeAlias = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]

_DIGITS = re.compile(rb"(?:sha256=)?\s*([0-9A-Fa-f]{64})")
_NO_KEY = "a webhook secret is empty, blank, or not a text that can be encoded; pass the one that Krebit showed once"


class Signer(NamedTuple):
    """Someone who may sign deliveries: a subscription's name, an HMAC to copy, and the secret.

    The secret is kept so that it is masked in texts. Neither it nor the HMAC shows it or can be pickled.
    """

    name: str
    keyed: hmac.HMAC
    secret: Secret


def sign(body: bytes, secret: SecretLike) -> str:
    """Return the `X-Signature` that Krebit sends with `body`: 64 lower-case hex digits. For tests of your receiver."""
    key = _key(secret)
    if key is None:
        raise ConfigurationError(_NO_KEY)
    return hmac.digest(key, body, "sha256").hex()


def signers(secrets: SecretsLike) -> list[Signer]:
    """Return a signer for each secret.

    Raises ConfigurationError for no secret, a blank secret, and a name that is not a text.
    """
    found, problem = _read_secrets(secrets)
    del secrets  # a traceback that shows local variables must not show them
    if problem:
        raise ConfigurationError(problem)
    return found


def _read_secrets(secrets: SecretsLike) -> tuple[list[Signer], str | None]:
    """Return a signer for each secret, and the problem with the secrets if there is one."""
    named: Mapping[Any, object] = secrets if isinstance(secrets, Mapping) else {"": secrets}
    found: list[Signer] = []
    for name, some in named.items():
        if not isinstance(name, str):
            return [], "the name of a webhook's subscription must be a text"
        for secret in _several(some):
            key = _key(secret)
            if key is None:
                return [], _NO_KEY
            text = key.decode("utf-8", "surrogateescape")
            found.append(Signer(name, hmac.new(key, digestmod="sha256"), Secret(text)))
    return found, None if found else "no webhook secret is configured"


def signer(body: bytes | bytearray, headers: Headers, among: Iterable[Signer]) -> str:
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
    for each in among:
        mac = each.keyed.copy()
        mac.update(body)
        if hmac.compare_digest(mac.digest(), signature):
            return each.name
    raise WebhookError(
        "the X-Signature header does not match this body and any known secret; check the secret, and whether "
        "something changed the body",
        reason="signature",
    )


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


def _key(secret: object) -> bytes | None:
    """Return the bytes exactly as given, or None for a secret that cannot be one.

    A newline belongs to a secret, and so do undecodable bytes of a variable.
    """
    if isinstance(secret, str):
        try:
            secret = secret.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return None
    return secret if isinstance(secret, bytes) and secret.strip() else None


def _ascii(text: object) -> bytes:
    """Return a header's text. A character beyond ASCII becomes `?`, which no name and no hex number contains."""
    if isinstance(text, str):
        return text.encode("ascii", "replace")
    return text if isinstance(text, bytes) else b""
