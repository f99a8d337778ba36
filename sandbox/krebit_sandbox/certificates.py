"""The server's certificate, by an authority of its own that is kept in a folder which nobody else can read."""

from __future__ import annotations

import os
import ssl
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

CA_FILE: Final = "ca.pem"
KEY_FILE: Final = "ca-key.pem"
NAMES: Final = ("localhost", "127.0.0.1", "::1")
_PATIENCE: Final = 60.0


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner alone.

    Raises PermissionError if the folder or the authority's key belongs to somebody else or is open to others.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder} must be yours alone: chmod 700 {folder}")
    _check_file(folder / KEY_FILE, forbidden=0o077)
    _check_file(folder / CA_FILE, forbidden=0o022)


def _check_file(file: Path, *, forbidden: int) -> None:
    try:
        status = file.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        raise PermissionError(f"{file} is not a regular file: remove it, and the sandbox makes a new one")
    if status.st_uid != os.getuid():
        raise PermissionError(f"{file} belongs to another user: remove it, and the sandbox makes a new one")
    if status.st_mode & forbidden:
        raise PermissionError(
            f"{file} is open to others, who may have copied or replaced it: remove {KEY_FILE} and "
            f"{CA_FILE} in {file.parent}, and the sandbox makes new ones"
        )


def server_context(folder: Path) -> ssl.SSLContext:
    """Return TLS for localhost, 127.0.0.1 and ::1, by the folder's authority or a new one.

    Raises OSError if the certificate cannot be made, because the authority's files are damaged for instance.
    """
    command = [sys.executable, "-P", "-m", "krebit_sandbox.authority", str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    made = subprocess.run(command, env=environment, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603
    if made.returncode != 0:
        lines = made.stderr.decode(errors="replace").splitlines() or ["no reason was given"]
        raise OSError(f"the certificate of {folder / CA_FILE} cannot be made: {lines[-1]}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(dir=folder) as file:  # mode 0600
        file.write(made.stdout)
        file.flush()
        context.load_cert_chain(file.name)
    return context
