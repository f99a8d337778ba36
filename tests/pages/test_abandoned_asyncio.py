"""A walk with asyncio that is left early leaves no task and no socket behind."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from krebit import paginate
from krebit_sandbox import Sandbox
from tests.pages.server import ListServer, stalling_from
from tests.pages.support import PATIENT, asynchronous, sockets, sockets_fall_to

MakeServer = Callable[[Callable[[int], Any]], ListServer]
pytestmark = pytest.mark.usefixtures("nothing_is_left")


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go round until it holds; the test's timeout ends what never comes."""
    while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread, or is no event
        await asyncio.sleep(0.001)


def tasks_of_walks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {task for task in [asyncio.current_task()] if task}


def test_break_cancels_the_tasks(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))

    async def main() -> None:
        async with asynchronous(server, **PATIENT) as api:
            async for client in paginate(api.list_clients, limit=1).options(prefetch=8):
                if client.id == 2:
                    break
            await until(lambda: not tasks_of_walks())  # the loop ends what a `break` has left, in its next rounds
            await until(lambda: server.gone == server.stalled)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["records", "rows", "pages"])
def test_aclosing_waits_for_the_end(list_server: MakeServer, kind: str) -> None:
    server = list_server(stalling_from(3))

    async def main() -> None:
        async with asynchronous(server, **PATIENT) as api:
            walk = paginate(api.list_clients, limit=1).options(prefetch=8)
            source: Any = {"records": lambda: aiter(walk), "rows": walk.rows, "pages": walk.pages}[kind]()
            async with contextlib.aclosing(source) as found:
                number = 0
                async for _ in found:
                    number += 1
                    if number == 2:
                        break
                assert tasks_of_walks()
            assert tasks_of_walks() == set()

    asyncio.run(main())


@pytest.mark.parametrize("prefetch", [1, 8])
def test_cancelling_the_task_that_walks(list_server: MakeServer, prefetch: int) -> None:
    server = list_server(stalling_from(3))

    async def main() -> None:
        async with asynchronous(server, **PATIENT) as api:
            seen: list[int] = []

            async def walk() -> None:
                async for client in paginate(api.list_clients, limit=1).options(prefetch=prefetch):
                    seen.append(client.id)  # noqa: PERF401 - what came before the cancellation counts

            walking = asyncio.create_task(walk())
            await until(lambda: len(seen) == 2 and server.stalled == prefetch)
            walking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await walking
            assert seen == [1, 2]
            assert tasks_of_walks() == set()
            await until(lambda: server.gone == server.stalled)

    asyncio.run(main())


def test_an_exception_in_an_asynchronous_loop(list_server: MakeServer) -> None:
    server = list_server(stalling_from(3))

    async def walk() -> AsyncGenerator[int, None]:
        async with asynchronous(server, **PATIENT) as api:
            async for client in paginate(api.list_clients, limit=1).options(prefetch=8):
                yield client.id

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with contextlib.aclosing(walk()) as found:
                async for number in found:
                    _ = 1 // (2 - number)
        await until(lambda: not tasks_of_walks())

    asyncio.run(main())


def test_many_abandoned_asynchronous_walks_leave_no_socket_behind(sandbox: Sandbox) -> None:
    sandbox.switch(clients=1000)

    async def main() -> None:
        async with asynchronous(sandbox) as api:
            before = 0
            for number in range(30):
                if number == 5:
                    before = sockets()
                async for _ in paginate(api.list_clients, limit=10).options(prefetch=8):
                    break
                await until(lambda: not tasks_of_walks())
            assert await asyncio.to_thread(sockets_fall_to, before + 2 * 8)

    asyncio.run(main())
