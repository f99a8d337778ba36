"""Write the settings file: comments stay, the secret goes into a file of its own."""

import os
import re
import tempfile
from collections.abc import Mapping, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from krebit.config import DEFAULT_PROFILE
from krebit.config_file import load
from krebit.redaction import Secret


def save(path: Path, profile: str, values: Mapping[str, str | bool], secret: Secret | None) -> None:
    """Put values into the settings file: at its top for the profile `default`, else into the profile's table.

    `secret`, if there is one, goes into a file beside it (0600), which is named instead. Raises ConfigurationError for
    a file that cannot be read, and ClickException for one that cannot be written.
    """
    load(path)
    import tomlkit

    path = path.resolve()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = tomlkit.parse(path.read_text("utf-8-sig")) if path.exists() else tomlkit.document()
        table: MutableMapping[str, Any] = document
        if profile != DEFAULT_PROFILE:
            profiles = document.setdefault("profiles", tomlkit.table(is_super_table=True))
            table = profiles.setdefault(profile, tomlkit.table())
        for key in ("client_secret_file", "client_secret_command"):
            if secret is not None or key in values or _names_secret(values):
                table.pop(key, None)
        for key, value in values.items():
            table[key] = value
        if secret is not None:
            secret_path = path.with_name(_secret_name(profile))
            _write(secret_path, f"{secret.reveal()}\n")
            table["client_secret_file"] = secret_path.name
        _write(path, tomlkit.dumps(document))
    except OSError as error:
        raise click.ClickException(
            f"the settings are not saved: {error.filename or path}: {error.strerror}; name another file in "
            "KREBIT_CONFIG, or set the variables in the environment"
        ) from None


def _names_secret(values: Mapping[str, str | bool]) -> bool:
    return "client_secret_file" in values or "client_secret_command" in values


def _secret_name(profile: str) -> str:
    if profile == DEFAULT_PROFILE:
        return "client-secret"
    readable = re.sub("[^A-Za-z0-9-]+", "_", profile)[:40]
    return f"client-secret.{readable}.{sha256(profile.encode()).hexdigest()[:8]}"


def _write(path: Path, text: str) -> None:
    """Write a file whole, readable by its owner alone. Raises OSError."""
    fd, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
