"""Which requests come from other web sites: their pages may not steer a sandbox, nor fill its memory.

A browser that shows a foreign page can send requests to this machine. They are known by their headers: `Origin` and
`Sec-Fetch-Site` name the site of the page (https://www.w3.org/TR/fetch-metadata/), and `Host` is a foreign name where
that name was made to lead to this machine (DNS rebinding).
"""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import Headers

_LOCAL_HOST: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?", re.IGNORECASE)
_OWN: Final = frozenset({"none", "same-origin"})


def is_foreign(headers: Headers) -> bool:
    """Return whether another site's page sends this request, or whether its `Host` does not name this machine."""
    host = headers.get("host", "")
    if not _LOCAL_HOST.fullmatch(host):
        return True
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        # A page cannot set it, and it is right where `Origin` is "null" for a page of ours that sends no referrer.
        return site not in _OWN
    return origin is not None and origin.partition("://")[2] != host


def is_link(method: str, headers: Headers) -> bool:
    """Return whether a person follows a link from another site to this machine, as to the consent page."""
    local = _LOCAL_HOST.fullmatch(headers.get("host", "")) is not None
    return local and method == "GET" and headers.get("sec-fetch-mode") == "navigate" and "origin" not in headers
