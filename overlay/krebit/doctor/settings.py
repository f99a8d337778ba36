"""Read the settings as every program does, and say where each value comes from. No network."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from krebit.config import Settings, UncheckedSettings, check_settings, from_environment, variable
from krebit.config_file import default_path, read_settings
from krebit.doctor.report import Setting, Step
from krebit.errors import ConfigurationError, StoreError
from krebit.redaction import Secret
from krebit.stores.address import STORE_VARIABLE

_SECRET = ("client_secret", "refresh_token", "auth_code")
_HIDDEN = "set, not shown"
_OTHERS = ("KREBIT_TIMEOUT", "KREBIT_RETRIES", "SSL_CERT_FILE", "SSL_CERT_DIR")


class FoundSettings(NamedTuple):
    """The settings: as they are `given`, `checked` where they are good, and as they are shown."""

    given: UncheckedSettings
    checked: Settings | None
    shown: list[Setting]
    step: Step
    store_address: Secret


def find_settings(
    environ: Mapping[str, str] | None, *, profile: str | None, domain: str | None, plain_http: bool
) -> FoundSettings:
    """Return the settings of the environment and of the settings file. Broken ones are told of in the step.

    Of a mapping no settings file is read, as by `Krebit.from_env`.
    """
    variables = os.environ if environ is None else environ
    path = default_path(variables) if environ is None else None
    problems: tuple[str, ...] = ()
    checked = None
    try:
        given = read_settings(variables, profile, domain=domain, path=path)
    except ConfigurationError as error:
        problems = error.problems
        given = from_environment(variables, profile)
    except StoreError as error:
        problems = (str(error),)
        given = from_environment(variables, profile)
    else:
        try:
            checked = check_settings(given, plain_http=plain_http or given.plain_http, prefix="KREBIT_")
        except ConfigurationError as error:
            problems = error.problems
    shown = _shown(given, variables, path, arguments={"profile": profile, "domain": domain})
    address = Secret(variable(variables, STORE_VARIABLE))
    if address:
        # The address of a server may hold a password.
        shown.append(Setting(STORE_VARIABLE, _HIDDEN, f"{STORE_VARIABLE} in the environment"))
    return FoundSettings(given, checked, shown, _step(problems, shown), address)


def _step(problems: tuple[str, ...], shown: list[Setting]) -> Step:
    if not problems:
        given = sum(setting.source not in ("not set", "default") for setting in shown)
        return Step("settings", "pass", f"complete; {given} values are given")
    problem, _, repair = problems[0].partition("; ")
    more = f" (and {len(problems) - 1} more: {'; '.join(problems[1:])})" if len(problems) > 1 else ""
    if "is not set" in problem:
        repair = "set it in the environment, or call: krebit login --save"
    return Step("settings", "fail", f"{problem}{more}", repair or "correct it where it is set")


def _shown(
    given: UncheckedSettings, variables: Mapping[str, str], path: Path | None, *, arguments: Mapping[str, str | None]
) -> list[Setting]:
    shown = []
    for name in ("domain", "client_id", "client_secret", "redirect_uri", "profile", "refresh_token", "auth_code"):
        value = getattr(given, name)
        if not value:
            shown.append(Setting(name, "", "not set"))
            continue
        text = _HIDDEN if name in _SECRET else _without_credentials(str(value))
        shown.append(Setting(name, text, _source(name, given, variables, arguments)))
    given_others = [name for name in _OTHERS if variables.get(name)]
    shown += [Setting(name, variables[name], f"{name} in the environment") for name in given_others]
    if path is not None:
        source = "settings file" if path.exists() else "settings file, which is not there"
        shown.append(Setting("settings file", str(path), source))
    return shown


def _source(
    name: str, given: UncheckedSettings, variables: Mapping[str, str], arguments: Mapping[str, str | None]
) -> str:
    if arguments.get(name) is not None:
        return "argument"
    if name in given.sources:
        return given.sources[name]
    variable = f"KREBIT_{name.upper()}"
    return f"{variable} in the environment" if variables.get(variable) else "default"


def _without_credentials(text: str) -> str:
    return text.rpartition("@")[2] if "@" in text else text
