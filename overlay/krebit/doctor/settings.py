"""Read the settings as every program does, and say where each value comes from. No network."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from krebit.config import Settings, UncheckedSettings, check_settings, from_environment, variable
from krebit.config_file import default_path, read_settings, save_command
from krebit.doctor.report import Setting, Step
from krebit.errors import ConfigurationError, StoreError
from krebit.redaction import Secret
from krebit.stores.address import STORE_VARIABLE

_SECRET = ("client_secret", "refresh_token", "auth_code")
_HIDDEN = "set, not shown"
_OTHERS = ("KREBIT_TIMEOUT", "KREBIT_RETRIES", "SSL_CERT_FILE", "SSL_CERT_DIR")


class FoundSettings(NamedTuple):
    """The settings as they are given, unchecked and without a secret that a file or a command has; and as shown."""

    given: UncheckedSettings
    shown: list[Setting]
    store_address: Secret
    save_command: str

    def checked(self, *, plain_http: bool) -> Settings:
        """Return the settings, checked. A secret that a file or a command has counts as set. Raises ConfigurationError.

        For settings that a client was made of: only the client looks at that secret.
        """
        given = self.given.with_stand_in_secret()
        return check_settings(given, plain_http=plain_http or given.plain_http, prefix="KREBIT_")


def find_settings(environ: Mapping[str, str] | None, *, profile: str | None, domain: str | None) -> FoundSettings:
    """Return the settings of the environment and of the settings file, or of the environment where that is broken.

    Of a mapping no settings file is read, as by `Krebit.from_env`. No command for a secret is run.
    """
    variables = os.environ if environ is None else environ
    path = default_path(variables) if environ is None else None
    try:
        given = read_settings(variables, profile, domain=domain, path=path, with_secret=False)
    except (ConfigurationError, StoreError):  # making a client says what is wrong
        given = from_environment(variables, profile)
    shown = _shown(given, variables, path, arguments={"profile": profile, "domain": domain})
    address = Secret(variable(variables, STORE_VARIABLE))
    if address:
        # The address of a server may hold a password.
        shown.append(Setting(STORE_VARIABLE, _HIDDEN, f"{STORE_VARIABLE} in the environment"))
    return FoundSettings(given, shown, address, save_command(domain, path))


def settings_step(problems: tuple[str, ...], command: str) -> Step:
    """Return the step of the settings, with the problems that making a client brought.

    `command` saves settings that are missing.
    """
    if not problems:
        return Step("settings", "pass", "complete")
    texts = [text.partition("; ")[0] for text in problems]
    repair = problems[0].partition("; ")[2]
    if "is not set" in texts[0]:
        repair = f"call: {command} (or set them in the environment)"
    return Step("settings", "fail", "; ".join(texts), repair or "correct it where it is set")


def _shown(
    given: UncheckedSettings, variables: Mapping[str, str], path: Path | None, *, arguments: Mapping[str, str | None]
) -> list[Setting]:
    shown = []
    for name in ("domain", "client_id", "client_secret", "redirect_uri", "profile", "refresh_token", "auth_code"):
        value = getattr(given, name)
        if not value and name not in given.sources:
            shown.append(Setting(name, "", "not set"))
            continue
        text = _HIDDEN if name in _SECRET else _without_credentials(str(value))
        shown.append(Setting(name, text, _source(name, given, variables, arguments)))
    given_others = [name for name in _OTHERS if variables.get(name)]
    shown += [Setting(name, variables[name], f"{name} in the environment") for name in given_others]
    if path is not None:
        shown.append(Setting("settings file", str(path), "read" if path.exists() else "not there"))
    return shown


def _source(
    name: str, given: UncheckedSettings, variables: Mapping[str, str], arguments: Mapping[str, str | None]
) -> str:
    if arguments.get(name) is not None:
        return "argument"
    if name in given.sources:
        return given.sources[name]
    named = f"KREBIT_{name.upper()}"
    return f"{named} in the environment" if variables.get(named) else "default"


def _without_credentials(text: str) -> str:
    return text.rpartition("@")[2] if "@" in text else text
