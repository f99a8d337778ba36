"""Hide secrets of others and personal data, known by their form, in texts from a server or a user.

Each step reads the text once from left to right. No pattern repeats a part that can match in two ways, which would take
exponential time.
"""

import base64
import binascii
import re

HIDDEN = "***"

# --- credentials that their scheme shows ------------------------------------------------------------------------------

_URL_CREDENTIALS = re.compile(r"//[^/\s]+@")
_GAP = r"(?:[\s:=+\"']|%(?:25)?20|\\u0020)++"
# A letter before the scheme makes it a part of another word, but for the letter of an escaped line break (`\n`).
_SCHEME = rf"(?i)(?:(?<![a-z])|(?<=\\[nrt]))(bearer|basic){_GAP}"
_CREDENTIALS = re.compile(_SCHEME + r"([^\s\"',;&}<]+)")
_PROSE = re.compile(
    r"(?:auth|authentication|authorization|credentials|header|is|of|or|and|plan|required|missing|scheme|tokens?)[.:!?]?",
    re.IGNORECASE,
)
# RFC 6750, 3: a challenge's parameters say what is wrong.
_CHALLENGE = ("realm=", "error=", "error_description=", "error_uri=", "scope=", "charset=")


def hide_credentials(text: str) -> str:
    """Return `text` without the credentials of URLs and of the Authorization header."""
    return _CREDENTIALS.sub(_hide_credential, _URL_CREDENTIALS.sub(f"//{HIDDEN}@", text))


def _hide_credential(found: re.Match[str]) -> str:
    scheme, value = found.groups()
    if scheme.lower() == "basic" and not _is_basic(value):
        return found[0]
    if _PROSE.fullmatch(value) or value.lower().startswith(_CHALLENGE):
        return found[0]
    return f"{scheme} {HIDDEN}"


def _is_basic(value: str) -> bool:
    """Return whether a value is the base64 of `user:password` (RFC 7617)."""
    plain = value.rstrip("=.").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return b":" in base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        return False


# --- values whose name says that they are secret ----------------------------------------------------------------------

_QUOTES = r"\\*+(?:[\"'`]|u002[27])|%(?:25)?2[27]|&(?:quot|apos|#0?3[49]|#x2[27]);"
_QUOTE = re.compile(_QUOTES, re.IGNORECASE)
_NAMED = re.compile(
    rf"(?<![\w.-])(?<!</)([\w.-]++)((?:{_QUOTES})?(?:\]|%(?:25)?5d)? ?(?:=>|->|[:=>]|%(?:25)?3[ad]) ?)", re.IGNORECASE
)
_BARE = re.compile(r"[^\s,;&}<]+")
_BEGINNING = re.compile(r"[^\s,;&}<]{1,64}")
_TWO_WORDS = re.compile(r"[^\s,;&}<]+(?: [^\s,;&}<]+)?")
_SECRET_NAME = re.compile(
    r"token|secret(?!ar)|passw|pwd|passphrase|verifier|credential|authorization|cookie|jwt|sessionid"
    r"|(?:api|access|private|signing|encryption|auth)key|auth(?:orization)?code"
    r"|orgs?(?:number|nummer|nr)|organi[sz]ations?(?:number|nummer|nr)|person(?:al)?(?:number|nummer|nr)"
)
# Names that only speak of a secret: `token_type`, `authorization_endpoint`.
_ABOUT = re.compile(r"(?:type|endpoint|url|uri|expires|expiresin|expiresat|expiry|lifetime|ttl|count|limit|length)$")
_KEY_OF = ("api ", "access ", "private ", "secret ", "signing ")
# Values that speak of a secret, such as `expired`, and are not one.
_STATES = re.compile(
    r"(?:an?|any|at|cannot|could|does|expired|false|for|has|header|in|invalid|is|it|malformed|mismatch|missing|must|no"
    r"|none|not|null|of|or|required|revoked|should|the|this|true|undefined|unknown|was)[.!\]]*",
    re.IGNORECASE,
)
_CLOSING = {"[": "]", "{": "}"}


def hide_named_values(text: str) -> str:
    """Return `text` without the values whose name says that they are secret, in JSON, forms, headers and prose."""
    kept: list[str] = []
    position = 0
    found = _NAMED.search(text)
    while found:
        start = found.end()
        stop = _end_of_secret(text, found)
        if stop > start:
            words = text[start:stop].count(" ") + 1 if "authorization" in found[1].lower() else 1
            kept += [text[position:start], " ".join([HIDDEN] * words)]
            position = stop
        found = _NAMED.search(text, max(start, stop))
    return "".join([*kept, text[position:]])


def is_secret_name(name: str) -> bool:
    """Return whether the value of a field or header of this name is secret."""
    plain = re.sub(r"[\W_]", "", name).lower()
    return bool(_SECRET_NAME.search(plain)) and not _ABOUT.search(plain)


def _end_of_secret(text: str, found: re.Match[str]) -> int:
    """Return where the named value ends, or 0 if it is not secret."""
    name = found[1].lower()
    start = found.end()
    if name == "key":
        is_secret = text[max(0, found.start() - 8) : found.start()].lower().endswith(_KEY_OF)
    elif name == "code":
        is_secret = _is_code(_beginning(text, start), found[2])
    else:
        is_secret = is_secret_name(name)
    if not is_secret or _STATES.fullmatch(_beginning(text, start)):
        return 0
    return _end_of_value(text, start, name)


def _beginning(text: str, start: int) -> str:
    """Return the first word of a value, or the part of it that is enough to judge it."""
    found = _BEGINNING.match(text, start)
    return found[0] if found else ""


def _end_of_value(text: str, start: int, name: str) -> int:
    opening = _QUOTE.match(text, start)
    if opening:
        return _end_of_quoted(text, opening)
    if text[start : start + 1] in _CLOSING:
        return _end_of_bracket(text, start)
    if "cookie" in name:
        return len(text)
    pattern = _TWO_WORDS if "authorization" in name else _BARE
    found = pattern.match(text, start)
    return found.end() if found else start


def _end_of_quoted(text: str, opening: re.Match[str]) -> int:
    """Return the end of a quoted value: the next quote that is escaped as the opening one is."""
    stop = text.find(opening[0], opening.end())
    while stop > 0 and text[stop - 1] == "\\":
        stop = text.find(opening[0], stop + 1)
    return len(text) if stop < 0 else stop + len(opening[0])


def _end_of_bracket(text: str, start: int) -> int:
    opening, closing = text[start], _CLOSING[text[start]]
    depth = 0
    for position in range(start, len(text)):
        if text[position] == opening:
            depth += 1
        if text[position] == closing:
            depth -= 1
        if depth == 0:
            return position + 1
    return len(text)


def _is_code(value: str, separator: str) -> bool:
    """Return whether the value of a name `code` is an authorization code, and not the code of an error."""
    value = value.strip("\"'\\")
    if "=" in separator or "%" in separator:
        return not value.isdecimal()
    return len(value) >= 10 and bool(re.search(r"\d", value)) and bool(re.search(r"[a-z]", value))


# --- tokens that show by themselves -----------------------------------------------------------------------------------

_UUID = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE
)
# JSON Web Tokens, and the refresh tokens and codes of this family of servers.
_TOKEN = re.compile(r"(?<![^\W\d_])eyJ[\w-]{6,}(?:\.[\w-]+)?(?:\.[\w-]*)?|def50200[0-9a-f]*", re.IGNORECASE)
# Long runs of hex, base64 or base64url.
_RUN = re.compile(r"(?<![\w+/=-])[\w+/=-]{32,}")


def hide_tokens(text: str) -> str:
    """Return `text` without tokens that have a form of their own."""
    return _TOKEN.sub(HIDDEN, text)


def hide_runs(text: str) -> str:
    """Return `text` without runs so long that they are a key or a token. UUIDs stay readable."""
    return _RUN.sub(_hide_run, text)


def _hide_run(found: re.Match[str]) -> str:
    rest = _UUID.sub("", found[0])
    return HIDDEN if len(rest) >= 32 and re.search(r"\d", rest) else found[0]


# --- personal data ----------------------------------------------------------------------------------------------------

_EMAIL = re.compile(r"(?<![\w.+%-])(?:[\w.+-]|%(?!40))++(?:@|%40)[\w-]++\.[\w.-]*\w")
# Hyphens and dashes as Unicode, URLs, JSON and HTML write them.
_DASH = (
    r"(?:[-+\u00b7\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]|%(?:25)?2[BbDd]|%[Ee]2%80%9[0-5]"
    r"|\\u201[0-5]|\\u2212|&(?:[nm]dash|minus|#8\d{3}|#x20[0-9a-fA-F]{2});)"
)
_NUMBER = re.compile(
    rf"(?P<uuid>{_UUID.pattern})"
    rf"|(?P<vat>(?<![a-z0-9])SE[- ]?\d{{6}}{_DASH}?\d{{4}}(?: ?01)?(?!\d))"
    rf"|(?<!\d)(?<!\d[.])(?P<century>\d\d[- ]?)?(?P<date>\d{{6}}|\d{{3}} \d{{3}})"
    rf"(?P<dash>{_DASH}| ?- ?|%(?:25)?20|%2[Ff]|[ /])?(?P<last>\d{{4}})(?!\d)(?![.]\d)",
    re.IGNORECASE,
)
_SPACE = r"(?:[\s().\u00b7/\-\u2010-\u2015\u2212]|%(?:25)?2[0DdFf])"
_ABROAD = re.compile(
    rf"(?:(?<![\w+])(?:\+|00)|%(?:25)?2[Bb]|\\u002[Bb])(?:\(0\))?\d(?:\d|{_SPACE}){{6,24}}(?<=\d)(?!\w)"
)
_AT_HOME = re.compile(rf"(?<![A-Za-z0-9+])(?<!\d[-:.,/])\(?0\d{{1,3}}\)?(?:\d|{_SPACE}){{5,18}}(?<=\d)(?!\w)")
_CENTURIES = ("16", "18", "19", "20")


def hide_personal_data(text: str) -> str:
    """Return `text` without e-mail addresses, Swedish organisation and personal numbers, and telephone numbers."""
    text = _EMAIL.sub("***@***", text)
    text = _NUMBER.sub(_hide_number, text)
    # A UUID may hold digits in the form of a telephone number: only the text between UUIDs is looked at.
    pieces = []
    start = 0
    for uuid in _UUID.finditer(text):
        pieces += [_hide_phones(text[start : uuid.start()]), uuid[0]]
        start = uuid.end()
    return "".join([*pieces, _hide_phones(text[start:])])


def _hide_phones(text: str) -> str:
    text = _ABROAD.sub("+***", text)
    return _AT_HOME.sub(_hide_phone, text)


def _hide_number(found: re.Match[str]) -> str:
    if found["uuid"]:
        return found[0]
    if found["vat"]:
        return "******-****"
    century = (found["century"] or "").strip(" -")
    if century and century not in _CENTURIES:
        return found[0]
    dashed = found["dash"] not in (None, " ", "/") and " " not in found["date"]
    if dashed or _is_plausible(found["date"].replace(" ", "") + found["last"]):
        return "******-****"
    return found[0]


def _is_plausible(number: str) -> bool:
    """Return whether ten digits without a dash look like an organisation or a personal number.

    The first six of a personal number are a date; 60 is added to the day of a coordination number. An organisation
    number has 20 or more in place of the month, and a check digit; 556 to 559 begin those of limited companies.
    """
    month, day = int(number[2:4]), int(number[4:6])
    if 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91):
        return True
    return month >= 20 and (number.startswith(("556", "557", "558", "559")) or _has_check_digit(number))


def _has_check_digit(number: str) -> bool:
    """Return whether the last digit is right (Luhn's algorithm)."""
    total = 0
    for place, digit in enumerate(number):
        product = int(digit) * (1 if place % 2 else 2)
        total += product // 10 + product % 10
    return total % 10 == 0


def _hide_phone(found: re.Match[str]) -> str:
    groups = [len(group) for group in re.findall(r"\d+", re.sub(r"%(?:25)?2\w", " ", found[0]))]
    is_date = groups == [2, 2, 4]
    return "0***" if 8 <= sum(groups) <= 11 and not is_date else found[0]
