"""A receiver of deliveries under uvicorn, in a process of its own: ours, or what one would write by hand.

Started as `python -m bench.receiver NAME FILE` with a database that is yet to be made, it prints its port.
"""

import asyncio
import hmac
import socket
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.deliveries import PATH, SECRET
from krebit.webhooks import AsgiReceiver, Receiver, SqliteInbox, WebhookEvent


def ours(file: str) -> Starlette:
    """Verified, claimed, answered, handed to a handler that does nothing, and noted as done."""

    async def handle(event: WebhookEvent) -> None:
        """Nothing: the reference has no handler."""

    return Starlette(routes=[Route(PATH, AsgiReceiver(Receiver(SECRET, handle, inbox=SqliteInbox(file))))])


def by_hand(file: str) -> Starlette:
    """The same HMAC and one insert, committed with the same durability before the answer, in a thread of its own."""
    thread = ThreadPoolExecutor(1)
    database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    database.execute("CREATE TABLE deliveries (signature TEXT PRIMARY KEY, body BLOB NOT NULL)")

    def insert(signature: str, body: bytes) -> None:
        database.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?)", (signature, body))

    async def receive(request: Request) -> Response:
        body = await request.body()
        signature = request.headers.get("x-signature", "")
        expected = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return Response("wrong signature\n", 401)
        await asyncio.get_running_loop().run_in_executor(thread, insert, signature, body)
        return Response("stored\n", media_type="text/plain")

    return Starlette(routes=[Route(PATH, receive, methods=["POST"])])


APPLICATIONS: dict[str, Callable[[str], Starlette]] = {"ours": ours, "by_hand": by_hand}


def main(name: str, file: str) -> None:
    """Serve until the process is terminated."""
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer waits for Nagle's algorithm.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(APPLICATIONS[name](file), log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
