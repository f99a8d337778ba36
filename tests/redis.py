"""A Redis server of the tests' own, in a temporary folder, as another user than root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs
from tests.waiting import wait_for

PASSWORD = "canary-pass"


class RedisServer:
    """A server that can be killed and started again. It listens on a socket in its own folder alone.

    Without `options` it keeps everything it was given.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.socket = folder / "socket"
        self.url = f"unix://:{PASSWORD}@{self.socket}"
        self._options = options or (
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--maxmemory-policy",
            "noeviction",
        )
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, self._user)
        folder.chmod(0o755)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        group = pwd.getpwnam(self._user).pw_gid if self._user is not None else None
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "777"]
        command += ["--save", "", "--requirepass", PASSWORD, "--dir", str(self.folder), *self._options]
        silent = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=silent, stderr=silent, user=self._user, group=group)
        process = self.process
        wait_for(lambda: self._answers() or process.poll() is not None)
        assert process.poll() is None

    def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def client(self) -> Any:
        """A client of our own."""
        import redis

        return redis.Redis.from_url(self.url)

    def clear(self) -> None:
        """Forget everything."""
        with self.client() as client:
            client.flushall()

    def _answers(self) -> bool:
        import redis

        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def running_redis(*options: str) -> Iterator[RedisServer]:
    """Start a server. Skip the test where Redis is missing, or fail where nothing may be skipped."""
    needs("redis-server")
    # Not pytest's folder: its path may be too long for a socket, and closed to other users.
    with tempfile.TemporaryDirectory(prefix="krebit-redis-", ignore_cleanup_errors=True) as folder:
        server = RedisServer(Path(folder), *options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The server that the tests of a session share."""
    with running_redis() as server:
        yield server
