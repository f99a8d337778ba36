"""What is added to the document works on both clients at once: called, walked through, and typed."""

import os
import subprocess
import sys

import pytest

from tests.contract.added_operations import grown
from tests.contract.conftest import Scratch

__all__ = ["grown"]  # the fixture: a document with a paged list, a bare array and an answer without content

PROGRAM = """
import asyncio
import json

import httpx
from krebit import AsyncKrebit, Krebit, MemoryTokenStore, Walk, paginate
from krebit_api.models import Act


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/api/oauth/token":
        return httpx.Response(200, json={"access_token": "a", "refresh_token": "r"})
    assert request.headers["Authorization"] == "Bearer a"
    if request.url.path.endswith("/queue"):
        return httpx.Response(202, text="OK")
    if request.method == "DELETE":
        return httpx.Response(204)
    if request.url.path.endswith("/templates"):
        return httpx.Response(200, json=[{"id": 1, "name": "One"}, {"id": 2}])
    page = int(request.url.params["page"])
    return httpx.Response(200, json={"data": [{"uuid": f"u{page}"}], "meta": {"last_page": 3, "total": 3}})


mock = httpx.MockTransport(answer)
given = {"domain": "yourco.krebit.se", "client_id": "id", "client_secret": "secret", "refresh_token": "seed"}


def blocking() -> list[object]:
    with Krebit(**given, store=MemoryTokenStore(), transport=mock) as krebit:
        walk: Walk[Act] = paginate(krebit.list_acts, 12345, limit=1)
        krebit.delete_webhook("a/b")
        krebit.queue_job()
        return [[act.uuid for act in walk], [one.id for one in krebit.list_templates()]]


async def tasks() -> list[object]:
    async with AsyncKrebit(**given, store=MemoryTokenStore(), transport=mock, async_transport=mock) as krebit:
        acts = [act.uuid async for act in paginate(krebit.list_acts, 12345, limit=1)]
        await krebit.delete_webhook("a/b")
        await krebit.queue_job()
        return [acts, [one.id for one in await krebit.list_templates()]]


print(json.dumps([blocking(), asyncio.run(tasks())]))
"""


@pytest.mark.slow
def test_it_is_called_walked_and_typed_with_no_other_edit(grown: Scratch) -> None:
    grown.generated()
    program = grown.root / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(grown.root / "generated")}
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, check=False, cwd=grown.root
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '[[["u1", "u2", "u3"], [1, 2]], [["u1", "u2", "u3"], [1, 2]]]'
