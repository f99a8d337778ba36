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
    "KREBIT_DOMAIN": "yourco.krebit.se",
    "KREBIT_CLIENT_ID": "the id shown at /developer/my-apps in your tenant",
    "KREBIT_CLIENT_SECRET": "the secret shown once at /developer/my-apps",
    "KREBIT_REDIRECT_URI": "https://yourapp.example.com/oauth/callback",
}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


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
    text = domain
    if text.lower().startswith("https://"):
        text = text[len("https://") :]
    text = text.removesuffix("/").lower()
    problem = _domain_problem(text)
    if problem is None and plain_http and not _is_loopback(text):
        problem = "plain HTTP is only for a sandbox on this machine (localhost, 127.0.0.1 or [::1])"
    if problem:
        # The value is not shown when it may hold credentials.
        shown = "" if "@" in text else f" (it is {domain[:100]!r})"
        raise ConfigurationError(f"domain: {problem}{shown}; write the tenant's host alone, such as yourco.krebit.se")
    return Tenant(text, "http" if plain_http else "https")


def _domain_problem(text: str) -> str | None:
    if not text:
        return "is empty"
    if not text.isascii():
        return "has a letter that is not ASCII, which may only look like the one you mean"
    for sign, meaning in (
        ("://", "a protocol"),
        ("@", "credentials"),
        ("/", "a path"),
        ("?", "a query"),
        ("#", "a fragment"),
    ):
        if sign in text:
            return f"has {meaning}"
    if any(char.isspace() or not char.isprintable() for char in text):
        return "has white space or control characters"
    host, port = _split_port(text)
    if port is not None and not (port.isdigit() and 0 < int(port[:6]) < 65536):
        return "has a port that is not a number from 1 to 65535"
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return "has brackets, but not an IPv6 address in them"
        return None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        return "is not a host name"
    return None


def _split_port(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        return host + bracket, rest[1:] if rest.startswith(":") else (rest or None)
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _is_loopback(text: str) -> bool:
    host = _split_port(text)[0].strip("[]")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def redirect_uri_problem(uri: str) -> str | None:
    """Why `uri` cannot be a redirect URI (RFC 6749, 3.1.2: absolute, without a fragment), or None."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "is not a URL"
    if any(char.isspace() or not char.isprintable() for char in uri):
        return "has white space or control characters"
    if not parts.scheme or not (parts.netloc or parts.path):
        return "is not an absolute URL"
    if "#" in uri:
        return "has a fragment"
    return None


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
) -> Settings:
    """Settings from arguments. Raises ConfigurationError naming each one that is wrong."""
    problems: list[str] = []
    given: tuple[tuple[str, object], ...] = (("client_id", client_id), ("client_secret", client_secret))
    for name, value in given:
        if not isinstance(value, str) or not value.strip():
            problems.append(f"{name}: is empty")
        elif not value.isprintable():
            problems.append(f"{name}: has line breaks or control characters")
    if redirect_uri is not None and (problem := redirect_uri_problem(redirect_uri)):
        problems.append(f"redirect_uri: {problem}")
    if not profile or not profile.isprintable() or len(profile) > 100:
        problems.append("profile: must be 1 to 100 printable characters")
    where = None
    try:
        where = tenant(domain, plain_http=plain_http)
    except ConfigurationError as error:
        problems[:0] = error.problems
    if problems or where is None:
        raise ConfigurationError(*problems)
    return Settings(
        tenant=where,
        application=Application(client_id, Secret(client_secret), redirect_uri),
        seeds=Seeds(_secret(refresh_token), _secret(auth_code)),
        profile=profile,
    )


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
    values = {name: value for name, value in source.items() if name.startswith("KREBIT_") and value}
    problems = [
        f"{name}: is not set; for example {_EXAMPLES[name]}"
        if name not in values
        else f"{name}: still holds the quickstart's placeholder; for example {_EXAMPLES[name]}"
        for name in ("KREBIT_DOMAIN", "KREBIT_CLIENT_ID", "KREBIT_CLIENT_SECRET")
        if values.get(name) is None or values[name] in _PLACEHOLDERS
    ]
    if "KREBIT_DOMAIN" in values:
        try:
            tenant(values["KREBIT_DOMAIN"], plain_http=plain_http)
        except ConfigurationError as error:
            problems += map(_as_variable, error.problems)
    grants = {
        name: value
        for name in ("KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE")
        if (value := values.get(name)) not in _PLACEHOLDERS
    }
    for name, value in grants.items():
        if value is not None and not _is_token(value):
            problems.append(f"{name}: has characters that no token has (white space, quotes or line breaks around it?)")
    if problems:
        raise ConfigurationError(*problems)
    try:
        found = settings(
            values["KREBIT_DOMAIN"],
            values["KREBIT_CLIENT_ID"],
            values["KREBIT_CLIENT_SECRET"],
            redirect_uri=values.get("KREBIT_REDIRECT_URI"),
            refresh_token=grants.get("KREBIT_REFRESH_TOKEN"),
            auth_code=grants.get("KREBIT_AUTH_CODE"),
            profile=profile,
            plain_http=plain_http,
        )
    except ConfigurationError as error:
        raise ConfigurationError(*map(_as_variable, error.problems)) from None
    api = values.get("KREBIT_API", "").removesuffix("/")
    if api and api.lower() != found.tenant.api:
        raise ConfigurationError(
            f"KREBIT_API: does not belong to KREBIT_DOMAIN; unset it or set it to {found.tenant.api}"
        )
    return found


def _as_variable(problem: str) -> str:
    name, colon, rest = problem.partition(":")
    return f"KREBIT_{name.upper()}{colon}{rest}" if name != "profile" else problem


def _is_token(value: str) -> bool:
    # RFC 6749, appendix A: %x20-7E; none that is issued holds a space or a quote.
    return value.isascii() and value.isprintable() and not any(char in " \"'" for char in value)


def _secret(value: str | None) -> Secret | None:
    return Secret(value) if value else None
