"""What a login in PostgreSQL costs: a refresh beside one through files, and a call whose token is good."""

import statistics
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from bench.clients import make, signed_in
from bench.server import Server
from bench.timing import Measure, Row, paired, repeated, shown
from krebit import Krebit, PostgresTokenStore, TokenStore
from krebit.stores import LoginKey
from tests.postgres import find_binaries, postgres_server

_CALLS = 200


def measure(*, rounds: int) -> Iterator[Row]:
    """Nothing where PostgreSQL is not installed."""
    if find_binaries() is None:
        return
    with Server() as server, TemporaryDirectory() as folder, postgres_server() as database:
        files = signed_in(server, f"{folder}/logins")
        postgres = PostgresTokenStore(database.new_database())
        with make(Krebit, server, postgres) as api:
            api.get_current_user()
        pair = paired(_refresh(server, postgres), _refresh(server, files), rounds=rounds * 2)
        ours, reference = statistics.median(pair.ours), statistics.median(pair.reference)
        added = (ours - reference) * 1000
        detail = f"{shown(ours)} against {shown(reference)}; the server takes 100 ms of each"
        yield Row(
            "a refresh through PostgreSQL, milliseconds more", "through files", added, 10, f"{added:.1f} ms", detail
        )

        with make(Krebit, server, postgres) as stored, make(Krebit, server) as from_memory:
            ours_call = repeated(lambda: stored.get_client(12345), _CALLS)
            pair = paired(ours_call, repeated(lambda: from_memory.get_client(12345), _CALLS), rounds=rounds)
        yield Row("auth with the token in PostgreSQL", "the token in memory", pair.ratio, 1.05, detail=pair.detail)


def _refresh(server: Server, store: TokenStore) -> Measure:
    """Seconds for the first call of a client that finds its access token at its end."""
    key = LoginKey(server.domain, "application")

    def measure_once() -> float:
        with store.lease(key, patience=10) as lease:
            login = lease.load()
            assert login is not None
            lease.save(login._replace(expires_at=time.time() - 10))
        with make(Krebit, server, store) as api:
            begin = time.perf_counter()
            api.get_current_user()
            return time.perf_counter() - begin

    return measure_once
