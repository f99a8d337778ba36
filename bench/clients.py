"""Clients that are signed in at the bench's server."""

import json
import time
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bench.server import Server
from krebit import AsyncKrebit, FileTokenStore, Krebit, MemoryTokenStore, TokenStore

C = TypeVar("C", Krebit, AsyncKrebit)


def make(kind: type[C], server: Server, store: TokenStore | None = None, **options: Any) -> C:
    """A client with a refresh token, in memory unless a store is given."""
    return kind(
        server.domain,
        "application",
        "secret",
        refresh_token="refresh-0",  # noqa: S106
        plain_http=True,
        store=store if store is not None else MemoryTokenStore(),
        **options,
    )


def plain(server: Server) -> httpx.Client:
    """httpx with a static header, as the quickstart would use it."""
    headers = {"Authorization": "Bearer access-token", "Accept": "application/json"}
    return httpx.Client(base_url=server.url, headers=headers)


def signed_in(server: Server, folder: str) -> FileTokenStore:
    """A store in which a login is kept whose access token is good for an hour."""
    store = FileTokenStore(folder)
    with make(Krebit, server, store) as api:
        api.get_current_user()
    return store


def expire(store: FileTokenStore) -> None:
    """Let the stored access token have expired."""
    for path in Path(store.folder).glob("*.json"):
        content = json.loads(path.read_bytes())
        for name in [name for name in content if "expires" in name]:
            content[name] = time.time() - 10
        path.write_text(json.dumps(content))
