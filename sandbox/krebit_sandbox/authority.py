"""A program that issues the server's certificate: `python -m krebit_sandbox.authority FOLDER`.

It takes the authority that the folder holds, or makes one there, and prints the server's key and certificates as PEM.

It is a process of its own because cryptography keeps the class `datetime` that it meets first. While freezegun
replaces that class, cryptography would keep the replacement, and the process could never make a certificate again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import trustme

from krebit_sandbox.certificates import CA_FILE, KEY_FILE, NAMES


def main() -> int:
    """Print the PEM texts and return 0; 1, with the reason on stderr, if the folder's files are damaged."""
    folder = Path(sys.argv[1])
    key_file, ca_file = folder / KEY_FILE, folder / CA_FILE
    if key_file.exists() and ca_file.exists():
        try:
            authority = trustme.CA.from_pem(ca_file.read_bytes(), key_file.read_bytes())
        except ValueError:
            print(f"{ca_file} or {key_file} is damaged: remove both, and new ones are made", file=sys.stderr)
            return 1
    else:
        authority = trustme.CA(organization_name="Krebit sandbox")
        _write(key_file, authority.private_key_pem.bytes())
        _write(ca_file, authority.cert_pem.bytes())
    certificate = authority.issue_cert(*NAMES)
    sys.stdout.buffer.write(certificate.private_key_and_cert_chain_pem.bytes())
    return 0


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


if __name__ == "__main__":
    sys.exit(main())
