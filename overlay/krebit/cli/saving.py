"""Write the settings file: comments stay, the secret goes into a file of its own."""

import os
import re
from collections.abc import Mapping, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import tomlkit
from tomlkit.items import InlineTable

from krebit.cli.whole_files import private_file
from krebit.config import DEFAULT_PROFILE
from krebit.config_file import SECRET_KEYS, load
from krebit.private_files import is_planted_link
from krebit.redaction import Secret


def save(path: Path, profile: str, values: Mapping[str, str | bool], secret: Secret | None) -> None:
    """Put values into the settings file: into the profile's table, for `default` without one at the top.

    `secret`, if there is one, goes into a file beside it (0600), which is named instead: beside `path` itself, where
    that is a link. Either both files are written or none. Raises ConfigurationError for a file that cannot be read, and
    ClickException for one that cannot be written.
    """
    if is_planted_link(path):
        raise click.ClickException(
            f"{path}: is a link of another user, in a folder for all; name another file in KREBIT_CONFIG"
        )
    load(path)
    target = path.resolve()
    secret_path = path.with_name(_secret_name(profile))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = tomlkit.parse(target.read_text("utf-8-sig")) if target.exists() else tomlkit.document()
        table = _table_of(document, profile)
        if secret is not None or any(key in values for key in SECRET_KEYS):
            for key in SECRET_KEYS:
                table.pop(key, None)
        if "domain" in values:
            table.pop("plain_http", None)  # it was for the domain before
        for key, value in values.items():
            table[key] = value
        if secret is not None:
            table["client_secret_file"] = secret_path.name
        with private_file(target) as file:
            file.write(tomlkit.dumps(document).encode())
            if secret is not None:
                # Where there is no room for the settings, the secret that the old ones name must stay.
                file.flush()
                os.fsync(file.fileno())
                with private_file(secret_path) as secret_file:
                    secret_file.write(f"{secret.reveal()}\n".encode())
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
