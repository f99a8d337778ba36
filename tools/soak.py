"""Put logins under load, with many processes, threads and tasks on one store.

The server ends the session when a refresh token is used twice. Tokens live two seconds, tasks are cancelled, and disks
fill up.

    python tools/soak.py [--seconds 600] [--processes 24] [--store files|postgres|redis] [--no-proofs]

The program prints counts, and exits with 0 if no token was refused and no session lost, else with 1. Then it runs the
proofs whole that the tests shorten, which takes some minutes more: a thousand kills at every step of a refresh, two
thousand interruptions, a thousand walks of the state machine.
"""

import argparse
import asyncio
import errno
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import krebit
from krebit import AsyncKrebit, Krebit, TokenStore
from krebit.errors import KrebitError, LoginRequired, StoreError, Unauthorized
from krebit.stores import Lease, Login, LoginKey
from krebit_sandbox import Sandbox, Switches

LIFETIME = 2.0
ROOT = Path(__file__).resolve().parent.parent
PROOFS = ("tests/oauth/test_interruption.py", "tests/oauth/test_state_machine.py")


class Tally(logging.Handler):
    """Counts what the library's log says of refreshes, and what its callers meet."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._guard = threading.Lock()

    def count(self, name: str) -> None:
        """Count one more event of this name."""
        with self._guard:
            self.counts[name] += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Count what a line of the library's log says."""
        text = record.getMessage()
        if found := re.match(r"POST /api/oauth/token refresh_token: (\w+)", text):
            self.count({"granted": "refreshes", "dead": "refusals"}.get(found[1], "other answers"))
        elif "the store holds a valid access token" in text:
            self.count("adoptions")

    def count_error(self, error: KrebitError) -> None:
        """Count an error that a caller got."""
        if isinstance(error, StoreError) and os.strerror(errno.ENOSPC) in str(error):
            self.count("full disks met")
        elif isinstance(error, LoginRequired):
            self.count("sessions lost")
        elif isinstance(error, Unauthorized):
            self.count("ended on the way")  # a machine so busy that two tokens in a row were too old on arrival
        else:
            self.count("failures")
            sys.stderr.write(f"{type(error).__name__}: {error}\n")


class _FullDiskStore:
    """Another store, whose disk has no room while the marker exists: for machines where no small disk is mounted."""

    def __init__(self, store: TokenStore, marker: Path) -> None:
        self._store = store
        self._marker = marker

    def load(self, key: LoginKey) -> Login | None:
        """Do the same as the other store."""
        return self._store.load(key)

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator[Lease]:
        """Do the same as the other store; the lease prepares nothing while the marker exists."""
        with self._store.lease(key, patience=patience) as lease:
            yield _FullDiskLease(lease, self._marker)


class _FullDiskLease:
    def __init__(self, lease: Lease, marker: Path) -> None:
        self._lease = lease
        self._marker = marker

    def load(self) -> Login | None:
        """Do the same as the other lease."""
        return self._lease.load()

    def prepare(self) -> None:
        """Do the same as the other lease. Raises StoreError while the marker exists."""
        if self._marker.exists():
            raise StoreError(f"{self._marker}: {os.strerror(errno.ENOSPC)}")
        self._lease.prepare()

    def save(self, login: Login) -> None:
        """Do the same as the other lease."""
        self._lease.save(login)


def _store(kind: str, place: str) -> TokenStore:
    store: TokenStore = getattr(krebit, kind)(place)
    return store


@contextmanager
def _store_server(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Start the server of a kind of store. Return the store's class and place."""
    if kind == "files":
        yield "FileTokenStore", str(folder / "logins")
        return
    # The servers of the tests, which run as another user than root.
    sys.path.insert(0, str(ROOT))
    if kind == "postgres":
        from tests.postgres import postgres_server

        with postgres_server() as postgres:
            yield "PostgresTokenStore", postgres.new_database()
    else:
        from tests.redis import running_redis

        with running_redis() as redis:
            yield "RedisTokenStore", redis.url


class Worker:
    """One process."""

    def __init__(self, number: int, assignment: dict[str, Any]) -> None:
        self.number = number
        self.assignment = assignment
        self.chance = random.Random(number)
        self.tally = Tally()
        self.end = time.monotonic() + assignment["seconds"]

    def run(self) -> Counter[str]:
        """Work until the time is up: with threads, with tasks, or with both."""
        logger = logging.getLogger("krebit")
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(self.tally)
        kinds: list[Callable[[], None]] = [self.threads, lambda: asyncio.run(self.tasks())]
        chosen = kinds if self.number % 3 == 2 else [kinds[self.number % 3]]
        running = [threading.Thread(target=kind) for kind in chosen]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return self.tally.counts

    def store(self) -> TokenStore:
        """Return the store that all processes share."""
        return _FullDiskStore(_store(*self.assignment["store"]), Path(self.assignment["full"]))

    def threads(self) -> None:
        """Call in three threads on one client."""
        with Krebit(**self.assignment["settings"], store=self.store()) as api:

            def call() -> None:
                while time.monotonic() < self.end:
                    try:
                        api.get_current_user()
                        self.tally.count("calls")
                    except KrebitError as error:
                        self.tally.count_error(error)
                    time.sleep(self.chance.uniform(0, 0.1))

            several = [threading.Thread(target=call) for _ in range(3)]
            for thread in several:
                thread.start()
            for thread in several:
                thread.join()

    async def tasks(self) -> None:
        """Call in six tasks on one client; now and then one is cancelled at a random moment."""
        async with AsyncKrebit(**self.assignment["settings"], store=self.store()) as api:

            async def call() -> None:
                while time.monotonic() < self.end:
                    patience = self.chance.uniform(0, 0.02) if self.chance.random() < 0.3 else None
                    try:
                        async with asyncio.timeout(patience):
                            await api.get_current_user()
                        self.tally.count("calls")
                    except TimeoutError:
                        self.tally.count("cancelled")
                    except KrebitError as error:
                        self.tally.count_error(error)
                    await asyncio.sleep(self.chance.uniform(0, 0.1))

            await asyncio.gather(*(call() for _ in range(6)))


def _fill_now_and_then(disk: Path, marker: Path, mounted: bool, ended: threading.Event) -> None:
    chance = random.Random(0)
    filler = disk / "filler"
    while not ended.wait(chance.uniform(0.5, 3)):
        if mounted:
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 65_536)
                except OSError:
                    pass
        else:
            marker.touch()
        ended.wait(chance.uniform(0.1, 0.6))
        filler.unlink(missing_ok=True)
        marker.unlink(missing_ok=True)


def soak(seconds: float, processes: int, folder: Path, kind: str) -> int:
    """Run the processes and add up their counts. They are forked before there is a thread."""
    wait, go = os.pipe()
    assignment, results = folder / "assignment.json", folder / "results"
    results.mkdir()
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(wait, 1)  # ends when the last writer has closed it
            counts = Worker(number, json.loads(assignment.read_text())).run()
            (results / str(number)).write_text(json.dumps(counts))
            os._exit(0)
        children.append(child)
    disk = folder / "disk"
    disk.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(disk)]
    mounted = kind == "files" and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    ended = threading.Event()
    try:
        with (
            _store_server(kind, disk) as place,
            Sandbox(tls=False, switches=Switches(token_lifetime=LIFETIME, reuse_revokes_family=True)) as sandbox,
        ):
            application, store = sandbox.application, _store(*place)
            settings: dict[str, Any] = {
                "domain": sandbox.domain,
                "client_id": application.client_id,
                "client_secret": application.client_secret,
                "plain_http": True,
            }
            with Krebit(**settings, store=store, refresh_token=sandbox.issue_tokens().refresh_token) as api:
                api.get_current_user()
            marker = folder / "full"
            content = {"settings": settings, "store": place, "seconds": seconds, "full": str(marker)}
            assignment.write_text(json.dumps(content))
            filler = threading.Thread(target=_fill_now_and_then, args=(disk, marker, mounted, ended))
            filler.start()
            os.close(go)
            statuses = [os.waitpid(child, 0)[1] for child in children]
            ended.set()
            filler.join()
            login = store.load(LoginKey(sandbox.domain, application.client_id))
            token = login.refresh_token.reveal() if login is not None and login.refresh_token is not None else ""
            lives = sandbox.token_state(token) == "live"
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=False)
    total: Counter[str] = Counter({"calls": 0, "refreshes": 0, "adoptions": 0, "refusals": 0, "sessions lost": 0})
    for file in results.iterdir():
        total.update(json.loads(file.read_text()))
    total["sessions lost"] += not lives
    total["failures"] += sum(status != 0 for status in statuses)
    for name, count in total.items():
        print(f"{name:16}{count:10,}")
    bad = total["refusals"] + total["sessions lost"] + total["failures"]
    return int(bad > 0 or not total["calls"] or not total["refreshes"])


def prove() -> int:
    """Run the long tests whole; each may take its time."""
    program = [sys.executable, "-m", "pytest", "-q", "--timeout", "0", *PROOFS]
    return subprocess.run(program, cwd=ROOT, env={**os.environ, "KREBIT_TESTS_LONG": "1"}, check=False).returncode


def main() -> int:
    """Read the arguments, soak, and prove."""
    parser = argparse.ArgumentParser(description="Logins under load; see the file's first lines.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--processes", type=int, default=24)
    parser.add_argument("--store", choices=["files", "postgres", "redis"], default="files", help="where the login is")
    parser.add_argument("--no-proofs", action="store_true", help="soak only")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="krebit-soak-") as folder:
        failed = soak(given.seconds, given.processes, Path(folder), given.store)
    sys.stdout.flush()
    return failed if given.no_proofs else failed | prove()


if __name__ == "__main__":
    raise SystemExit(main())
