"""The servers of the stores for several hosts, of one form: started, killed, frozen."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import krebit
from krebit import TokenStore
from tests.cut import Line
from tests.postgres import PostgresServer, postgres_server
from tests.redis import PASSWORD, RedisServer, running_redis

KINDS = ["PostgresTokenStore", "RedisTokenStore"]


class StoreServer:
    """A server and a line to it. `address` is the server's own, `far` is that of the line."""

    def __init__(self, server: PostgresServer | RedisServer) -> None:
        self.server = server
        beside = server.folder / "far"
        beside.mkdir(exist_ok=True)
        beside.chmod(0o755)
        if isinstance(server, PostgresServer):
            self.kind = "PostgresTokenStore"
            self.line = Line(server.folder / ".s.PGSQL.5432", beside / ".s.PGSQL.5432")
            self.address = server.new_database()
            self.far = self.address.replace(str(server.folder), str(beside))
        else:
            self.kind = "RedisTokenStore"
            self.line = Line(server.socket, beside / "socket")
            self.address = server.url
            self.far = f"unix://:{PASSWORD}@{beside / 'socket'}"

    def forget(self) -> None:
        """Begin with an empty store."""
        if isinstance(self.server, PostgresServer):
            before = self.address
            self.address = self.server.new_database()
            self.far = self.far.replace(before.split()[-1], self.address.split()[-1])
        else:
            self.server.clear()

    def store(self, address: str = "") -> TokenStore:
        """Return a store at this server."""
        store: TokenStore = getattr(krebit, self.kind)(address or self.address)
        return store

    def kill(self) -> None:
        """End it as a crash does."""
        if isinstance(self.server, PostgresServer):
            self.server.stop("immediate")
        else:
            self.server.kill()

    def start(self) -> None:
        """Start it again, with what it has kept."""
        self.server.start()


@contextmanager
def store_server(kind: str) -> Iterator[StoreServer]:
    """Start a server of a store's kind."""
    with ExitStack() as held:
        if kind == "PostgresTokenStore":
            own = StoreServer(held.enter_context(postgres_server()))
        else:
            own = StoreServer(held.enter_context(running_redis()))
        held.callback(own.line.close)
        yield own
