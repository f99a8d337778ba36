"""The Redis store beyond what both stores for several hosts promise: leases that end, fences, lossy settings."""

import logging
import signal
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from krebit import RedisTokenStore
from krebit.errors import ConfigurationError, StoreBusy, StoreError
from krebit.stores import Login, LoginKey
from tests.cut import Line
from tests.frames import frames_of
from tests.oauth.support import Program
from tests.ports import unused_port
from tests.redis import PASSWORD, RedisServer, running_redis
from tests.waiting import wait_for

KEY = LoginKey("shared.example", "application")


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.clear()
    return redis_server


@pytest.fixture
def store(server: RedisServer) -> RedisTokenStore:
    return RedisTokenStore(server.url)


def save(store: RedisTokenStore, generation: int = 1) -> None:
    with store.lease(KEY, patience=30) as lease:
        lease.prepare()
        lease.save(Login(generation=generation))


def time_left(server: RedisServer) -> float:
    """Return the seconds until the one lease ends."""
    with server.client() as client:
        (left,) = [int(client.pttl(key)) for key in client.scan_iter("*:lease")]
    return left / 1000


def is_leased(server: RedisServer) -> bool:
    """Return whether there is a lease. It may be there with no whole millisecond left."""
    with server.client() as client:
        return bool(list(client.scan_iter("*:lease")))


@pytest.mark.slow
def test_a_holder_that_was_stopped_past_its_lease_cannot_save_over_its_successor(
    server: RedisServer, store: RedisTokenStore
) -> None:
    given: dict[str, Any] = {"store": ["RedisTokenStore", server.url, {"lease": 5.0}], "key": KEY}
    with Program(["hold_lease"], given) as holder:
        assert holder.hear() == "held"
        holder.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(StoreBusy, match="TTL krebit:"), store.lease(KEY, patience=0.2):
                pass
            save(store, 7)
        finally:
            holder.process.send_signal(signal.SIGCONT)
        holder.tell("go")
        assert holder.hear() == "StoreError"
    assert store.load(KEY) == Login(generation=7)
    save(store, 8)


def test_a_lease_that_ended_saves_nothing_though_nobody_came_after_it(server: RedisServer) -> None:
    store = RedisTokenStore(server.url, lease=1.0)
    with store.lease(KEY, patience=1) as lease:
        wait_for(lambda: not is_leased(server))
        for step in (lease.prepare, lambda: lease.save(Login())):
            with pytest.raises(StoreError, match="lease has ended"):
                step()
    assert store.load(KEY) is None


def test_preparing_begins_the_lease_anew(server: RedisServer) -> None:
    with RedisTokenStore(server.url, lease=60.0).lease(KEY, patience=1) as lease:
        with server.client() as client:
            (key,) = client.scan_iter("*:lease")
            client.pexpire(key, 20_000)
        lease.prepare()
        assert time_left(server) > 20
        lease.save(Login(generation=1))


def test_a_server_that_lost_its_data_takes_no_save_of_an_earlier_lease(
    server: RedisServer, store: RedisTokenStore
) -> None:
    """Neither where the lease is gone, nor where another was given the same number since."""
    with store.lease(KEY, patience=1) as lost:
        server.clear()
        with pytest.raises(StoreError, match="did the server lose its data"):
            lost.save(Login(generation=5))
        with store.lease(KEY, patience=1) as newer:
            with pytest.raises(StoreError):
                lost.save(Login(generation=5))
            newer.save(Login(generation=1))
    assert store.load(KEY) == Login(generation=1)


def test_a_fence_that_moved_on_keeps_an_old_lease_out(server: RedisServer, store: RedisTokenStore) -> None:
    """As after a failover that brought the lease's key back, but not what came after it."""
    with store.lease(KEY, patience=1) as lease:
        with server.client() as client:
            (login,) = [key for key in client.scan_iter() if not key.endswith(b":lease")]
            client.hincrby(login, "fence", 1)
        with pytest.raises(StoreError, match="another process may have saved"):
            lease.save(Login())


def test_a_script_whose_answer_was_lost_may_run_again(server: RedisServer) -> None:
    """The connection breaks after the command; the command is sent again on a new one."""
    place = server.folder / "line"  # the path of a test's own folder may be too long for a socket
    with closing(Line(server.socket, place)) as line:
        store = RedisTokenStore(f"unix://:{PASSWORD}@{place}")
        save(store)
        line.lose_next_answer()
        with store.lease(KEY, patience=1) as lease:
            assert line.connections == 2
            for step in (lease.prepare, lambda: lease.save(Login(generation=2))):
                line.lose_next_answer()
                step()
        assert line.connections == 4
        assert store.load(KEY) == Login(generation=2)


def test_a_full_server_is_found_before_anything_is_sent(server: RedisServer, store: RedisTokenStore) -> None:
    save(store)
    with store.lease(KEY, patience=1) as lease, server.client() as client:
        client.config_set("maxmemory", "200kb")
        try:
            with pytest.raises(StoreError, match=r"cannot write the login.*maxmemory"):
                lease.prepare()
        finally:
            client.config_set("maxmemory", "0")
    assert store.load(KEY) == Login(generation=1)


def test_a_replica_is_found_before_anything_is_sent(server: RedisServer, store: RedisTokenStore) -> None:
    save(store)
    with store.lease(KEY, patience=1) as lease, server.client() as client:
        client.replicaof("127.0.0.1", "1")
        try:
            with pytest.raises(StoreError, match=r"cannot write the login.*primary server"):
                lease.prepare()
        finally:
            client.replicaof("NO", "ONE")


def test_a_wrong_password_says_so(server: RedisServer) -> None:
    store = RedisTokenStore(server.url.replace("canary-pass", "another"))
    with pytest.raises(StoreError, match="check user and password"):
        store.load(KEY)


def test_settings_that_lose_logins_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "krebit")
    with running_redis("--appendonly", "no", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        store = RedisTokenStore(server.url)
        save(store)
        save(store)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "appendonly yes, appendfsync always" in caplog.text
    assert "maxmemory-policy noeviction" in caplog.text


def test_nothing_is_warned_of_a_server_that_keeps_what_it_is_given(
    store: RedisTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "krebit")
    save(store)
    assert not caplog.records


@pytest.mark.parametrize("lease", [0.5, 4000.0])
def test_a_lease_of_an_odd_length_is_refused(server: RedisServer, lease: float) -> None:
    with pytest.raises(ConfigurationError, match="from 1 to 3600 seconds"):
        RedisTokenStore(server.url, lease=lease)


def test_tls_means_that_the_certificate_is_for_this_host() -> None:
    """Anybody has some certificate of a known authority."""
    authority, port = trustme.CA(), unused_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority.cert_pem.write_to_path(folder / "authority.pem")
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        options = ["--tls-port", str(port), "--bind", "127.0.0.1", "--tls-auth-clients", "no"]
        options += ["--tls-cert-file", f"{folder}/server.pem", "--tls-key-file", f"{folder}/server.pem"]
        options += ["--tls-ca-cert-file", f"{folder}/authority.pem"]
        with running_redis(*options):
            address = f"rediss://:{PASSWORD}@localhost:{port}/0?ssl_ca_certs={folder}/authority.pem"
            assert RedisTokenStore(address).load(KEY) is None
            with pytest.raises(StoreError, match="mismatch"):
                RedisTokenStore(address.replace("localhost", "127.0.0.1")).load(KEY)


@pytest.mark.parametrize("password", ["12/canary", "12#canary", "12?canary"])
@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_password_that_the_url_cuts_is_refused_and_not_shown(scheme: str, password: str) -> None:
    """redis-py takes its digits for the port."""
    with pytest.raises(ConfigurationError, match="needs percent-encoding") as caught:
        RedisTokenStore(f"{scheme}://:{password}@redis.example:6379/0")
    assert "canary" not in frames_of(caught.value)


@pytest.mark.parametrize(
    "address", ["unix:///run/a@b/socket", "redis://:p%2Fw@redis.example", "redis://:p@w@redis.example"]
)
def test_an_at_sign_elsewhere_is_no_fault(address: str) -> None:
    assert "RedisTokenStore" in repr(RedisTokenStore(address))
