"""Where the tenant is and which application asks: from arguments or from the quickstart's environment, checked before
any socket is opened."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from krebit._secret import Secret
from krebit.errors import ConfigurationError

API_PREFIX = "/api/1.0"

# What the quickstart prints where a value of one's own belongs: pasted as it stands, it is a missing value.
_PLACEHOLDERS = {
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


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant's host, `yourco.krebit.se` or `localhost:8443`, and how it is reached."""

    domain: str
    scheme: str = "https"

    @property
    def origin(self) -> str:
        """Scheme and host, without a trailing slash."""
        return f"{self.scheme}://{self.domain}"

    @property
    def api(self) -> str:
        """The base of the REST calls."""
        return self.origin + API_PREFIX


@dataclass(frozen=True, slots=True)
class Application:
    """An OAuth application, as registered at `/developer/my-apps`."""

    client_id: str
    client_secret: Secret
    redirect_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Seeds:
    """Grants from outside, each used once: what the quickstart keeps in its environment."""

    refresh_token: Secret | None = None
    auth_code: Secret | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that says who asks whom."""

    tenant: Tenant
    application: Application
    seeds: Seeds = Seeds()
    profile: str = "default"


def tenant(domain: str, *, plain_http: bool = False) -> Tenant:
    """The tenant that `domain` names; an `https://` in front and a slash behind are forgiven.

    Raises ConfigurationError for anything else that is not a bare host with an optional port. Plain HTTP is for a
    sandbox on this machine: it takes `plain_http=True` and a loopback address.
    """
    text = re.sub("(?i)^https://", "", domain).removesuffix("/")
    try:
        parts = urlsplit(f"//{text}")
        good = _HOST.fullmatch(text) is not None and len(text) <= 253 and parts.port != 0
    except ValueError:  # a port above 65535, or what is in brackets and no address
        parts, good = urlsplit(""), False
    if not good:
        # The value is not shown when it may hold credentials.
        shown = "" if "@" in text else f" (it is {domain[:100]!r})"
        raise ConfigurationError(
            f"domain: is not the tenant's host alone, in ASCII, such as yourco.krebit.se{shown}; it takes no protocol, "
            "path, credentials or white space, and no port but one from 1 to 65535"
        )
    if plain_http and not _is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            "domain: plain HTTP is only for a sandbox on this machine (localhost, 127.0.0.1, [::1])"
        )
    return Tenant(text.lower(), "http" if plain_http else "https")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def redirect_uri_problem(uri: str) -> str | None:
    """Why `uri` cannot be a redirect URI (RFC 6749, 3.1.2: absolute, without a fragment), or None."""
    try:
        parts = urlsplit(uri)
        good = bool(parts.scheme and (parts.netloc or parts.path)) and "#" not in uri
    except ValueError:
        good = False
    if good and uri.isprintable() and " " not in uri:
        return None
    return "is not an absolute URL without white space and fragment"


def settings(
    domain: str,
    client_id: str,
    client_secret: str,
    *,
    redirect_uri: str | None = None,
    refresh_token: str | None = None,
    auth_code: str | None = None,
    profile: str = "default",
    plain_http: bool = False,
    label: str = "{}",
) -> Settings:
    """Settings from arguments. Raises ConfigurationError naming each one that is wrong, as `label` writes its name."""
    needed = {"domain": domain, "client_id": client_id, "client_secret": client_secret}
    grants = {"refresh_token": refresh_token, "auth_code": auth_code}
    problems: dict[str, str] = {}
    for name, value in {**needed, **grants}.items():
        if not value or not value.strip() or value in _PLACEHOLDERS:
            if name in needed:
                problems[name] = f"is not set; for example {_EXAMPLES[name]}"
        elif name != "domain" and not _is_token(value):
            problems[name] = "has characters that none has (white space, quotes or line breaks around it?)"
    try:
        where = tenant(domain, plain_http=plain_http)
    except ConfigurationError as error:
        where = None
        problems.setdefault("domain", str(error).removeprefix("domain: "))
    if redirect_uri is not None and (problem := redirect_uri_problem(redirect_uri)):
        problems["redirect_uri"] = problem
    if not profile or not profile.isprintable() or len(profile) > 100:
        problems["profile"] = "must be 1 to 100 printable characters"
    if problems or where is None:
        raise ConfigurationError(*(f"{_labelled(label, name)}: {problem}" for name, problem in problems.items()))
    seeds = {name: Secret(value) for name, value in grants.items() if value and value not in _PLACEHOLDERS}
    return Settings(where, Application(client_id, Secret(client_secret), redirect_uri), Seeds(**seeds), profile)


def settings_from_env(
    environ: Mapping[str, str] | None = None, *, profile: str = "default", plain_http: bool = False
) -> Settings:
    """Settings from the quickstart's environment variables.

    `KREBIT_DOMAIN`, `KREBIT_CLIENT_ID` and `KREBIT_CLIENT_SECRET` are needed; `KREBIT_REDIRECT_URI`,
    `KREBIT_REFRESH_TOKEN` and `KREBIT_AUTH_CODE` are read when set. `KREBIT_API`, when set, must belong to the
    domain. `KREBIT_STATE` is not read: a state is made anew for each sign-in (RFC 6749, 10.12). Raises
    ConfigurationError naming every variable that is missing or malformed.
    """
    source = os.environ if environ is None else environ
    found = settings(
        source.get("KREBIT_DOMAIN", ""),
        source.get("KREBIT_CLIENT_ID", ""),
        source.get("KREBIT_CLIENT_SECRET", ""),
        redirect_uri=source.get("KREBIT_REDIRECT_URI") or None,
        refresh_token=source.get("KREBIT_REFRESH_TOKEN"),
        auth_code=source.get("KREBIT_AUTH_CODE"),
        profile=profile,
        plain_http=plain_http,
        label="KREBIT_{}",
    )
    api = source.get("KREBIT_API", "").removesuffix("/")
    if api and api.lower() != found.tenant.api:
        raise ConfigurationError(
            f"KREBIT_API: does not belong to KREBIT_DOMAIN; unset it or set it to {found.tenant.api}"
        )
    return found


def _labelled(label: str, name: str) -> str:
    return name if label == "{}" or name == "profile" else label.format(name.upper())


def _is_token(value: str) -> bool:
    # RFC 6749, appendix A: %x20-7E; none that is issued holds a space or a quote.
    return value.isascii() and value.isprintable() and not any(char in " \"'" for char in value)
