"""A settings file with a secret beside it."""

from pathlib import Path

import pytest

from krebit.config import UncheckedSettings
from krebit.config_file import read_settings

SECRET = "a-secret-canary-1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file, and a secret file beside it."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "secret").chmod(0o600)
    path = tmp_path / "config.toml"
    path.write_text(
        """
        domain = "one.krebit.se"
        client_id = "one"
        client_secret_file = "secret"
        redirect_uri = "http://127.0.0.1:1/"

        [profiles.anna]
        redirect_uri = "http://127.0.0.1:2/"

        [profiles.other]
        domain = "two.krebit.se"
        client_id = "two"
        """
    )
    path.chmod(0o644)
    return path


def read(file: Path, environ: dict[str, str] | None = None, profile: str | None = None) -> UncheckedSettings:
    return read_settings(environ or {}, profile, path=file)
