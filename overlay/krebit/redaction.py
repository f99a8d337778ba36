"""Keep secrets out of sight: `Secret` holds one, `mask` cleans text that comes from a server or a user.

The secrets that this process holds are masked exactly, wherever they stand, as they are or in a common encoding. The
rest is known by its form (`krebit.patterns`). The vendor's guides ask for organisation numbers and contact data to be
masked in logs. Tokens never belong there.
"""

import base64
import hmac
import html
import json
import re
import unicodedata
import urllib.parse
import weakref
from collections.abc import Iterable
from typing import NoReturn

from krebit import patterns

_LIMIT = 300
# Characters beyond the limit that are looked at for a secret that begins before it.
_MARGIN = 8192
# Values that may be a part of any word are masked only where they stand alone.
_PART_OF_A_WORD = re.compile(r"\w{1,3}|[^\W\d_]{4,7}")
# Headers that hold the id of a request, which is no secret, and headers that hold a number, which is nobody's.
_IDS = re.compile("request-id|correlation-id|trace|etag")
_COUNTS = re.compile("rate-?limit|^retry-after$|^content-length$|^age$")
_LONGEST_COUNT = 13
_LONGEST_HEADER = 1000
# Bytes of a value whose base64 is long enough to be told from a word.
_BASE64 = 6
# Characters at the beginning of a secret by which it is looked for. No form is shorter than the value itself.
_START = 8


class Secret:
    """Hold a secret string. Its repr and text are `***`, and it refuses to be pickled."""

    __slots__ = ("__weakref__", "_forms", "_starts", "_value")

    def __init__(self, value: "str | Secret | None") -> None:
        if isinstance(value, Secret):
            value = value.reveal()
        if not isinstance(value, str | None):
            # A value of another type would break the masking of every text in the process.
            raise TypeError("a secret must be a text")
        self._value = value or ""
        self._forms: tuple[str, ...] = ()
        self._starts: frozenset[str] = frozenset()
        if self._value:
            _live[id(self)] = self

    def reveal(self) -> str:
        """Return the value itself. Hand it on; do not keep it in a local variable for longer than needed."""
        return self._value

    def forms(self) -> tuple[str, ...]:
        """Return the value as it is, and as URLs, JSON, HTML and base64 write it."""
        if not self._forms:
            self._forms = _forms(self._value)
        return self._forms

    def may_stand_in(self, starts: "frozenset[str] | set[str]") -> bool:
        """Return whether a text may hold a form of this secret. `starts` are all runs of eight characters in it."""
        if len(self._value) < _START:
            return True
        if not self._starts:
            self._starts = frozenset(form[:_START] for form in self.forms())
        return not self._starts.isdisjoint(starts)

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


# All secrets that this process holds. Equal ones are separate entries: one may be deleted before the other.
_live: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()


def _forms(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    encoded = value.encode("utf-8", "surrogatepass")
    forms = {value, html.escape(value)}
    for quoted in (urllib.parse.quote(encoded), urllib.parse.quote(encoded, safe=""), urllib.parse.quote_plus(encoded)):
        forms |= {quoted, re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)}
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        # PHP escapes slashes. A text in JSON in a text is escaped twice.
        forms |= {text, text.replace("/", r"\/"), json.dumps(text)[1:-1]}
    if len(encoded) >= _BASE64:
        forms |= _base64_forms(encoded)
    return tuple(forms)


def _base64_forms(value: bytes) -> set[str]:
    """Return the base64 of a value within a longer text: three alignments, without the characters of its neighbours."""
    forms = set()
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        padded = b"\0" * before + value
        text = base64.b64encode(padded).decode()[skipped : len(padded) * 8 // 6]
        forms |= {text, text.replace("+", "-").replace("/", "_")}
    return forms


def secrets_in(text: str) -> list[str]:
    """Return the forms of this process's secrets that stand in `text`, to be handed to `mask`.

    A process may hold many secrets: each is looked for in whole only where its beginning stands in the text.
    """
    starts = {text[position : position + _START] for position in range(len(text) - _START + 1)}
    found: list[str] = []
    for reference in _live.valuerefs():
        secret = reference()
        if secret is not None and secret.may_stand_in(starts):
            found += [form for form in secret.forms() if form in text]
    return found


def mask(text: str, limit: int = _LIMIT, *, own: Iterable[str] | None = None, keep_runs: bool = False) -> str:
    """Return `text` on one line of at most `limit` characters, without secrets and personal data.

    Tokens, e-mail addresses, telephone numbers and organisation numbers become stars. `own` are the forms that
    `secrets_in` found, where many texts are masked at once. `keep_runs` leaves long runs of letters and digits: the id
    of a request is one.
    """
    # Cut generously first: the patterns need not run over a megabyte of HTML.
    end = limit * 4
    if own is None:
        own = secrets_in(text[: end + _MARGIN])
    masked = " ".join(_without(own, text, end).split())
    if len(text) > end:
        # The last word goes too, because half a secret does not look like one.
        masked = masked[: max(masked.rfind(mark) for mark in " ,;&") + 1].rstrip() or "..."
    if not masked.isascii():
        # Format characters are invisible: they only hide a number from the patterns.
        masked = "".join(char for char in masked if unicodedata.category(char) != "Cf")
    masked = patterns.hide_credentials(masked)
    masked = patterns.hide_named_values(masked)
    masked = patterns.hide_tokens(masked)
    if not keep_runs:
        masked = patterns.hide_runs(masked)
    masked = patterns.hide_personal_data(masked)
    masked = "".join(char if char.isprintable() else "?" for char in masked)
    return masked if len(masked) <= limit else masked[: limit - 3] + "..."


def mask_header(name: str, value: str, *, own: Iterable[str] | None = None) -> str:
    """Return the masked value of an answer's header. Ids of requests and the numbers of rate limits stay."""
    name = name.lower()
    if _COUNTS.search(name) and value.isdecimal() and len(value) <= _LONGEST_COUNT:
        return value
    if patterns.is_secret_name(name):
        return patterns.HIDDEN
    return mask(value, _LONGEST_HEADER, own=own, keep_runs=bool(_IDS.search(name)))


def mask_path(path: str, *, own: Iterable[str] | None = None) -> str:
    """Return the masked path of a URL. Each part is masked alone: the whole would look like one long token."""
    end = _LIMIT * 4
    if own is None:
        own = secrets_in(path[: end + _MARGIN])
    cut = _without(own, path, end)
    return "/".join(mask(part, 100, own=()) for part in cut.split("/"))


def is_password_cut(url: str) -> bool:
    """Return whether a sign such as `/` in the password ends a URL's authority too early.

    The password's beginning is then taken for the port, and shown as such. Raises ValueError for a URL that cannot be
    read.
    """
    authority = urllib.parse.urlsplit(url).netloc
    return bool(authority) and "@" in url and "@" not in authority


def _without(own: Iterable[str], text: str, end: int) -> str:
    """Return the first `end` characters of `text`. Stars replace each secret of `own` that begins there."""
    spans = sorted(span for form in own for span in _spans(form, text, end))
    kept: list[str] = []
    position = 0
    for start, stop in spans:
        if start >= position:
            kept += [text[position:start], patterns.HIDDEN]
        position = max(position, stop)
    return "".join([*kept, text[position:end]])


def _spans(form: str, text: str, end: int) -> list[tuple[int, int]]:
    spans = []
    last = end + len(form) - 1
    pattern = re.escape(form)
    if _PART_OF_A_WORD.fullmatch(form):
        pattern = rf"(?<!\w){pattern}(?!\w)"
    search = re.compile(pattern).search
    found = search(text, 0, last)
    while found:
        spans.append(found.span())
        found = search(text, found.start() + 1, last)
    return spans
