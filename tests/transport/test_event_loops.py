"""Event loops other than the usual one."""

import asyncio
import gc
import subprocess
import sys
from typing import Any

import pytest

from krebit import ConfigurationError
from krebit_sandbox import Sandbox
from tests.needs import needed_module
from tests.transport.support import Place, Way, connections_to, descriptors
from tests.waiting import wait_for


def test_trio_is_refused_before_anything_is_sent(sandbox: Sandbox) -> None:
    trio = needed_module("trio")
    api = Place.sandbox(sandbox, fresh=True).async_client()

    async def main() -> None:
        await api.get_current_user()

    with pytest.raises(ConfigurationError, match="asyncio") as caught:
        trio.run(main)
    assert "trio" in str(caught.value)
    assert caught.value.__context__ is None
    assert sandbox.requests == []


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
def test_many_loops_one_after_the_other_leave_nothing(sandbox: Sandbox, way: Way) -> None:
    """Loops that are closed without the client knowing of it."""
    api = Place.sandbox(sandbox).async_client(way)

    def run() -> None:
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(api.get_current_user()).id is not None
        loop.close()

    run()
    gc.collect()
    before = descriptors()
    for _ in range(20):
        run()
    gc.collect()
    # One loop's connection at the client. Its other end stands in this process too, and the sandbox needs a moment to
    # close those of the others; what the client has left open stays open.
    wait_for(lambda: descriptors() <= before + 4 and connections_to(sandbox.domain) <= 2)
    asyncio.run(api.close())
    gc.collect()


PROGRAMS = {
    # A notebook's kernel runs a loop, and a cell may run another inside it.
    "a loop inside a loop": """
import nest_asyncio

async def outer():
    nest_asyncio.apply()
    async with AsyncKrebit(**arguments) as api:
        await api.get_current_user()
        inner = asyncio.get_event_loop().run_until_complete(api.get_current_user())
        return inner.id, (await asyncio.gather(*(api.get_current_user() for _ in range(20))))[-1].id

found = asyncio.run(outer())
""",
    "uvloop": """
import uvloop

async def main():
    async with AsyncKrebit(**arguments) as api:
        users = await asyncio.gather(*(api.get_current_user() for _ in range(50)))
        return [user.id for user in users]

found = uvloop.run(main())
""",
    "gevent": """
from gevent import pool

with Krebit(**arguments) as api:
    found = pool.Pool(50).map(lambda _: api.get_current_user().id, range(50))
""",
}
MODULES = {"a loop inside a loop": "nest_asyncio", "uvloop": "uvloop", "gevent": "gevent"}
HEAD = """
import asyncio, sys, warnings
from krebit import AsyncKrebit, Krebit, MemoryTokenStore
domain, client_id, secret, ca_file, refresh_token = sys.argv[1:]
arguments = dict(domain=domain, client_id=client_id, client_secret=secret, ca_file=ca_file,
                 refresh_token=refresh_token, store=MemoryTokenStore())
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_under(name: str, sandbox: Sandbox) -> None:
    """With a refresh first, whose thread wakes callers of another kind of loop."""
    needed_module(MODULES[name])
    patch = "from gevent import monkey\nmonkey.patch_all()\n" if name == "gevent" else ""
    given: dict[str, Any] = Place.sandbox(sandbox, fresh=True).arguments
    values = [given[key] for key in ("domain", "client_id", "client_secret", "ca_file", "refresh_token")]
    program = f"{patch}{HEAD}{PROGRAMS[name]}print('found', found)"
    done = subprocess.run(
        [sys.executable, "-c", program, *values], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "found" in done.stdout
    assert sum(request.path == "/api/oauth/token" for request in sandbox.requests) == 1
