"""Keep logins in a Redis database, for several hosts. It needs the extra `redis`.

A login is a hash of two fields: `login`, and `fence`, which counts the leases. The lease is a key of its own that
expires. Only the holder of the latest lease may save, while that lease lasts: a script of the server checks this and
writes in one step.
"""

import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from krebit.clock import monotonic
from krebit.errors import ConfigurationError, StoreBusy, StoreError
from krebit.redaction import Secret, is_password_cut, mask
from krebit.stores.record import Login, LoginKey, as_bytes

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as error:
    raise ImportError(f"RedisTokenStore needs redis-py; call: pip install 'krebit[redis]' ({error})") from None

_log = logging.getLogger("krebit")
_PREFIX = "krebit:"
_CONNECT = 3.0
# Seconds for one answer. A connection that broke since its last use is replaced once.
_ANSWER = 5.0
# Seconds between two looks at a lease that somebody else holds.
_POLL = 0.05
_HEADROOM = 16_384

# Each script may run twice: then a lost answer does no harm. KEYS: the login, its lease.
# ARGV: the name of our lease, milliseconds. Returns the fence, or false.
_TAKE = """
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return false end
if holder then
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
    return tonumber(redis.call('HGET', KEYS[1], 'fence'))
end
local fence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return fence"""
# ARGV: the name of our lease, its fence, milliseconds, a field, its value. Returns whether the lease was ours.
# It begins with what needs memory: a script that has written is not stopped by a full server any more.
_WRITE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('HDEL', KEYS[1], 'room')
return 1"""
# ARGV: the name of our lease.
_GIVE_BACK = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end"""


class RedisTokenStore:
    """Keeps logins in the Redis, or Valkey, that `url` names: `redis://`, `rediss://` with TLS, or `unix://`.

    Options in the URL, such as `socket_timeout`, take precedence over the built-in ones. Any number of hosts may share
    it. The server needs `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`: otherwise a crash or
    an eviction can lose logins, and a warning says so if the server shows its settings. Use one server, or its primary:
    a failover may lose the last save.

    `lease`: seconds after which the lease of a killed holder ends. The lease begins anew before each token request, and
    must last longer than a token request: choose at least `refresh_timeout`. A holder that is suspended for longer
    cannot save over its successor's login. Tokens are in plain text. Raises ConfigurationError for a URL that cannot be
    read.
    """

    _where = "not made"  # a traceback may show a store whose making failed

    def __init__(self, url: str, *, lease: float = 30.0) -> None:
        secret = Secret(url)
        del url  # a traceback that shows local variables must not show it
        self._client, self._where, self._password = _make_client(secret)
        if not 1 <= lease <= 3600:
            raise ConfigurationError(f"RedisTokenStore: lease must be from 1 to 3600 seconds (it is {lease:g})")
        self._milliseconds = int(lease * 1000)
        self._has_looked = False

    def __eq__(self, other: object) -> bool:
        """Return whether both are stores of one database."""
        return isinstance(other, RedisTokenStore) and other._where == self._where

    def __hash__(self) -> int:
        return hash(self._where)

    def __repr__(self) -> str:
        return f"RedisTokenStore({self._where!r})"

    def load(self, key: LoginKey) -> Login | None:
        """Return the login stored for `key`, or None. Raises StoreError."""
        return self.read(_names(key))

    @contextmanager
    def lease(self, key: LoginKey, *, patience: float) -> Iterator["_RedisLease"]:
        """Hold the only lease on `key`, on all hosts. Raises StoreBusy after `patience` seconds, or StoreError."""
        names = _names(key)
        self._warn_of_losses()
        holder = secrets.token_hex(16)
        fence = self._take(names, holder, patience)
        try:
            yield _RedisLease(self, names, holder, fence, self._milliseconds)
        finally:
            with suppress(StoreError):  # it ends by itself
                self.run_script("give back the lease", _GIVE_BACK, names, holder)

    def _take(self, names: "_Names", holder: str, patience: float) -> int:
        until = monotonic() + patience
        while True:
            fence: int | None = self.run_script("lock the login", _TAKE, names, holder, self._milliseconds)
            if fence is not None:
                return fence
            if monotonic() >= until:
                raise StoreBusy(
                    f"Redis at {self._where}: another process or thread held the lease of this login for more than "
                    f"{patience:g} s; it ends by itself: see TTL {names.lease}"
                )
            time.sleep(_POLL)

    def read(self, names: "_Names") -> Login | None:
        """Return the login of this name. Raises StoreError."""
        content: bytes | None = self._run("read the login", "HGET", names.login, "login")
        return None if content is None else Login.from_json(content, f"{names.login} in Redis at {self._where}")

    def run_script(self, action: str, script: str, names: "_Names", *values: object) -> Any:
        """Run one of this module's scripts. Raises a StoreError, "cannot `action`"."""
        return self._run(action, "EVAL", script, len(names), *names, *values)

    def _run(self, action: str, *command: object) -> Any:
        try:
            return self._client.execute_command(*[as_bytes(each) for each in command])
        except redis.RedisError as error:
            problem = f"Redis at {self._where}: cannot {action} ({mask(str(error))}); {_repair(error)}"
        raise StoreError(problem)

    def _warn_of_losses(self) -> None:
        """Warn, once for each store, of settings with which a server loses logins."""
        if self._has_looked:
            return
        self._has_looked = True
        with suppress(StoreError):  # many roles may not ask
            found = self._run("ask for the settings", "INFO", "everything")
            for fault in _faults(found):
                _log.warning("Redis at %s can lose logins: %s", self._where, fault)


class _Names(NamedTuple):
    """The keys of one login. The part in braces keeps them in one slot of a cluster."""

    login: str
    lease: str


class _RedisLease:
    def __init__(self, store: RedisTokenStore, names: _Names, holder: str, fence: int, milliseconds: int) -> None:
        self._store = store
        self._names = names
        self._holder = holder
        self._fence = fence
        self._milliseconds = milliseconds

    def load(self) -> Login | None:
        return self._store.read(self._names)

    def prepare(self) -> None:
        """Begin the lease's time anew. Test for room: write as many bytes as a login needs, and delete them."""
        self._write("room", os.urandom(_HEADROOM))

    def save(self, login: Login) -> None:
        self._write("login", login.to_secret())

    def _write(self, field: str, value: Secret | bytes) -> None:
        ours = self._store.run_script(
            "write the login", _WRITE, self._names, self._holder, self._fence, self._milliseconds, field, value
        )
        if not ours:
            raise StoreError(
                f"{self._names.login}: the lease has ended, and another process may have saved since (was this one "
                "stopped for long, or did the server lose its data?); nothing was written"
            )


def _names(key: LoginKey) -> _Names:
    name = f"{_PREFIX}{{{key.file_name()}}}"
    return _Names(name, f"{name}:lease")


def _make_client(url: Secret) -> tuple[Any, str, Secret]:
    """Return a client, its place without a secret, and its password. Raises ConfigurationError."""
    options: dict[str, Any] = {
        "socket_connect_timeout": _CONNECT,
        "socket_timeout": _ANSWER,
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        "client_name": "krebit-logins",
    }
    try:
        if is_password_cut(url.reveal()):
            raise ValueError("its password is not percent-encoded")
        if not url.reveal().startswith("unix:"):
            options["socket_keepalive"] = True
        client = redis.Redis.from_url(url.reveal(), **options)
        pool = client.connection_pool
        options = pool.connection_kwargs
        pool.connection_class(**options)  # raises TypeError for an unknown option
        place = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        return client, f"{place}/{options.get('db', 0)}", Secret(options.get("password"))
    except (ValueError, TypeError):  # their texts may show a part of the password
        options.clear()
    raise ConfigurationError(
        "RedisTokenStore: the address is not one such as redis://redis.example:6379/0, rediss://… or unix:///path; a "
        "password with special characters needs percent-encoding"
    )


def _faults(settings: dict[str, Any]) -> Iterator[str]:
    """Yield the consequence of each setting that can lose logins, with its repair."""
    if settings.get("aof_enabled") == 0:
        yield "after a crash only its last snapshot is left, or nothing; set appendonly yes, appendfsync always"
    policy = settings.get("maxmemory_policy", "noeviction")
    if settings.get("maxmemory") and policy != "noeviction":
        yield f"it evicts keys when its memory is full ({policy}); set maxmemory-policy noeviction"


def _repair(error: redis.RedisError) -> str:
    if isinstance(error, redis.AuthenticationError):
        return "check user and password in its address"
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return "check that the server runs and takes connections of this host"
    if isinstance(error, redis.OutOfMemoryError):
        return "give it more memory: maxmemory"
    if isinstance(error, redis.ReadOnlyError):
        return "connect to the primary server"
    return "what is stored is as it was"
