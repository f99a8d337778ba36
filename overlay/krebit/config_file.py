"""The settings file: `config.toml` in the user's configuration folder, for programs and the command line alike.

Three sources are read in this order: the environment, the table `[profiles.NAME]` of the profile, and the keys at the
top of the file. The first source that has a value counts. A credential goes only to the tenant that it was written for:
a source of another domain or application than the one found before is not read further.
"""

import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from krebit import private_files
from krebit.config import UncheckedSettings, from_environment, host_of
from krebit.errors import ConfigurationError, StoreError
from krebit.redaction import Secret

# The keys that say where the client secret is.
SECRET_KEYS = ("client_secret_file", "client_secret_command")
KEYS = ("domain", "client_id", *SECRET_KEYS, "redirect_uri", "plain_http")
FILE_VARIABLE = "KREBIT_CONFIG"
# Seconds for a command that brings a secret: it may ask the person for something.
_COMMAND_TIMEOUT = 120


class SettingsFile(NamedTuple):
    """The content of a settings file. `top` has the keys for all profiles, `profiles` the tables by name."""

    path: Path
    top: Mapping[str, Any]
    profiles: Mapping[str, Mapping[str, Any]]


class _Source(NamedTuple):
    """Values of one place. Messages show `place`; relative paths begin at `folder`."""

    values: Mapping[str, Any]
    place: str
    folder: Path


def default_path(environ: Mapping[str, str]) -> Path | None:
    """Return where the settings file lies, or None where there is no home folder. `KREBIT_CONFIG` names another."""
    if chosen := environ.get(FILE_VARIABLE):
        return Path(chosen).absolute()
    from platformdirs import user_config_path

    try:
        return (user_config_path("krebit", appauthor=False) / "config.toml").expanduser().absolute()
    except (RuntimeError, OSError):  # a user without an entry in the user database; a current folder that is gone
        return None


def save_command(domain: str | None, path: Path | None) -> str:
    """Return the command that saves missing settings. `domain` is that of the option, `path` that of the settings file.

    `--save` replaces the settings of a profile, so another tenant than the file's gets a profile of its own.
    """
    if domain is None:
        return "krebit login --save"
    if path is None or not path.exists():
        return "krebit login --save --domain HOST"
    return "krebit login --save --profile NAME --domain HOST"


def read_settings(
    environ: Mapping[str, str],
    profile: str | None,
    *,
    domain: str | None = None,
    path: Path | None = None,
    with_secret: bool = True,
) -> UncheckedSettings:
    """Return the values of the environment and of the settings file, and where each comes from.

    `domain` and `profile` go before both. `path` is the settings file, which may be missing; None reads none.
    `with_secret=False` leaves the file of the client secret alone, and runs no command for it. Raises
    ConfigurationError that names file and key, and StoreUnsafe where others could change the file.
    """
    given = from_environment(environ, profile)
    del environ  # a traceback that shows local variables must not show it
    if domain is not None and not _is_same_host(domain, given.domain):
        if given.domain:
            # The credentials of the environment belong to its own tenant.
            given = UncheckedSettings("", "", Secret(None), profile=given.profile, profile_source=given.profile_source)
        given = given._replace(domain=domain, api="", sources={"domain": "domain"})
    file = None if path is None else load(path)
    if file is None:
        return given
    for source in _sources(file, given.profile):
        given = _completed(given, source, with_secret=with_secret)
    return given


def load(path: Path) -> SettingsFile | None:
    """Return the content of a settings file, or None if there is none.

    Raises ConfigurationError for one that cannot be read, is not TOML, or has unknown keys; StoreUnsafe where others
    could change it.
    """
    content = _read(path)
    if not content:
        return None
    file, problems = _parsed(path, content)
    if problems:
        del content, file  # somebody may have written a secret into it: a traceback must not show it
        raise ConfigurationError(*problems)
    return file


def _read(path: Path) -> bytes | None:
    """Return the bytes of a settings file, or None if there is none. Raises ConfigurationError or StoreUnsafe."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if stat.S_ISCHR(found.st_mode):  # /dev/null stands for no file
                return None
            if os.name == "posix":
                # It names a command to run, and where credentials go.
                private_files.check_unchangeable(path, found)
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigurationError(
            f"{path}: cannot be read ({reason}); mend that, or name another file in KREBIT_CONFIG"
        ) from None


def _parsed(path: Path, content: bytes) -> tuple[SettingsFile | None, list[str]]:
    """Return the file, and all that is wrong with it."""
    import tomllib

    try:
        # Editors of Windows put a mark in front.
        found = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, [f"{path}: is not valid TOML ({error}); correct that line"]
    except RecursionError:
        return None, [f"{path}: nests too deeply; it has keys, and tables such as [profiles.anna]"]
    profiles = found.pop("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(table, dict) for table in profiles.values()):
        return None, [f"{path}: profiles: must be tables, such as [profiles.anna]"]
    problems = _problems(found, str(path))
    for name, table in profiles.items():
        problems += _problems(table, f"{path}, [profiles.{name}]")
    return SettingsFile(path, found, profiles), problems


def _problems(values: Mapping[str, Any], place: str) -> list[str]:
    problems = []
    for key, value in values.items():
        expected = bool if key == "plain_http" else str
        if key == "client_secret":
            problems.append(
                f"{place}: client_secret: does not belong in this file; put it into a file of its own (chmod 600) "
                'and write client_secret_file = "…", or client_secret_command = "…"'
            )
        elif key not in KEYS:
            from difflib import get_close_matches

            close = get_close_matches(key, KEYS, 1)
            meant = f"; did you mean {close[0]}?" if close else f"; the keys are {', '.join(KEYS)}"
            problems.append(f"{place}: {key}: is not known{meant}")
        elif not isinstance(value, expected):
            form = "true or false" if expected is bool else "a text in quotes"
            problems.append(f"{place}: {key}: must be {form}")
    if "client_secret_file" in values and "client_secret_command" in values:
        problems.append(f"{place}: client_secret_file: there is client_secret_command too; remove one of them")
    return problems


def _sources(file: SettingsFile, profile: str) -> list[_Source]:
    folder = file.path.parent
    sources = [_Source(file.top, str(file.path), folder)]
    if profile in file.profiles:
        sources.insert(0, _Source(file.profiles[profile], f"{file.path}, [profiles.{profile}]", folder))
    return sources


def _completed(given: UncheckedSettings, source: _Source, *, with_secret: bool) -> UncheckedSettings:
    """Return the values, those that are still empty filled from a source."""
    values = source.values
    sources = dict(given.sources)
    domain = values.get("domain")
    if given.domain and domain is not None and not _is_same_host(domain, given.domain):
        return given
    if not given.domain and domain is not None:
        sources["domain"] = f"{source.place}: domain"
        given = given._replace(domain=domain)
    given = given._replace(plain_http=given.plain_http or values.get("plain_http", False))
    client_id = values.get("client_id")
    if given.client_id and client_id is not None and client_id != given.client_id:
        return given._replace(sources=sources)
    if not given.client_id and client_id is not None:
        sources["client_id"] = f"{source.place}: client_id"
        given = given._replace(client_id=client_id)
    key = _secret_key(values)
    if key is not None and not given.client_secret and "client_secret" not in sources:
        sources["client_secret"] = f"{source.place}: {key}"
        if with_secret:
            given = given._replace(client_secret=_read_secret(source, key))
    if given.redirect_uri is None and "redirect_uri" in values:
        sources["redirect_uri"] = f"{source.place}: redirect_uri"
        given = given._replace(redirect_uri=values["redirect_uri"])
    return given._replace(sources=sources)


def _is_same_host(one: str, other: str) -> bool:
    return host_of(one).lower() == host_of(other).lower()


def _secret_key(values: Mapping[str, Any]) -> str | None:
    return next((key for key in SECRET_KEYS if key in values), None)


def _read_secret(source: _Source, key: str) -> Secret:
    label = f"{source.place}: {key}"
    if key == "client_secret_command":
        return run_secret_command(source.values[key], label)
    try:
        path = source.folder / Path(source.values[key]).expanduser()
    except RuntimeError:
        raise ConfigurationError(f"{label}: there is no home folder; write the whole path") from None
    return read_secret_file(path, label)


def read_secret_file(path: Path, label: str) -> Secret:
    """Return the text of a private file. Raises ConfigurationError that begins with `label`."""
    try:
        content = private_files.read_private(path) if os.name == "posix" else path.read_bytes()
    except (StoreError, OSError) as error:
        raise ConfigurationError(f"{label}: {error}") from None
    if content is None:
        raise ConfigurationError(f"{label}: there is no file {path}; make it, and call: chmod 600 {path}")
    secret = _secret_of(content)
    del content  # a traceback that shows local variables must not show it
    return _present(secret, label)


def run_secret_command(command: str, label: str) -> Secret:
    """Return the text that a command prints. Its messages and questions go to the terminal.

    Raises ConfigurationError that begins with `label`.
    """
    secret, problem = _run(command)
    if problem is not None:
        raise ConfigurationError(f"{label}: {problem}; run it in a shell to see why")
    return _present(secret, label)


def _run(command: str) -> tuple[Secret, str | None]:
    """Return the secret that a command prints, and its problem. Raise nothing: the frame has the output."""
    import subprocess  # programs without such a command do without it

    try:
        words = shlex.split(command)
        done = subprocess.run(words, stdout=subprocess.PIPE, timeout=_COMMAND_TIMEOUT, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return Secret(None), f"it took more than {_COMMAND_TIMEOUT} s"
    except (OSError, ValueError, IndexError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return Secret(None), f"it cannot be run ({reason})"
    if done.returncode:
        return Secret(None), f"it ended with {done.returncode}"
    return _secret_of(done.stdout), None


def _secret_of(content: bytes) -> Secret:
    """Return the text without the end of its line, or an empty secret for bytes that are no text in UTF-8."""
    try:
        # Editors of Windows put a mark in front.
        text = content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        return Secret(None)
    return Secret(text if text.strip() else None)


def _present(secret: Secret, label: str) -> Secret:
    if not secret:
        raise ConfigurationError(f"{label}: gives no text in UTF-8; it must give the secret alone")
    return secret
