"""Where the tenant is and which application asks: from arguments or from the quickstart's environment, checked before
any socket is opened."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from krebit._secret import Secret
from krebit.errors import ConfigurationError

API_PREFIX = "/api/1.0"

# What the quickstart prints where a value of one's own belongs: pasted as it stands, it is a missing value.
_UNSET = {
    "",
    "YOUR_CLIENT_ID",
    "YOUR_CLIENT_SECRET",
    "AUTH_CODE_FROM_CALLBACK",
    "STORED_REFRESH_TOKEN",
    "CSRF_PROTECTION_VALUE",
}
_EXAMPLES = {
    "domain": "yourco.krebit.se",
    "client_id": "the id shown at /developer/my-apps in your tenant",
    "client_secret": "the secret shown once at /developer/my-apps",
}
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
# ASCII alone: other letters may only look like the ones that are meant.
_HOST = re.compile(rf"(\[[0-9a-f:.]+\]|{_LABEL}(\.{_LABEL})*)(:[0-9]{{1,5}})?", re.ASCII | re.IGNORECASE)
_LOOPBACK = re.compile(r"((.+\.)?localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?", re.IGNORECASE)


class Grant(NamedTuple):
    """What is sent to the token endpoint. `redirect_uri` and `code_verifier` belong to codes (RFC 6749, 4.1.3; RFC
    7636, 4.5)."""

    kind: Literal["refresh_token", "authorization_code"]
    value: Secret
    redirect_uri: str | None = None
    code_verifier: Secret | None = None


class Settings(NamedTuple):
    """Who asks whom: the tenant's host, such as `yourco.krebit.se` or `localhost:8443`, and with its scheme the origin;
    an OAuth application as registered there, and the profile whose login it uses. `seeds` are grants from outside, each
    used once: what the quickstart keeps in its environment."""

    domain: str
    origin: str
    client_id: str
    client_secret: Secret
    redirect_uri: str | None
    profile: str
    seeds: tuple[Grant, ...]


def _host(domain: str) -> str:
    """What names the tenant: an `https://` in front and a slash behind are forgiven."""
    return re.sub("(?i)^https://", "", domain).removesuffix("/")


def domain_problem(domain: str, *, plain_http: bool) -> str | None:
    """Why `domain` is not a bare host with an optional port, or None. Plain HTTP is for a sandbox on this machine: it
    takes a loopback address."""
    host = _host(domain)
    try:
        good = _HOST.fullmatch(host) is not None and len(host) <= 253 and urlsplit(f"//{host}").port != 0
    except ValueError:  # a port above 65535, or what is in brackets and no address
        good = False
    if not good:
        # The value is not shown when it may hold credentials.
        shown = "" if "@" in domain else f" (it is {domain[:100]!r})"
        return (
            f"is not the tenant's host alone, in ASCII, such as yourco.krebit.se{shown}; it takes no protocol, path, "
            "credentials or white space, and no port but one from 1 to 65535"
        )
    if plain_http and not _LOOPBACK.fullmatch(host):
        return "plain HTTP is only for a sandbox on this machine (localhost, 127.0.0.1, [::1])"
    return None


def redirect_uri_problem(uri: str) -> str | None:
    """Why `uri` cannot be a redirect URI (RFC 6749, 3.1.2: absolute, without a fragment), or None."""
    try:
        parts = urlsplit(uri)
        good = bool(parts.scheme and (parts.netloc or parts.path)) and not {" ", "#"} & set(uri) and uri.isprintable()
    except ValueError:
        good = False
    return None if good else "is not an absolute URL without white space and fragment"


def settings(
    domain: str,
    client_id: str,
    client_secret: Secret | str,
    *,
    redirect_uri: str | None = None,
    refresh_token: Secret | str | None = None,
    auth_code: Secret | str | None = None,
    profile: str = "default",
    plain_http: bool = False,
    api: str = "",
    prefix: str = "",
) -> Settings:
    """Settings from arguments, or from environment variables of that `prefix`. Raises ConfigurationError naming each
    one that is wrong."""
    given = {
        "client_id": Secret(client_id),
        "client_secret": Secret(client_secret),
        "refresh_token": Secret(refresh_token),
        "auth_code": Secret(auth_code),
    }
    host = _host(domain).lower()
    origin = f"{'http' if plain_http else 'https'}://{host}"
    problems = {
        "domain": _unset("domain", domain) or domain_problem(domain, plain_http=plain_http),
        **{name: _problem(name, value.reveal()) for name, value in given.items()},
        "redirect_uri": None if redirect_uri is None else redirect_uri_problem(redirect_uri),
        "profile": None
        if profile and len(profile) <= 100 and profile.isprintable()
        else "must be 1 to 100 printable characters",
    }
    if not problems["domain"] and api and api.removesuffix("/").lower() != origin + API_PREFIX:
        problems["api"] = (
            f"does not belong to KREBIT_DOMAIN; unset it or set it to {origin}{API_PREFIX}"
            f"{'; a sandbox without TLS needs plain_http=True' if api.startswith('http:') and not plain_http else ''}"
        )
    wrong = [
        f"{prefix + name.upper() if prefix and name != 'profile' else name}: {problem}"
        for name, problem in problems.items()
        if problem
    ]
    if wrong:
        raise ConfigurationError(*wrong)
    grants = (
        Grant("refresh_token", given["refresh_token"]),
        # The quickstart's was asked for without PKCE: a verifier nobody announced would be refused.
        Grant("authorization_code", given["auth_code"], redirect_uri),
    )
    seeds = tuple(grant for grant in grants if grant.value.reveal().strip() not in _UNSET)
    return Settings(host, origin, client_id, given["client_secret"], redirect_uri, profile, seeds)


def variables(environ: Mapping[str, str]) -> Callable[..., Settings]:
    """`settings` with the quickstart's environment variables filled in. No frame of a traceback holds the secrets."""
    return partial(
        settings,
        environ.get("KREBIT_DOMAIN", ""),
        environ.get("KREBIT_CLIENT_ID", ""),
        Secret(environ.get("KREBIT_CLIENT_SECRET")),
        redirect_uri=environ.get("KREBIT_REDIRECT_URI") or None,
        refresh_token=Secret(environ.get("KREBIT_REFRESH_TOKEN")),
        auth_code=Secret(environ.get("KREBIT_AUTH_CODE")),
        api=environ.get("KREBIT_API", ""),
        prefix="KREBIT_",
    )


def _unset(name: str, value: str) -> str | None:
    return f"is not set; for example {_EXAMPLES[name]}" if name in _EXAMPLES and value.strip() in _UNSET else None


def _problem(name: str, value: str) -> str | None:
    # RFC 6749, appendix A: %x20-7E; none that is issued holds a space or a quote.
    good = value.strip() in _UNSET or re.fullmatch("[!#-&(-~]+", value)
    return (
        _unset(name, value) if good else "has characters that none has (white space, quotes or line breaks around it?)"
    )
