"""Text that is safe to show: what comes from a server or a user, without what looks like a secret or personal data.

The guides ask for organisation numbers and contact data to be masked in logs; tokens never belong there at all.
"""

import re

_LIMIT = 300

_PATTERNS = (
    # Who asks, in front of a host.
    (r"//[^/\s@]+@", "//***@"),
    # Before the next, which would take the scheme for the secret.
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


def mask(text: str, limit: int = _LIMIT) -> str:
    """`text` on one line, cut to `limit` characters, with secrets, e-mail addresses, phone and organisation numbers
    masked."""
    # Cut generously first: the patterns need not run over a megabyte of HTML. The last word goes, as half a secret
    # looks like none.
    cut = text[: limit * 4]
    words = cut.split()
    text = " ".join(words[:-1] if len(cut) < len(text) and len(words) > 1 else words)
    for pattern, replacement in _PATTERNS:
        text = re.sub(pattern, replacement, text)  # which is compiled once, when it is first needed
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def mask_path(path: str) -> str:
    """The same for the path of a URL, part by part: as a whole it would look like one long token."""
    return "/".join(mask(part, 100) for part in path[: _LIMIT * 4].split("/"))
