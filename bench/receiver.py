"""A receiver of deliveries under uvicorn, in a process of its own: ours, or what one would write by hand.

Started as `python -m bench.receiver NAME PLACE`, with a file yet to be made or a connection string of PostgreSQL,
it prints its port.
"""

import asyncio
import hmac
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bench.deliveries import HANDLED, PATH, SECRET
from krebit.webhooks import AsgiReceiver, Inbox, Receiver, SqliteInbox, WebhookEvent


def ours(inbox: Inbox) -> Starlette:
    """Verified, stored and answered, while the worker's thread calls a handler that notes the time, and no more."""
    handled: list[tuple[str, float]] = []

    def handle(event: WebhookEvent) -> None:
        handled.append((str(event.id), time.time()))

    async def times(request: Request) -> Response:
        return PlainTextResponse("\n".join(f"{name} {at!r}" for name, at in handled))

    receiver = Receiver(SECRET, handle, inbox=inbox)
    return Starlette(routes=[Route(PATH, AsgiReceiver(receiver)), Route(HANDLED, times)])


def sqlite(file: str) -> Starlette:
    """Ours, with `SqliteInbox`."""
    return ours(SqliteInbox(file, busy=10.0))


def postgres(conninfo: str) -> Starlette:
    """Ours, with `PostgresInbox`."""
    from krebit.webhooks import PostgresInbox

    return ours(PostgresInbox(conninfo))


def by_hand(insert: Callable[[str, bytes], object]) -> Starlette:
    """The same HMAC, and one insert that is committed before the answer, in a thread of its own."""
    thread = ThreadPoolExecutor(1)

    async def receive(request: Request) -> Response:
        body = await request.body()
        signature = request.headers.get("x-signature", "")
        expected = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return Response("wrong signature\n", 401)
        await asyncio.get_running_loop().run_in_executor(thread, insert, signature, body)
        return Response("stored\n", media_type="text/plain")

    return Starlette(routes=[Route(PATH, receive, methods=["POST"])])


def sqlite_by_hand(file: str) -> Starlette:
    """With the durability of ours."""
    database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    database.execute("CREATE TABLE deliveries (signature TEXT PRIMARY KEY, body BLOB NOT NULL)")

    def insert(signature: str, body: bytes) -> None:
        database.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?)", (signature, body))

    return by_hand(insert)


def postgres_by_hand(conninfo: str) -> Starlette:
    """With the durability of ours."""
    import psycopg

    database = psycopg.connect(conninfo, autocommit=True)
    database.execute("CREATE TABLE deliveries (signature text PRIMARY KEY, body bytea NOT NULL)")

    def insert(signature: str, body: bytes) -> None:
        database.execute("INSERT INTO deliveries VALUES (%s, %s) ON CONFLICT DO NOTHING", (signature, body))

    return by_hand(insert)


APPLICATIONS: dict[str, Callable[[str], Any]] = {
    "sqlite": sqlite,
    "sqlite_by_hand": sqlite_by_hand,
    "postgres": postgres,
    "postgres_by_hand": postgres_by_hand,
}


def main(name: str, place: str) -> None:
    """Serve until the process is terminated."""
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer waits for Nagle's algorithm.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    # A connection that is idle while others are measured stays open.
    config = uvicorn.Config(
        APPLICATIONS[name](place), log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=600
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
