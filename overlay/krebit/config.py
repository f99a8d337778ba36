"""Settings: which tenant, which application, whose login. From arguments or from the quickstart's environment.

All checks come before the first socket is opened.
"""

import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeGuard
from urllib.parse import urlsplit

from krebit.errors import ConfigurationError
from krebit.redaction import Secret, mask

API_PREFIX = "/api/1.0"
DEFAULT_PROFILE = "default"

# The quickstart prints these in the place of a value. A placeholder that was left counts as missing.
_PLACEHOLDERS = {
    "YOUR_CLIENT_ID",
    "YOUR_CLIENT_SECRET",
    "AUTH_CODE_FROM_CALLBACK",
    "STORED_REFRESH_TOKEN",
    "CSRF_PROTECTION_VALUE",
}
_SOURCES = {
    "domain": "your tenant's host, such as yourco.krebit.se",
    "client_id": "the id shown at /developer/my-apps in your tenant",
    "client_secret": "the secret shown once at /developer/my-apps",
}
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_BYTE = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
# ASCII alone: other letters may only look like the ones that are meant.
_HOST = re.compile(rf"(\[[0-9a-f:.]+\]|{_LABEL}(\.{_LABEL})*)(:[0-9]{{1,5}})?", re.ASCII | re.IGNORECASE)
# Not *.localhost, which goes to the resolver of some systems.
_LOOPBACK = re.compile(rf"(localhost|127(\.{_BYTE}){{3}}|\[::1\])(:[0-9]+)?", re.ASCII | re.IGNORECASE)


class Settings(NamedTuple):
    """One tenant, one application, one profile.

    `domain` is the tenant's host, such as `yourco.krebit.se` or `localhost:8443`; `origin` adds the scheme. `profile`
    tells the logins of several people apart. `refresh_token` and `auth_code` are grants that somebody
    configured, each used once; they are empty where there are none.
    """

    domain: str
    origin: str
    client_id: str
    client_secret: Secret
    redirect_uri: str | None
    profile: str
    refresh_token: Secret
    auth_code: Secret

    def for_profile(self, profile: str) -> "Settings":
        """Return the settings of another profile, without grants of the configuration. Raises ConfigurationError."""
        if problem := _profile_problem(profile):
            raise ConfigurationError(f"profile: {problem}")
        return self._replace(profile=profile, refresh_token=Secret(None), auth_code=Secret(None))


class UncheckedSettings(NamedTuple):
    """Values as a user gave them, before any check. Secrets are wrapped already: frames of a traceback show locals."""

    domain: str
    client_id: str
    client_secret: Secret
    redirect_uri: str | None = None
    refresh_token: Secret = Secret(None)
    auth_code: Secret = Secret(None)
    profile: str = DEFAULT_PROFILE
    profile_source: str = "profile"
    api: str = ""
    plain_http: bool = False
    sources: Mapping[str, str] = MappingProxyType({})
    """Where values come from that are neither arguments nor variables, by their names."""

    def with_stand_in_secret(self) -> "UncheckedSettings":
        """Return the same values, with a stand-in for a client secret that a file or a command has: it is not read."""
        if self.client_secret or "client_secret" not in self.sources:
            return self
        return self._replace(client_secret=Secret("elsewhere"))


def from_environment(environ: Mapping[str, str], profile: str | None) -> UncheckedSettings:
    """Return the values of the quickstart's environment variables.

    `profile` goes before `KREBIT_PROFILE`. The grants of the environment belong to the profile that `KREBIT_PROFILE`
    names, or to `default`: another profile does not take them.
    """
    own_profile = variable(environ, "KREBIT_PROFILE") or DEFAULT_PROFILE
    given = UncheckedSettings(
        variable(environ, "KREBIT_DOMAIN"),
        variable(environ, "KREBIT_CLIENT_ID"),
        Secret(variable(environ, "KREBIT_CLIENT_SECRET")),
        redirect_uri=variable(environ, "KREBIT_REDIRECT_URI") or None,
        profile=own_profile if profile is None else profile,
        profile_source="KREBIT_PROFILE" if profile is None else "profile",
        api=variable(environ, "KREBIT_API"),
    )
    if given.profile != own_profile:
        return given
    return given._replace(
        refresh_token=Secret(variable(environ, "KREBIT_REFRESH_TOKEN")),
        auth_code=Secret(variable(environ, "KREBIT_AUTH_CODE")),
    )


def variable(environ: Mapping[str, object], name: str) -> str:
    """Return a variable's text, or an empty one. A mapping of the user's own may hold None or a number."""
    value = environ.get(name)
    return "" if value is None else str(value)


def sign_in_command(profile: str) -> str:
    """Return the command that signs in with a profile. Personal data in the profile's name are masked."""
    return "krebit login" if profile == DEFAULT_PROFILE else f"krebit login --profile {shlex.quote(mask(profile))}"


def text_problems(**values: object) -> list[str]:
    """Return a problem for each value that is neither a text nor None, without showing it."""
    return [
        f"{name}: must be a text, not of type {type(value).__name__}"
        for name, value in values.items()
        if not isinstance(value, str | None)
    ]


def seconds_problems(**values: object) -> list[str]:
    """Return a problem for each value that is not a number of seconds within a day."""
    return [
        f"{name}: must be a number of seconds above 0, at most a day"
        for name, value in values.items()
        if not (is_number(value) and 0 < value <= 86_400)
    ]


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number. True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_settings(
    given: UncheckedSettings, *, plain_http: bool, prefix: str = "", may_be_saved: bool = False
) -> Settings:
    """Return settings. Raises ConfigurationError that names each value that is missing or wrong.

    `prefix` is put before the names in messages: "KREBIT_" for values of environment variables. `may_be_saved` says
    that the settings file is read too.
    """
    host = host_of(given.domain).lower()
    origin = f"{'http' if plain_http else 'https'}://{host}"
    problems = {
        "domain": _missing("domain", given.domain) or domain_problem(given.domain, plain_http=plain_http),
        "client_id": _missing("client_id", given.client_id) or credential_problem(Secret(given.client_id)),
        "client_secret": _missing("client_secret", given.client_secret.reveal())
        or credential_problem(given.client_secret),
        "refresh_token": credential_problem(given.refresh_token),
        "auth_code": credential_problem(given.auth_code),
        "redirect_uri": None if given.redirect_uri is None else redirect_uri_problem(given.redirect_uri),
        "profile": _profile_problem(given.profile),
    }
    if not problems["domain"]:
        problems["api"] = _api_problem(given.api, origin, plain_http=plain_http)
    labels = {name: prefix + name.upper() if prefix else name for name in problems}
    labels["profile"] = given.profile_source
    labels |= given.sources
    wrong = [f"{labels[name]}: {problem}" for name, problem in problems.items() if problem]
    if wrong:
        is_incomplete = any(": is not set" in problem for problem in wrong)
        advice = "or call: krebit login --save" if is_incomplete and may_be_saved else None
        raise ConfigurationError(*wrong, advice=advice)
    return Settings(
        domain=host,
        origin=origin,
        client_id=given.client_id,
        client_secret=given.client_secret,
        redirect_uri=given.redirect_uri,
        profile=given.profile,
        refresh_token=_without_placeholder(given.refresh_token),
        auth_code=_without_placeholder(given.auth_code),
    )


def seconds_of_variable(name: str, text: str) -> float:
    """Return the seconds of an environment variable. Raises ConfigurationError that names it."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:
        raise ConfigurationError(f"{name}: must be a number of seconds above 0, at most a day (it is {text[:20]!r})")
    return seconds


def whole_number_of_variable(name: str, text: str) -> int:
    """Return the number of an environment variable. Raises ConfigurationError that names it."""
    if not re.fullmatch("[0-9]{1,3}", text):
        raise ConfigurationError(f"{name}: must be a whole number from 0 to 100 (it is {text[:20]!r})")
    return int(text)


def domain_problem(domain: str, *, plain_http: bool) -> str | None:
    """Return why `domain` is not a bare host with an optional port, or None.

    Plain HTTP takes a loopback address: it is for a sandbox on this machine.
    """
    host = host_of(domain)
    try:
        good = _HOST.fullmatch(host) is not None and len(host) <= 253 and urlsplit(f"//{host}").port != 0
    except ValueError:  # a port above 65535, or something in brackets that is no address
        good = False
    if not good:
        # The value is not shown when it may hold credentials.
        shown = "" if "@" in domain else f" (it is {domain[:100]!r})"
        return f"is not the tenant's host{shown}; set the host alone, such as yourco.krebit.se"
    if plain_http and not _LOOPBACK.fullmatch(host):
        return "plain HTTP is only for a sandbox on this machine (localhost, 127.0.0.1, [::1])"
    return None


def credential_problem(value: Secret) -> str | None:
    """Return why no server issues `value` as an id, a secret or a token, or None."""
    # RFC 6749, appendix A: %x20-7E. No issued value holds a space or a quote.
    text = value.reveal()
    if not text.strip() or _is_placeholder(text) or re.fullmatch("[!#-&(-~]+", text):
        return None
    return "has characters that no issued value has (white space, quotes or line breaks around it?)"


def redirect_uri_problem(uri: str) -> str | None:
    """Return why `uri` cannot be a redirect URI (RFC 6749, 3.1.2: absolute, without a fragment), or None."""
    try:
        parts = urlsplit(uri)
        absolute = bool(parts.scheme and (parts.netloc or parts.path))
    except ValueError:
        absolute = False
    good = absolute and uri.isprintable() and " " not in uri and "#" not in uri
    return None if good else "is not a whole address such as http://127.0.0.1:8765/callback, without white space and #"


def host_of(domain: str) -> str:
    """Return the tenant's host, without an `https://` before it or a slash behind it."""
    return re.sub("(?i)^https://", "", domain).removesuffix("/")


def _is_placeholder(value: str) -> bool:
    return value.strip() in _PLACEHOLDERS


def _without_placeholder(value: Secret) -> Secret:
    """Return the value, or an empty one where the quickstart's placeholder was left."""
    return Secret(None) if not value.reveal().strip() or _is_placeholder(value.reveal()) else value


def _missing(name: str, value: str) -> str | None:
    if not value.strip():
        return f"is not set; set it to {_SOURCES[name]}"
    if _is_placeholder(value):
        return f"is still the quickstart's placeholder; set it to {_SOURCES[name]}"
    return None


def _profile_problem(profile: object) -> str | None:
    if isinstance(profile, str) and profile and len(profile) <= 100 and profile.isprintable():
        return None
    return "must be 1 to 100 printable characters"


def _api_problem(api: str, origin: str, *, plain_http: bool) -> str | None:
    address = origin + API_PREFIX
    if not api or api.removesuffix("/").lower() == address:
        return None
    if api.startswith("http:") and not plain_http:
        return f"is plain HTTP; set it to {address}, or for a sandbox without TLS use --plain-http (plain_http=True)"
    return f"does not belong to KREBIT_DOMAIN; unset it or set it to {address}"
