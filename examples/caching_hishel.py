"""Keep answers about clients for some minutes, with hishel's cache around Krebit's transport.

    pip install hishel
    python examples/caching_hishel.py

The guides allow client responses to be kept for 5 to 15 minutes. What one login may see, another may not: each answer
is kept under a hash of the access token that it was given for, so no login ever gets another's. The token itself is not
kept. The cache lies in memory and ends with the process.
"""

import hashlib
import re
import sqlite3

import httpx
from hishel import SqliteStorage
from hishel.httpx import CacheTransport

from krebit import Krebit

# The list and single clients. A client's latest act is not kept: a new one would be hidden for minutes.
KEPT = re.compile("/api/1.0/clients(/[^/]+)?")


class ClientCache(httpx.BaseTransport):
    """Answers to GET requests about clients from memory, for `minutes`; everything else goes to the server.

    `memory` is the database that keeps them.
    """

    def __init__(self, ours: httpx.BaseTransport, minutes: float = 10) -> None:
        if not 5 <= minutes <= 15:
            raise ValueError("client responses may be kept for 5 to 15 minutes")
        self._ours = ours
        self.memory = sqlite3.connect(":memory:", check_same_thread=False)
        storage = SqliteStorage(connection=self.memory, default_ttl=minutes * 60)
        self._cache = CacheTransport(_Bearer(ours), storage)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer from the cache or from the server."""
        if request.method != "GET" or not KEPT.fullmatch(request.url.path):
            return self._ours.handle_request(request)
        bearer = request.headers["Authorization"]
        key = hashlib.sha256(f"{bearer} {request.url}".encode()).hexdigest()
        headers = [(name, value) for name, value in request.headers.multi_items() if name != "authorization"]
        extensions = {**request.extensions, "bearer": bearer, "caching": {"key": key}}
        return self._cache.handle_request(
            httpx.Request(request.method, request.url, headers=headers, extensions=extensions)
        )

    def close(self) -> None:
        """Forget everything, and close the connections."""
        self._cache.close()
        self.memory.close()


class _Bearer(httpx.BaseTransport):
    """Below the cache: puts the access token back for the server."""

    def __init__(self, ours: httpx.BaseTransport) -> None:
        self._ours = ours

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {**request.headers, "Authorization": request.extensions["bearer"]}
        return self._ours.handle_request(
            httpx.Request(request.method, request.url, headers=headers, extensions=request.extensions)
        )

    def close(self) -> None:
        self._ours.close()


def main() -> None:
    """Ask twice; the second answer comes from memory."""
    with Krebit.from_env(transport=ClientCache) as api:
        for _ in range(2):
            print(len(api.list_clients(limit=10).data), "clients")


if __name__ == "__main__":
    main()
