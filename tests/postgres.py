"""A PostgreSQL server of the tests' own, in a temporary folder, as another user than root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, LiteralString

import pytest

from tests.needs import absent

FUNCTIONS_OF_ANOTHER: LiteralString = """
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE FUNCTION public.has_table_privilege(text, text, text) RETURNS boolean LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'called as %', current_user; END $$;
CREATE FUNCTION public.pg_advisory_xact_lock(integer) RETURNS void LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'called as %', current_user; END $$;
CREATE FUNCTION public.make_interval(secs smallint) RETURNS interval LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'called as %', current_user; END $$
"""
"""Functions that fit some arguments better than PostgreSQL's own: these are called where no schema is named."""


def find_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs: Debian keeps it away from PATH."""
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


def _user() -> str | None:
    """Return whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class PostgresServer:
    """A server that can be stopped, killed and started again.

    It listens on a socket in its own folder, and at `address` with any user's trust.
    """

    def __init__(self, binaries: Path, folder: Path, address: str = "") -> None:
        self._address = address
        self._binaries = binaries
        self.folder = folder
        self._data = folder / "data"
        self._numbers = count(1)
        if (user := _user()) is not None:
            shutil.chown(folder, user)
        self._run(
            "initdb",
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            f"{self._data}",
        )
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")

    def start(self) -> None:
        """Start it and wait until it answers."""
        # No test takes the power away: what a killed server has written is there without waiting for the disk.
        options = (
            f"-c listen_addresses='{self._address}' -c unix_socket_directories={self.folder} -c max_connections=200 "
            "-c fsync=off"
        )
        log = f"{self.folder}/log"
        self._run("pg_ctl", "start", "--wait", f"--pgdata={self._data}", f"--options={options}", f"--log={log}")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: "fast" ends sessions, "immediate" is as a crash."""
        self._run("pg_ctl", "stop", "--wait", f"--pgdata={self._data}", f"--mode={mode}")

    def new_database(self) -> str:
        """Make an empty database. Return its connection string."""
        name = f"test_{next(self._numbers)}"
        self._run("createdb", f"--host={self.folder}", "--username=postgres", name)
        return f"host={self.folder} user=postgres dbname={name}"

    def _run(self, program: str, *arguments: str) -> None:
        user = _user()
        other: dict[str, Any] = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid}
        if other:
            other["extra_groups"] = []
        command = [str(self._binaries / program), *arguments]
        # Not a pipe: the server would inherit it, and its end would never come.
        with (self.folder / "output").open("w+b") as output:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={**os.environ, "PGCTLTIMEOUT": "120"},
                stdout=output,
                stderr=output,
                timeout=150,
                check=False,
                **other,
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode()


@contextmanager
def postgres_server(address: str = "") -> Iterator[PostgresServer]:
    """Start a server. Skip the test where PostgreSQL is missing, or fail where nothing may be skipped."""
    binaries = find_binaries()
    if binaries is None:
        absent("needs PostgreSQL; call: apt-get install postgresql")
        raise AssertionError
    # Not pytest's folder: its path may be too long for a socket, and closed to other users.
    with tempfile.TemporaryDirectory(prefix="krebit-pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(binaries, Path(folder), address)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server that the tests of a session share."""
    with postgres_server() as server:
        yield server
