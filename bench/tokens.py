"""How many token requests it takes when everybody finds the access token expired at once."""

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from threading import Barrier

import httpx

from bench.clients import expire, make, signed_in
from bench.server import Server
from bench.timing import Row
from krebit import AsyncKrebit, FileTokenStore, Krebit

_CALLERS = 50
_PROCESSES = 8

PROGRAM = """
    import sys
    from krebit import FileTokenStore, Krebit
    api = Krebit(sys.argv[1], "application", "secret", refresh_token="refresh-0", plain_http=True,
                 store=FileTokenStore(sys.argv[2]))
    print("ready", flush=True)
    sys.stdin.readline()
    api.get_current_user()
"""


def measure() -> Iterator[Row]:
    """Threads, tasks, processes."""
    with Server() as server, TemporaryDirectory() as folder:
        store = signed_in(server, f"{folder}/logins")
        counts = []
        for run in (_threads, _tasks, _processes):
            expire(store)
            _count(server)
            run(server, store)
            counts.append(_count(server))
        text = " / ".join(map(str, counts))
        name = f"expired token, {_CALLERS} threads / {_CALLERS} tasks / {_PROCESSES} processes"
        yield Row(name, "token requests", float(max(counts)), 1, text, peers=_authlib(server))


def _count(server: Server) -> int:
    """Token requests since the last time."""
    return int(httpx.get(f"{server.url}/tokens").json())


def _threads(server: Server, store: FileTokenStore) -> None:
    with make(Krebit, server, store) as api:
        _together(api.get_current_user)


def _together(work: Callable[[], object]) -> None:
    barrier = Barrier(_CALLERS)
    with ThreadPoolExecutor(_CALLERS) as pool:
        for done in [pool.submit(lambda: (barrier.wait(), work())) for _ in range(_CALLERS)]:
            done.result()


def _tasks(server: Server, store: FileTokenStore) -> None:
    async def main() -> None:
        async with make(AsyncKrebit, server, store) as api:
            await asyncio.gather(*(api.get_current_user() for _ in range(_CALLERS)))

    asyncio.run(main())


def _processes(server: Server, store: FileTokenStore) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), server.domain, str(store.folder)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(_PROCESSES)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        process.communicate()
        assert process.returncode == 0


def _authlib(server: Server) -> str:
    if find_spec("authlib") is None:
        return ""
    oauth = import_module("authlib.integrations.httpx_client")
    options = {
        "client_id": "application",
        "client_secret": "secret",
        "token_endpoint": f"{server.url}/api/oauth/token",
        "base_url": server.url,
    }
    expired = {"access_token": "old", "refresh_token": "refresh-0", "token_type": "Bearer", "expires_at": 1}
    _count(server)
    with oauth.OAuth2Client(**options, token=dict(expired)) as client:
        _together(lambda: client.get("/api/1.0/me"))
    threads = _count(server)

    async def main() -> None:
        async with oauth.AsyncOAuth2Client(**options, token=dict(expired)) as client:
            await asyncio.gather(*(client.get("/api/1.0/me") for _ in range(_CALLERS)))

    asyncio.run(main())
    return f"authlib {threads} / {_count(server)}"
