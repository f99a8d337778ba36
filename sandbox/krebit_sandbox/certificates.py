"""A certificate authority of the sandbox's own, kept in a folder that nobody else can read."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import trustme

CA_FILE = "ca.pem"
_KEY_FILE = "ca-key.pem"
_NAMES = ("localhost", "127.0.0.1", "::1")


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner alone; PermissionError when it is somebody else's or open to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder} must be yours alone: chmod 700 {folder}")


def server_context(folder: Path) -> ssl.SSLContext:
    """TLS for localhost, 127.0.0.1 and ::1, by the folder's authority or a new one; OSError when it is damaged."""
    key_file, ca_file = folder / _KEY_FILE, folder / CA_FILE
    if key_file.exists() and ca_file.exists():
        try:
            authority = trustme.CA.from_pem(ca_file.read_bytes(), key_file.read_bytes())
        except ValueError:
            raise OSError(f"{ca_file} or {key_file} is damaged: remove both, and new ones are made") from None
    else:
        authority = trustme.CA(organization_name="Krebit sandbox")
        _write(key_file, authority.private_key_pem.bytes())
        _write(ca_file, authority.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*_NAMES).configure_cert(context)
    return context


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
