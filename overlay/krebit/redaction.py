"""Keep secrets out of sight: `Secret` holds one, `mask` cleans text that comes from a server or a user.

The vendor's guides ask for organisation numbers and contact data to be masked in logs. Tokens never belong there.
"""

import hmac
import re
from typing import NoReturn

_LIMIT = 300

_PATTERNS = (
    # Credentials in front of a host.
    (r"//[^/\s@]+@", "//***@"),
    # Before the next pattern, which would take the scheme for the secret.
    (r"(?i)\b(bearer|basic)\s+[^\s\"',;&}]+", r"\1 ***"),
    # JSON or form fields whose name says that the value is a secret.
    (
        r"""(?i)(["']?(?:[a-z_]*(?:token|secret|password|verifier)|code|authorization)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&}]+)""",
        r"\1***",
    ),
    # JSON Web Tokens, and long runs of hex, base64 or base64url. A UUID has its dashes early and stays readable.
    (r"\beyJ[\w-]+(?:\.[\w-]*){0,2}", "***"),
    (r"(?i)\bdef50200[0-9a-f]+", "***"),
    (r"(?<![\w+/=-])(?=[\w+/=-]*\d)(?![0-9a-fA-F]{8}-[0-9a-fA-F]{4}-)[\w+/=-]{32,}", "***"),
    (r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", "***@***"),
    # Swedish organisation and personal numbers, with or without century and dash, and as a VAT number.
    (r"(?<![\w-])(?:SE\d{12}|(?:\d{2})?\d{6}[-+\u2013 ]?\d{4})(?![\w-])", "******-****"),
    (r"(?:(?<![\w+])(?:\+|00)|%2B)\d[\d\s()-]{6,}\d", "+***"),
    (r"(?<![\w+.:-])\(?0\d{1,3}\)?[\s-]?\d[\d\s-]{4,}\d(?![\w-])", "0***"),
)


class Secret:
    """Hold a secret string. Its repr and text are `***`, and it refuses to be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: "str | Secret | None") -> None:
        if isinstance(value, Secret):
            value = value.reveal()
        self._value = value or ""

    def reveal(self) -> str:
        """Return the value itself. Hand it on; do not keep it in a local variable for longer than needed."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return False
        return hmac.compare_digest(self._value.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled; build the client anew in the other process")


def mask(text: str, limit: int = _LIMIT) -> str:
    """Return `text` on one line of at most `limit` characters, without secrets and personal data.

    Tokens, e-mail addresses, phone numbers and organisation numbers become stars.
    """
    # Cut generously first: the patterns need not run over a megabyte of HTML. The last word goes too, because half a
    # secret does not look like one.
    cut = text[: limit * 4]
    words = cut.split()
    if len(cut) < len(text) and len(words) > 1:
        words.pop()
    masked = " ".join(words)
    for pattern, replacement in _PATTERNS:
        masked = re.sub(pattern, replacement, masked)
    masked = "".join(char if char.isprintable() else "?" for char in masked)
    return masked if len(masked) <= limit else masked[: limit - 3] + "..."


def mask_path(path: str) -> str:
    """Return the path of a URL masked part by part: as a whole it would look like one long token."""
    return "/".join(mask(part, 100) for part in path[: _LIMIT * 4].split("/"))
