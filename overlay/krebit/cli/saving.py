"""Write the settings file: comments stay, the secret goes into a file of its own."""

import re
from collections.abc import Mapping, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import tomlkit
from tomlkit.items import InlineTable

from krebit.cli.whole_files import write_private
from krebit.config import DEFAULT_PROFILE
from krebit.config_file import SECRET_KEYS, load
from krebit.redaction import Secret


def save(path: Path, profile: str, values: Mapping[str, str | bool], secret: Secret | None) -> None:
    """Put values into the settings file: into the profile's table, for `default` without one at the top.

    `secret`, if there is one, goes into a file beside it (0600), which is named instead. Raises ConfigurationError for
    a file that cannot be read, and ClickException for one that cannot be written.
    """
    load(path)
    path = path.resolve()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = tomlkit.parse(path.read_text("utf-8-sig")) if path.exists() else tomlkit.document()
        table = _table_of(document, profile)
        if secret is not None or any(key in values for key in SECRET_KEYS):
            for key in SECRET_KEYS:
                table.pop(key, None)
        for key, value in values.items():
            table[key] = value
        if secret is not None:
            secret_path = path.with_name(_secret_name(profile))
            write_private(secret_path, f"{secret.reveal()}\n")
            table["client_secret_file"] = secret_path.name
        write_private(path, tomlkit.dumps(document))
    except OSError as error:
        raise click.ClickException(
            f"the settings are not saved: {error.filename or path}: {error.strerror}; name another file in "
            "KREBIT_CONFIG, or set the variables in the environment"
        ) from None


def _table_of(document: tomlkit.TOMLDocument, profile: str) -> MutableMapping[str, Any]:
    """Return the part of the file that has the profile's settings: for `default` the top, if it has no table."""
    if profile == DEFAULT_PROFILE and profile not in document.get("profiles", {}):
        return document
    profiles: MutableMapping[str, Any] = document.setdefault("profiles", tomlkit.table(is_super_table=True))
    # An inline table cannot hold another kind.
    empty = tomlkit.inline_table() if isinstance(profiles, InlineTable) else tomlkit.table()
    table: MutableMapping[str, Any] = profiles.setdefault(profile, empty)
    return table


def _secret_name(profile: str) -> str:
    if profile == DEFAULT_PROFILE:
        return "client-secret"
    readable = re.sub("[^A-Za-z0-9-]+", "_", profile)[:40]
    return f"client-secret.{readable}.{sha256(profile.encode()).hexdigest()[:8]}"
